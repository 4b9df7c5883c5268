"""What is measured on Redis: its plain client, ours, and the peers, each as its docs use it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import msgpack  # type: ignore[import-untyped]
from redis.asyncio import BlockingConnectionPool, Redis

from benchmarks.payloads import payloads
from cachekit import Cache
from cachekit.entry import Entry
from cachekit.keys import value_key
from cachekit.runtime import ON_LOOP
from cachekit_redis import RedisBackend

Call = Callable[[Any], Awaitable[Any]]

PLAIN: Final = "redis.asyncio"
WAITING: Final = "redis.asyncio, waiting"
OURS: Final = "cachekit"
FOR_MANY: Final = (PLAIN, WAITING, OURS)
"""Which are asked by more callers than redis-py's pool has connections for."""
VALUE: Final = payloads()[0].plain
"""About 300 bytes in JSON."""
TTL: Final = 3600


@dataclass
class Client:
    """One on one event loop. All but `close` are measured."""

    name: str
    get: Call
    """Of a key."""
    set: Call
    """`VALUE` under a key."""
    recall: dict[str, Call]
    """From where it is kept, or else from `load`, by name; of a number."""
    close: Callable[[], Awaitable[object]]
    read: Call | None = None
    """The part of `get` that asks the server and decodes the answer, if that can be had alone."""


async def load(number: int) -> dict[str, Any]:
    """What is cached. It takes no time."""
    return VALUE


def plain(url: str) -> Client:
    """redis-py with hiredis and its usual pool, which refuses the 101st caller at a time."""
    return _plain(PLAIN, Redis.from_url(url))


def waiting(url: str) -> Client:
    """The same with the pool that lets callers wait."""
    return _plain(WAITING, Redis.from_pool(BlockingConnectionPool.from_url(url)))


def _plain(name: str, client: Redis) -> Client:
    async def get(key: str) -> Any:
        data = await client.get(key)
        return None if data is None else msgpack.unpackb(data)

    async def put(key: str) -> None:
        await client.set(key, msgpack.packb(VALUE), ex=TTL)

    async def recall(number: int) -> Any:
        found = await get(f"plain:{number}")
        if found is None:
            found = await load(number)
            await client.set(f"plain:{number}", msgpack.packb(found), ex=TTL)
        return found

    return Client(name, get, put, {f"{name}, get, set": recall}, client.aclose)


def ours(url: str) -> Client:
    cache = Cache(RedisBackend(url), namespace="bench", ttl=TTL)

    engine = cache._engine

    async def read(key: str) -> Any:
        name = value_key(engine.namespace, key)
        found = await engine.store.read((name, *engine.tags_of(name, ())), ON_LOOP)
        entry = found[name]
        assert isinstance(entry, Entry)
        return engine.policies.own.codec.open(name, entry)

    async def put(key: str) -> None:
        await cache.set(key, VALUE)

    async def recall(number: int) -> Any:
        return await cache.get_or_set(f"number:{number}", partial(load, number))

    calls: dict[str, Call] = {
        "cachekit get_or_set": recall,
        "cachekit.cached": cache.cached(name="plain")(load),
        "cachekit.cached, two tags": cache.cached(name="tagged", tags=["a", "b"])(load),
    }
    return Client(OURS, cache.get, put, calls, cache.close, read)


def aiocache(url: str) -> Client:
    import aiocache  # type: ignore[import-untyped]

    where = urlsplit(url)
    how = {"endpoint": where.hostname, "port": where.port, "db": where.path[1:]}
    recall = aiocache.cached(ttl=TTL, cache=aiocache.RedisCache, **how)(load)
    cache = recall.cache

    async def put(key: str) -> None:
        await cache.set(key, VALUE, ttl=TTL)

    return Client("aiocache", cache.get, put, {"aiocache.cached": recall}, cache.close)


def cashews(url: str) -> Client:
    from cashews import Cache as Cashews

    cache = Cashews()
    cache.setup(url)

    async def put(key: str) -> None:
        await cache.set(key, VALUE, expire=TTL)

    recall: Call = cache.cache(ttl=TTL, key="cashews:{number}")(load)
    return Client("cashews", cache.get, put, {"cashews.cache": recall}, cache.close)


def fastapi_cache(url: str) -> Client:
    """It has one backend for a process: here each call says which, which takes no time to speak of.

    Its backend gives bytes; its coder makes values of them.
    """
    from fastapi_cache import FastAPICache, JsonCoder
    from fastapi_cache.backends.redis import RedisBackend as Backend
    from fastapi_cache.decorator import cache

    client = Redis.from_url(url)
    backend = Backend(client)

    async def get(key: str) -> Any:
        data = await backend.get(key)
        return None if data is None else JsonCoder.decode(data)

    async def put(key: str) -> None:
        await backend.set(key, JsonCoder.encode(VALUE), TTL)

    cached = cache(expire=TTL, coder=JsonCoder)(load)

    async def recall(number: int) -> Any:
        FastAPICache._backend = backend
        return await cached(number)

    FastAPICache.init(backend, "fastapi-cache2")
    return Client("fastapi-cache2", get, put, {"fastapi-cache2": recall}, client.aclose)


MAKERS: Final[dict[str, Callable[[str], Client]]] = {
    PLAIN: plain,
    WAITING: waiting,
    OURS: ours,
    "aiocache": aiocache,
    "cashews": cashews,
    "fastapi-cache2": fastapi_cache,
}


def clients(url: str) -> Iterator[tuple[str, "Client | Exception"]]:
    """All by name, for one loop, each with a database of its own; or why one cannot be used."""
    for database, (name, make) in enumerate(MAKERS.items()):
        try:
            yield name, make(f"{url}/{database}")
        except Exception as error:
            yield name, error
