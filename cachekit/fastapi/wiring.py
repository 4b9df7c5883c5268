"""Caches that live as long as an application, and the dependencies that give them."""

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from cachekit import Cache, CacheError, ConfigurationError
from cachekit.fastapi.raw_redis import Redis, RedisSource, client_of, maker

log: Final = logging.getLogger("cachekit")

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]
"""What `FastAPI(lifespan=...)` takes."""

_STATE: Final = "cachekit"


@dataclass(frozen=True, slots=True)
class Wired:
    """What an application has while it runs."""

    default: Cache | None
    named: Mapping[str, Cache]
    redis: Redis | None = None


def lifespan(
    cache: Cache | None = None,
    /,
    *,
    inner: Lifespan | None = None,
    redis: RedisSource | None = None,
    **named: Cache,
) -> Lifespan:
    """Open the caches when an application starts, close them when it ends.

    - `cache` is what `CacheDep` gives, `named` are what `named("sessions")` gives.
    - `inner`: the application's own lifespan, which runs while they are open.
    - `redis`: the URL of a Redis, or a function that makes a `redis.asyncio.Redis`, for `RedisDep`.

    A store that does not answer keeps no application from starting: that is logged, the cache tries
    again at its next use, and until then every call loads. A mistake, such as a URL that cannot be,
    is raised. An application may start again, on another loop, too.
    """
    for name, each in {"cache": cache, **named}.items():
        if each is not None and not isinstance(each, Cache):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"lifespan(): {name} is no Cache, but {each!r}")
    given = [*named.values()] if cache is None else [cache, *named.values()]
    caches = list({id(each): each for each in given}.values())
    make = None if redis is None else maker(redis)

    @asynccontextmanager
    async def running(app: Any) -> AsyncGenerator[Any]:
        async with AsyncExitStack() as stack:
            for each in caches:
                stack.push_async_callback(_close, each)
            await asyncio.gather(*map(_open, caches))
            client = None if make is None else await stack.enter_async_context(client_of(make))
            stack.enter_context(_wired(app, Wired(cache, named, client)))
            yield inner and await stack.enter_async_context(_context(inner)(app))

    return running


async def _open(cache: Cache) -> None:
    try:
        await cache.open()
    except CacheError:  # a mistake of who made it
        raise
    except Exception as error:
        log.warning(
            "the application starts without a cache, whose store did not open (%s: %s); it is "
            "tried again at each use",
            type(error).__name__,
            error,
        )


async def _close(cache: Cache) -> None:
    try:
        await cache.close()
    except Exception as error:  # what else is open is to be closed, too
        log.warning("a cache was not closed properly: %s: %s", type(error).__name__, error)


def _context(inner: Lifespan) -> Lifespan:
    """FastAPI takes a bare async generator, too."""
    return asynccontextmanager(inner) if inspect.isasyncgenfunction(inner) else inner


@contextmanager
def _wired(app: Any, wired: Wired) -> Generator[None]:
    apps = list(_apps(app))
    for each in apps:
        setattr(each.state, _STATE, wired)
    try:
        yield
    finally:
        for each in apps:
            delattr(each.state, _STATE)


def _apps(app: Any) -> Iterator[Any]:
    """An application and those that are mounted in it, whose own lifespans nobody runs."""
    yield app
    for route in app.routes:
        if isinstance(route, Mount) and hasattr(route.app, "state"):
            yield from _apps(route.app)


def _wired_in(connection: HTTPConnection) -> Wired:
    wired = getattr(connection.app.state, _STATE, None)
    if not isinstance(wired, Wired):
        raise ConfigurationError(
            "this application has no caches: make it with FastAPI(lifespan=lifespan(cache)), and "
            "start it (in tests: `async with app.router.lifespan_context(app):`, or `with "
            "TestClient(app):`), or put a cache in app.dependency_overrides[get_cache]"
        )
    return wired


async def get_cache(connection: HTTPConnection) -> Cache:
    """The dependency behind `CacheDep`: the cache that `lifespan` was given first."""
    cache = _wired_in(connection).default
    if cache is None:
        raise ConfigurationError(
            "CacheDep: there is no cache without a name; give one: lifespan(cache, …)"
        )
    return cache


CacheDep = Annotated[Cache, Depends(get_cache)]
"""The application's cache: `async def read(cache: CacheDep)`."""


@dataclass(frozen=True, slots=True)
class named:
    """The dependency for a cache by its name: `Annotated[Cache, Depends(named("sessions"))]`.

    Equal names are one dependency: `app.dependency_overrides[named("sessions")]`.
    """

    name: str

    async def __call__(self, connection: HTTPConnection) -> Cache:
        caches = _wired_in(connection).named
        if self.name not in caches:
            raise ConfigurationError(
                f"there is no cache named {self.name!r}, only {sorted(caches)}: give it, "
                f"lifespan(…, {self.name}=cache)"
            )
        return caches[self.name]


async def get_redis(connection: HTTPConnection) -> Redis:
    """The dependency behind `RedisDep`: the client that `lifespan(redis=...)` has made."""
    client = _wired_in(connection).redis
    if client is None:
        raise ConfigurationError("RedisDep: there is no client; give lifespan(…, redis=URL)")
    return client


RedisDep = Annotated[Redis, Depends(get_redis)]
"""A `redis.asyncio.Redis` of the application: `async def read(redis: RedisDep)`."""
