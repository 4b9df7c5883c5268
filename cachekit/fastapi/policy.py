"""Cache-Control by route: on an endpoint, on a router, on the whole application."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection

from cachekit import ConfigurationError
from cachekit.http.cache_control import CacheControl
from cachekit.http.policy import HOLDER, MARK, Policy

E = TypeVar("E", bound=Callable[..., Any])


class CachePolicy(Dependency):
    """What `cache_policy` makes: a decorator of endpoints, and a dependency of routers."""

    policy: Policy

    def __init__(self, policy: Policy) -> None:
        object.__setattr__(self, "policy", policy)
        super().__init__()

    def __getattribute__(self, name: str) -> Any:
        # FastAPI runs one function once for a request, however often it is a dependency. One policy
        # on the application and on a route, with another between, is to have the last word there:
        # so each time it is asked for its function it is another one.
        if name == "dependency":
            return _taking_effect(self.policy)
        return super().__getattribute__(name)

    def __call__(self, endpoint: E) -> E:
        """Mark an endpoint, which stays what it is."""
        try:
            setattr(endpoint, MARK, self.policy)
        except AttributeError:
            raise ConfigurationError(
                f"{endpoint!r} cannot be marked: write @cache_policy(...) on the function itself, "
                "below @app.get(...)"
            ) from None
        return endpoint


def _taking_effect(policy: Policy) -> Callable[[HTTPConnection], Awaitable[None]]:
    async def take_effect(connection: HTTPConnection) -> None:
        holder = connection.scope.get(HOLDER)
        if holder is not None:  # our middleware is there
            holder["policy"] = policy

    return take_effect


def cache_policy(
    *, browser: CacheControl | None = None, server: CacheControl | None = None
) -> CachePolicy:
    """What caches may do with the answers of a route; lifetimes for browsers and for us apart.

    - `browser`: the Cache-Control that is sent where the endpoint sets none itself.
    - `server`: what the response cache in front of this application goes by instead.

    As a decorator of an endpoint, below `@app.get(...)`; or for all routes of a router, or of the
    application: `APIRouter(dependencies=[cache_policy(...)])`. The closest one counts: the
    endpoint's, the innermost router's, the application's; then the rules by path.

    It is the middlewares of `cachekit.http` that make it so: without one nothing is sent.
    """
    return CachePolicy(Policy(browser=browser, server=server))
