"""What a route says of its answers to caches: to those outside, and to the one in front of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cachekit.errors import ConfigurationError
from cachekit.http.cache_control import CacheControl

HOLDER: Final = "cachekit"
"""Where a scope has the dict that the outermost of our middlewares puts there."""

MARK: Final = "__cache_policy__"
"""The attribute of an endpoint that was given a policy by decorator."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Lifetimes of one route's answers, for browsers and for this server apart.

    - `browser`: what is sent as Cache-Control where the answer has none of its own; it is for
      every cache outside, a CDN too.
    - `server`: what our response cache goes by instead. Never for an answer whose own
      Cache-Control says `private`, `no-store` or `no-cache`.
    """

    browser: CacheControl | None = None
    server: CacheControl | None = None

    def __post_init__(self) -> None:
        for name in ("browser", "server"):
            _check(name, getattr(self, name))
        if self.browser is None and self.server is None:
            raise ConfigurationError(
                "a Policy without browser= and server= says nothing; write "
                "browser=CacheControl(max_age=60), or CacheControl(no_store=True) for nothing"
            )


def _check(name: str, given: object) -> None:
    if given is not None and not isinstance(given, CacheControl):
        raise ConfigurationError(
            f"{name}= is {given!r}, not a CacheControl: write {name}=CacheControl(max_age=60)"
        )


def policy_of(scope: Mapping[str, Any]) -> Policy | None:
    """What the route that answers says, as far as that is known: when the response starts, it is.

    The endpoint's own policy, or else what a dependency of its router has put into the holder.
    """
    endpoint = getattr(scope.get("route"), "endpoint", None)
    marked = getattr(endpoint, MARK, None)
    return marked if isinstance(marked, Policy) else scope.get(HOLDER, {}).get("policy")
