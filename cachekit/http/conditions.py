"""Conditional requests (RFC 9110 13): whether a request is to be carried out, seen from its fields.

They are for requests that would succeed without them, and for who may see the answer: evaluate them
behind everything that could end in another error.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from cachekit.http.dates import parse_date
from cachekit.http.etags import ETag, etags_of, strong, weak
from cachekit.http.fields import Headers, combined, first, without


class Verdict(Enum):
    """What becomes of a request."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    """The client has it already: answer 304, without a body."""
    FAILED = "failed"
    """It is not what the client takes it for: change nothing, answer 412."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a resource from another; `None` for what is not known.

    `last_modified` is in seconds since the epoch. It is compared as it is sent: in whole seconds.
    """

    etag: ETag | None = None
    last_modified: float | None = None

    @classmethod
    def of(cls, headers: Headers) -> "Validators":
        """Those that an answer has."""
        tag = first(headers, b"etag")
        return cls(ETag.parse(tag) if tag is not None else None, _date(headers, b"last-modified"))

    def or_date(self, date: float) -> "Validators":
        """With `date`, that of the answer, for a modification date that it lacks (RFC 9111 4.3.2).

        For `not_modified` only: for a range the two are not the same.
        """
        return self if self.last_modified is not None else replace(self, last_modified=date)


def evaluate(method: str, headers: Headers, current: Validators | None) -> Verdict:
    """What a request's conditions say, in the order of RFC 9110 13.2.2; without If-Range.

    `current` is the state there is; `None`: there is no such resource.
    """
    if method in _SELECT_NOTHING:
        return Verdict.PROCEED
    if not _is_expected(headers, current):
        return Verdict.FAILED
    if current is None:
        return Verdict.PROCEED
    if method in _SAFE:
        return Verdict.NOT_MODIFIED if not_modified(headers, current) else Verdict.PROCEED
    return Verdict.FAILED if _is_excluded(headers, current) else Verdict.PROCEED


def not_modified(headers: Headers, current: Validators, *, is_404_like: bool = False) -> bool:
    """Whether 304 answers a GET or HEAD: by If-None-Match, or else by If-Modified-Since.

    That is all of the conditions that a cache evaluates itself (RFC 9111 4.3.2). `is_404_like`: the
    answer is not one of success, and a 304 would say that it is (RFC 9110 13.2.1).
    """
    if is_404_like:
        return False
    excluded = _is_excluded(headers, current)
    return _is_unmodified(headers, b"if-modified-since", current) if excluded is None else excluded


def if_range_holds(headers: Headers, current: Validators, date: float | None) -> bool:
    """Whether a Range field counts as far as If-Range goes (RFC 9110 13.1.5).

    `date` is the answer's own: a modification date names bytes for sure only if it is at least a
    second before that (8.8.2.2); `None`: not known.
    """
    value = combined(headers, b"if-range")
    if value is None:
        return True
    if tag := ETag.parse(value):
        return current.etag is not None and strong(tag, current.etag)
    modified = current.last_modified
    if modified is None or date is None or date - modified < 1:
        return False
    return parse_date(value) == modified // 1


def headers_of_304(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What the 304 to a request has of the fields of the 200 (RFC 9110 15.4.5).

    All but what describes a body; the modification date, too, where there is an ETag. What is not
    known stays, for what it may be: access for other origins, say.
    """
    dropped = _OF_A_BODY if first(headers, b"etag") is None else _BESIDE_AN_ETAG
    return without(headers, dropped)


_SAFE: Final = frozenset({"GET", "HEAD"})
_SELECT_NOTHING: Final = frozenset({"CONNECT", "OPTIONS", "TRACE"})

_OF_A_BODY: Final = frozenset(
    {
        *(b"content-type", b"content-encoding", b"content-language", b"content-length"),
        *(b"content-range", b"content-md5", b"content-digest", b"repr-digest", b"digest"),
        *(b"accept-ranges", b"transfer-encoding", b"trailer"),
    }
)
_BESIDE_AN_ETAG: Final = _OF_A_BODY | {b"last-modified"}


def _is_expected(headers: Headers, current: Validators | None) -> bool:
    """By If-Match, or else by If-Unmodified-Since (RFC 9110 13.1.1, 13.1.4)."""
    named = combined(headers, b"if-match")
    if named is not None:
        return current is not None and _names(named, current, strong)
    return _is_unmodified(headers, b"if-unmodified-since", current, unknown=True)


def _is_excluded(headers: Headers, current: Validators) -> bool | None:
    """By If-None-Match (RFC 9110 13.1.2); `None` if there is none."""
    named = combined(headers, b"if-none-match")
    return None if named is None else _names(named, current, weak)


def _names(value: bytes, current: Validators, same: Callable[[ETag, ETag], bool]) -> bool:
    """Whether a list of tags names the current state."""
    tags = etags_of(value)
    if tags == "*":
        return True
    return current.etag is not None and any(same(tag, current.etag) for tag in tags)


def _is_unmodified(
    headers: Headers, name: bytes, current: Validators | None, *, unknown: bool = False
) -> bool:
    """Whether nothing has changed since the date in a field.

    `unknown`, if there is no such field or no date in it, or no modification date to compare.
    """
    since = _date(headers, name)
    if since is None or current is None or current.last_modified is None:
        return unknown
    return current.last_modified // 1 <= since


def _date(headers: Headers, name: bytes) -> float | None:
    """The date in a field that has one (RFC 9110 13.1.3: a list of them is none)."""
    value = combined(headers, name)
    return None if value is None else parse_date(value)
