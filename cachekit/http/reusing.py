"""Whether a stored response may answer a request (RFC 9111 4)."""

from enum import Enum
from typing import Final

from cachekit.http.asked import Asked
from cachekit.http.cache_control import Directives
from cachekit.http.stored import Stored


class Use(Enum):
    """What a stored response is good for."""

    SERVE = "serve"
    REFRESH = "refresh"  # serve it, and have it loaded anew meanwhile
    LOAD = "load"


SERVE: Final = Use.SERVE
"""The same, for where every hit passes: to look a member up in its class takes long."""


def use(asked: Asked, stored: Stored, age: float) -> Use:
    """What to do with a response to such a request, which it suits, and which is so old."""
    over = age - stored.lifetime
    if asked.bare and over < 0 and not stored.validate:
        return SERVE
    if is_refused(asked, stored, age):
        return Use.LOAD
    if over < 0 or (not stored.strict and _takes_stale(asked.directives, over)):
        return SERVE
    refreshes = not stored.strict and over < stored.while_revalidate
    return Use.REFRESH if refreshes else Use.LOAD


def is_refused(asked: Asked, stored: Stored, age: float) -> bool:
    """Whether it may not be used before the application was asked, fresh or not."""
    if stored.validate or asked.bare:
        return stored.validate
    return _wants_newer(asked.directives, stored, age)


def _wants_newer(said: Directives, stored: Stored, age: float) -> bool:
    """Whether the client's own limits exclude it (RFC 9111 5.2.1)."""
    most, spare = said.seconds("max-age"), said.seconds("min-fresh")
    if "no-cache" in said or (most is not None and age > most):
        return True
    return spare is not None and stored.lifetime - age < spare


def _takes_stale(said: Directives, over: float) -> bool:
    if "max-stale" not in said:
        return False
    most = said.seconds("max-stale") if said.arguments["max-stale"][0] is not None else None
    return most is None or over <= most


def may_serve_failure(asked: Asked, stored: Stored, age: float) -> bool:
    """Whether it may be served since the application fails (RFC 5861 4)."""
    if stored.strict:
        return False
    over = age - stored.lifetime
    wanted = asked.directives.seconds("stale-if-error") or 0
    return over < max(stored.if_error, float(wanted), stored.while_revalidate)
