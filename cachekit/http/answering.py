"""From what is stored to what is sent: all of it, a part, or that nothing has changed."""

from typing import Final, NamedTuple

from cachekit.http.asked import Asked
from cachekit.http.conditions import (
    Validators,
    headers_of_304,
    if_range_holds,
    not_modified,
)
from cachekit.http.etags import ETag
from cachekit.http.fields import Headers, first, lines, replaced, without
from cachekit.http.freshness import date_of
from cachekit.http.ranges import UNSATISFIABLE, content_range, single_range
from cachekit.http.stored import Stored


class Answer(NamedTuple):
    """A response to send."""

    status: int
    headers: Headers
    body: bytes


def answer(asked: Asked, stored: Stored) -> Answer:
    """What a request gets of a response that may be used for it."""
    if asked.bare or not 200 <= stored.status < 300:
        whole = Answer(stored.status, stored.headers, stored.body)
    else:
        whole = _by_conditions(asked, stored)
    return Answer(whole.status, whole.headers, b"") if asked.head_only else whole


def _by_conditions(asked: Asked, stored: Stored) -> Answer:
    if not_modified(asked.headers, _state_of(asked, stored)):
        return Answer(304, headers_of_304(stored.headers), b"")
    ranges = None if asked.head_only or stored.status != 200 else first(asked.headers, b"range")
    if ranges is None or not _is_of_this(asked, stored):
        return Answer(stored.status, stored.headers, stored.body)
    return _part(ranges, stored)


def _state_of(asked: Asked, stored: Stored) -> Validators:
    """What a request's condition is about; the dates matter only where it names no tags."""
    tag = first(stored.headers, b"etag")
    if lines(asked.headers, b"if-none-match"):
        return Validators(ETag.parse(tag) if tag is not None else None)
    return stored.validators.or_date(date_of(stored.headers, stored.received))


def _is_of_this(asked: Asked, stored: Stored) -> bool:
    """Whether the client has another part of this very response (RFC 9110 13.1.5)."""
    made = date_of(stored.headers, stored.received)
    return if_range_holds(asked.headers, stored.validators, made)


def _part(ranges: bytes, stored: Stored) -> Answer:
    """One range; several, or what is none, gets all of it (RFC 9110 14.2)."""
    length = len(stored.body)
    part = single_range(ranges, length)
    if part is None:
        return Answer(200, stored.headers, stored.body)
    if part is UNSATISFIABLE:
        headers = [*without(stored.headers, _OF_A_BODY), (b"content-range", b"bytes */%d" % length)]
        return Answer(416, [*headers, (b"content-length", b"0")], b"")
    begin, end = part
    body = stored.body[begin : end + 1]
    headers = replaced(stored.headers, b"content-length", b"%d" % len(body))
    return Answer(206, [*headers, (b"content-range", content_range(begin, end, length))], body)


_OF_A_BODY: Final = frozenset(
    {
        *(b"content-length", b"content-type", b"content-encoding", b"etag", b"last-modified"),
        *(b"cache-control", b"expires", b"cdn-cache-control"),  # it is for one request, not the URL
    }
)
