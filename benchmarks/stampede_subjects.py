"""What a crowd asks for what is not there; each as its docs use it, in memory and on a Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis

from benchmarks.clients import OURS, TTL, Close
from benchmarks.read_through import Load, by_hand, key, named
from cachekit import Cache

MEMORY: Final = "memory"
"""In the place of the URL of a Redis: in the process itself."""

FUTURE: Final = "an asyncio future"


@dataclass(frozen=True)
class Subject:
    """One of them, on one event loop."""

    call: Callable[[int], Awaitable[Any]]
    close: Close


Maker = Callable[[str, Load], Awaitable[Subject]]
"""Makes one, on a database of a Redis or in memory, and with what loads a number."""


async def nothing() -> None:
    """What has no connections does at its end."""


async def future(url: str, load: Load) -> Subject:
    """Nothing is stored: who asks while it loads has that load."""
    running: dict[int, asyncio.Task[Any]] = {}

    async def call(number: int) -> Any:
        if number not in running:
            running[number] = asyncio.create_task(load(number))
        return await running[number]

    return Subject(call, nothing)


async def unprotected(url: str, load: Load) -> Subject:
    if url != MEMORY:
        client = _waiting(url)
        return Subject(by_hand(client, load), client.aclose)
    values: dict[int, Any] = {}

    async def call(number: int) -> Any:
        if number not in values:
            values[number] = await load(number)
        return values[number]

    return Subject(call, nothing)


def _waiting(url: str) -> Redis:
    """It has fewer connections than there are callers, who wait for one."""
    return Redis.from_pool(BlockingConnectionPool.from_url(url))


async def get_or_set(url: str, load: Load) -> Subject:
    cache = _cache(url)

    async def call(number: int) -> Any:
        return await cache.get_or_set(key(number), partial(load, number))

    return Subject(call, cache.close)


async def cached(url: str, load: Load) -> Subject:
    cache = _cache(url)
    return Subject(cache.cached(key="item:{number}")(named(load)), cache.close)


def _cache(url: str) -> Cache:
    return Cache("memory://" if url == MEMORY else url, namespace="stampede", ttl=TTL)


async def aiocache(url: str, load: Load) -> Subject:
    """Its docs say to have a pool as large as a crowd is."""
    from aiocache import Cache as Kind  # type: ignore[import-untyped]
    from aiocache import cached_stampede

    where = urlsplit(url)
    place = {"endpoint": where.hostname, "port": where.port, "db": where.path[1:]}
    how = {} if url == MEMORY else {**place, "pool_max_size": 1000}
    kind = Kind.MEMORY if url == MEMORY else Kind.REDIS
    call = cached_stampede(lease=2, ttl=TTL, cache=kind, **how)(named(load))
    return Subject(call, call.cache.close)


async def cashews(url: str, load: Load, *, lock: bool = False) -> Subject:
    from cashews import Cache as Cashews

    cache = Cashews()
    cache.setup("mem://" if url == MEMORY else url)
    call = cache.cache(ttl=TTL, key="item:{number}", lock=lock)(named(load))
    return Subject(call, cache.close)


async def async_lru(url: str, load: Load) -> Subject:
    from async_lru import alru_cache

    call = alru_cache(maxsize=1000, ttl=TTL)(named(load))
    return Subject(call, call.cache_close)


async def fastapi_cache(url: str, load: Load) -> Subject:
    """It has one backend for a process: here each call says which."""
    from fastapi_cache import FastAPICache, JsonCoder
    from fastapi_cache.backends.inmemory import InMemoryBackend
    from fastapi_cache.backends.redis import RedisBackend
    from fastapi_cache.decorator import cache

    client = None if url == MEMORY else _waiting(url)
    backend = RedisBackend(client) if client else InMemoryBackend()
    FastAPICache.init(backend, "fastapi-cache2")
    load_or_get = cache(expire=TTL, coder=JsonCoder)(named(load))

    async def call(number: int) -> Any:
        FastAPICache._backend = backend
        return await load_or_get(number)

    return Subject(call, client.aclose if client else nothing)


async def dogpile(url: str, load: Load) -> Subject:
    raise NotImplementedError("a caller blocks: each needs a thread, and has its mutex there")


ON_REDIS: Final[dict[str, Maker]] = {
    FUTURE: future,
    "no protection": unprotected,
    OURS: cached,
    "cachekit get_or_set": get_or_set,
    "aiocache.cached_stampede": aiocache,
    "cashews.cache": cashews,
    "cashews.cache, lock": partial(cashews, lock=True),
    "fastapi-cache2": fastapi_cache,
    "dogpile.cache": dogpile,
}
IN_MEMORY: Final[dict[str, Maker]] = {**ON_REDIS, "async_lru": async_lru}


async def made(name: str, place: str, load: Load) -> Subject:
    """The one of that name, in memory or in a database of its own."""
    if place == MEMORY:
        return await IN_MEMORY[name](MEMORY, load)
    return await ON_REDIS[name](f"{place}/{list(ON_REDIS).index(name)}", load)
