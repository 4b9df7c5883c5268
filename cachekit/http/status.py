"""What the cache tells of an answer: Age (RFC 9111 5.1) and Cache-Status (RFC 9211)."""

from functools import lru_cache
from typing import Final

from cachekit.http.asked import Asked
from cachekit.http.stored import Stored

Lines = tuple[tuple[bytes, bytes], ...]
"""The fields; there is no Cache-Status where the cache has no name to give."""

_REMEMBERED: Final = 4096


@lru_cache(maxsize=_REMEMBERED)
def hit(name: bytes | None, age: int, ttl: int) -> Lines:
    """It was answered with what was stored, for `ttl` more seconds; below 0 it was stale."""
    return (_age(age), *_did(name, b"hit; ttl=%d" % ttl))


def made(name: bytes | None, age: int, *, shared: bool) -> Lines:
    """It was answered with what was just made: by a load that another request had begun, or with
    what was stored, which the application has found to be still good."""
    what = b"fwd=uri-miss; collapsed" if shared else b"fwd=stale; fwd-status=304"
    return (_age(age), *_did(name, what))


def forwarded(name: bytes | None, why: str, *, stored: bool = False) -> Lines:
    """It was passed to the application."""
    return _did(name, b"fwd=%b%b" % (why.encode(), b"; stored" if stored else b""))


def why_forwarded(asked: Asked, old: Stored | None, *, variant: bool) -> str:
    """Why a request was passed on, of what RFC 9211 2.2 knows."""
    if old is not None:
        return "request" if "no-cache" in asked.directives else "stale"
    return "vary-miss" if variant else "uri-miss"


def _age(seconds: int) -> tuple[bytes, bytes]:
    return b"age", b"%d" % seconds


def _did(name: bytes | None, what: bytes) -> Lines:
    return () if name is None else ((b"cache-status", b"%b; %b" % (name, what)),)
