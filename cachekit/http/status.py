"""What the cache did with a request, told in a Cache-Status field (RFC 9211)."""

from cachekit.http.asked import Asked
from cachekit.http.stored import Stored

Line = tuple[tuple[bytes, bytes], ...]
"""The field, or none where the cache has no name to give."""


def hit(name: bytes | None, ttl: float) -> Line:
    """It was answered with what was stored, for `ttl` more seconds; below 0 it was stale."""
    return () if name is None else ((b"cache-status", name + b"; hit; ttl=%d" % ttl),)


def made(name: bytes | None, *, shared: bool) -> Line:
    """It was answered with what was just made: by a load that another request had begun, or with
    what was stored, which the application has found to be still good."""
    if name is None:
        return ()
    what = b"fwd=uri-miss; collapsed" if shared else b"fwd=stale; fwd-status=304"
    return ((b"cache-status", b"%b; %b" % (name, what)),)


def forwarded(name: bytes | None, why: str, *, stored: bool = False) -> Line:
    """It was passed to the application."""
    if name is None:
        return ()
    what = b"%b; fwd=%b%b" % (name, why.encode(), b"; stored" if stored else b"")
    return ((b"cache-status", what),)


def why_forwarded(asked: Asked, old: Stored | None, *, variant: bool) -> str:
    """Why a request was passed on, of what RFC 9211 2.2 knows."""
    if old is not None:
        return "request" if "no-cache" in asked.directives else "stale"
    return "vary-miss" if variant else "uri-miss"
