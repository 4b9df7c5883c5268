"""What is measured on Redis: its plain client, ours, and the peers, each as its docs use it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis

from benchmarks import clients, peers
from benchmarks.clients import CROWD, OURS, TTL, VALUE, Call, Client, Close, Maker, load
from cachekit import Cache
from cachekit_redis import RedisBackend

PLAIN: Final = "redis.asyncio"
WAITING: Final = "redis.asyncio, waiting"
COREDIS: Final = "coredis"
GLIDE: Final = "valkey-glide"
PATIENCE: Final = 1.0
"""Seconds in which a server on this machine answers, if anybody hears it."""


async def plain(url: str) -> Client:
    """redis-py with hiredis and its usual pool, which refuses the 101st caller at a time."""
    return _plain(PLAIN, Redis.from_url(url))


async def waiting(url: str) -> Client:
    """The same with the pool that lets callers wait, for those whom the other one refuses."""
    return _plain(WAITING, Redis.from_pool(BlockingConnectionPool.from_url(url)), CROWD + 1)


def _plain(name: str, client: Redis, least: int = 1) -> Client:
    async def get(key: str) -> Any:
        data = await client.get(key)
        return None if data is None else clients.unpack(data)

    async def keep(key: str, value: Any) -> None:
        await client.set(key, clients.pack(value), ex=TTL)

    return clients.by_hand(name, get, keep, client.aclose, least=least)


async def coredis(url: str) -> Client:
    """One connection, on which the calls of all go out."""
    from coredis import Redis as Coredis

    client = Coredis.from_url(url)
    close = await _entered(client)

    async def get(key: str) -> Any:
        data = await client.get(key)
        return None if data is None else clients.unpack(data)

    async def keep(key: str, value: Any) -> None:
        await client.set(key, clients.pack(value), ex=TTL)

    return clients.by_hand(COREDIS, get, keep, close)


async def _entered(client: AbstractAsyncContextManager[Any]) -> Close:
    """Has one task enter and leave it, as anyio wants; gives what makes it leave."""
    entered, leaving = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with client:
            entered.set()
            await leaving.wait()

    async def leave() -> None:
        leaving.set()
        await holding

    holding = asyncio.create_task(hold())
    await entered.wait()
    return leave


async def glide(url: str) -> Client:
    """The same, by a core in Rust with threads of its own."""
    from glide import ExpirySet, ExpiryType, GlideClient, GlideClientConfiguration, NodeAddress

    where = urlsplit(url)
    place = NodeAddress(where.hostname or "", where.port or 0)
    how = GlideClientConfiguration([place], database_id=int(where.path[1:]))
    client = await GlideClient.create(how)
    await _hears(client)
    expiry = ExpirySet(ExpiryType.SEC, TTL)

    async def get(key: str) -> Any:
        data = await client.get(key)
        return None if data is None else clients.unpack(data)

    async def keep(key: str, value: Any) -> None:
        await client.set(key, clients.pack(value), expiry=expiry)

    return clients.by_hand(GLIDE, get, keep, client.close)


async def _hears(client: Any) -> None:
    """All that come for this process are told to the event loop that used it first."""
    try:
        async with asyncio.timeout(PATIENCE):
            await client.get("nothing")
    except TimeoutError:
        await client.close()
        raise ConnectionError("one loop of a process hears its answers, here asyncio's") from None


async def ours(url: str) -> Client:
    return clients.ours(Cache(RedisBackend(url), namespace="bench", ttl=TTL))


async def aiocache(url: str) -> Client:
    from aiocache import RedisCache  # type: ignore[import-untyped]

    where = urlsplit(url)
    how = {"endpoint": where.hostname, "port": where.port, "db": where.path[1:]}
    return peers.aiocache(RedisCache, how)


async def cashews(url: str) -> Client:
    from cashews import Cache as Cashews

    cache = Cashews()
    cache.setup(url)

    async def put(key: str) -> None:
        await cache.set(key, VALUE, expire=TTL)

    recall: Call = cache.cache(ttl=TTL, key="cashews:{number}")(load)
    return Client("cashews", cache.get, put, {"cashews.cache": recall}, cache.close)


async def fastapi_cache(url: str) -> Client:
    from fastapi_cache.backends.redis import RedisBackend as Backend

    client = Redis.from_url(url)
    return peers.fastapi_cache(Backend(client), client.aclose)


_ALL: Final[dict[str, Callable[[str], Awaitable[Client]]]] = {
    PLAIN: plain,
    WAITING: waiting,
    COREDIS: coredis,
    GLIDE: glide,
    OURS: ours,
    "aiocache": aiocache,
    "cashews": cashews,
    "fastapi-cache2": fastapi_cache,
}


def makers(url: str) -> dict[str, Maker]:
    """All by name, each with a database of its own of the server at `url`."""
    named = enumerate(_ALL.items())
    return {name: partial(make, f"{url}/{database}") for database, (name, make) in named}
