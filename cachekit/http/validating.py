"""Asking the application whether what is stored is still good (RFC 9111 4.3)."""

from dataclasses import replace
from typing import Final

from cachekit.http.etags import ETag, weak
from cachekit.http.fields import Headers, first, without
from cachekit.http.stored import Stored


def asking(headers: Headers, old: Stored) -> Headers:
    """A request's fields, with the validators of `old` in place of its own conditions (4.3.1)."""
    kept = unconditional(headers)
    etag, modified = first(old.headers, b"etag"), first(old.headers, b"last-modified")
    if etag is not None:
        kept.append((b"if-none-match", etag))
    if modified is not None:
        kept.append((b"if-modified-since", modified))
    return kept


def unconditional(headers: Headers) -> list[tuple[bytes, bytes]]:
    """A request's fields without what is for its client alone: an answer of 304 is none to us."""
    return without(headers, _CONDITIONS)


def confirms(headers: Headers, old: Stored) -> bool:
    """Whether a 304 with these fields is of `old`: another tag is of another state (4.3.4)."""
    told = first(headers, b"etag")
    tag, ours = ETag.parse(told or b""), old.validators.etag
    return tag is None or ours is None or weak(tag, ours)


def merged(old: Stored, headers: Headers) -> Headers:
    """The fields of what is stored after a 304 with `headers` (RFC 9111 3.2).

    Its Vary is added: that of a 304 is often a middleware's alone.
    """
    told = {name.lower() for name, _ in headers} - _OF_THE_BODY
    gone = (told | {b"date"}) - {b"vary"}
    kept = [line for line in old.headers if line[0] not in gone]
    return [*kept, *(line for line in headers if line[0].lower() in told and line not in kept)]


def renewed(old: Stored, unkept: Headers, now: float) -> Stored:
    """`old` for one client, with fields that may not be kept."""
    return replace(old, headers=tuple(unkept), received=now, age=0.0)


_CONDITIONS: Final = frozenset({b"if-none-match", b"if-modified-since"})
_OF_THE_BODY: Final = frozenset({b"content-length", b"content-encoding", b"content-range"})
