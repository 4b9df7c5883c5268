"""What is measured on memcached: clients, ours and the peers, each as its docs use it.

They share a server, where those who write bytes of their own have keys of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import aiomcache
from pymemcache.client.base import (  # type: ignore[import-untyped]
    Client as PymemcacheClient,
)
from pymemcache.client.base import PooledClient

from benchmarks import clients, peers
from benchmarks.clients import CROWD, OURS, TTL, VALUE, Call, Client, Maker, pack, unpack
from cachekit import Cache
from cachekit_memcached import MemcachedBackend

Place = tuple[str, int]
"""Host and port."""

PLAIN: Final = "aiomcache"
WIDE: Final = f"aiomcache, pool of {CROWD}"
BATCHING: Final = "emcache, autobatching"
THREADED: Final = "pymemcache in threads"


async def plain(place: Place) -> Client:
    """With its usual pool, of two connections."""
    return _aiomcache(PLAIN, aiomcache.Client(*place))


async def wide(place: Place) -> Client:
    return _aiomcache(WIDE, aiomcache.Client(*place, pool_size=CROWD))


def _aiomcache(name: str, client: aiomcache.Client) -> Client:
    async def get(key: str) -> Any:
        data = await client.get(key.encode())
        return None if data is None else unpack(data)

    async def keep(key: str, value: Any) -> None:
        await client.set(key.encode(), pack(value), exptime=TTL)

    return clients.by_hand(name, get, keep, client.close)


async def emcache(place: Place) -> Client:
    return await _emcache("emcache", place, autobatching=False)


async def batching(place: Place) -> Client:
    return await _emcache(BATCHING, place, autobatching=True)


async def _emcache(name: str, place: Place, *, autobatching: bool) -> Client:
    import emcache  # there is none for Windows

    client = await emcache.create_client(
        [emcache.MemcachedHostAddress(*place)], autobatching=autobatching
    )

    async def get(key: str) -> Any:
        item = await client.get(key.encode())
        return None if item is None else unpack(item.value)

    async def keep(key: str, value: Any) -> None:
        await client.set(key.encode(), pack(value), exptime=TTL)

    return clients.by_hand(name, get, keep, client.close)


async def pymemcache(place: Place) -> Client:
    """It blocks: one caller at a time. As with the others, what is set is there afterwards."""
    client = PymemcacheClient(place, default_noreply=False)

    async def get(key: str) -> Any:
        data = client.get(key)
        return None if data is None else unpack(data)

    async def keep(key: str, value: Any) -> None:
        client.set(key, pack(value), expire=TTL)

    async def close() -> None:
        client.close()

    return clients.by_hand("pymemcache", get, keep, close, most=1)


async def threaded(place: Place) -> Client:
    """Its pool for threads, in those that asyncio has."""
    client = PooledClient(place, default_noreply=False)

    def get_now(key: str) -> Any:
        data = client.get(key)
        return None if data is None else unpack(data)

    async def get(key: str) -> Any:
        return await asyncio.to_thread(get_now, key)

    async def keep(key: str, value: Any) -> None:
        await asyncio.to_thread(client.set, key, pack(value), expire=TTL)

    async def close() -> None:
        client.close()

    return clients.by_hand(THREADED, get, keep, close, most=CROWD)


async def ours(place: Place) -> Client:
    host, port = place
    backend = MemcachedBackend([f"{host}:{port}"])
    return clients.ours(Cache(backend, namespace="bench", ttl=TTL))


async def aiocache(place: Place) -> Client:
    from aiocache import MemcachedCache  # type: ignore[import-untyped]

    host, port = place
    how = {"endpoint": host, "port": port, "namespace": "aiocache:"}
    return peers.aiocache(MemcachedCache, how)


async def fastapi_cache(place: Place) -> Client:
    from fastapi_cache.backends.memcached import MemcachedBackend as Backend

    client = aiomcache.Client(*place)
    return peers.fastapi_cache(Backend(client), client.close)


async def dogpile(place: Place) -> Client:
    """It blocks, on pymemcache: one caller at a time."""
    region: Any = import_module("dogpile.cache").make_region(key_mangler="dogpile:{}".format)
    host, port = place
    arguments = {"url": [f"{host}:{port}"], "memcached_expire_time": 2 * TTL}
    region.configure("dogpile.cache.pymemcache", expiration_time=TTL, arguments=arguments)
    load_or_get = region.cache_on_arguments()(_load)
    create, made = region.backend._create_client, list[Any]()

    def connect() -> Any:
        """It has one for each thread, and closes but that of its caller."""
        made.append(create())
        return made[-1]

    region.backend._create_client = connect

    async def get(key: str) -> Any:
        return region.get(key)

    async def put(key: str) -> None:
        region.set(key, VALUE)

    async def recall(number: int) -> Any:
        return load_or_get(number)

    async def close() -> None:
        for client in made:
            client.close()

    calls: dict[str, Call] = {"dogpile.cache": recall}
    return Client("dogpile.cache", get, put, calls, close, most=1)


def _load(number: int) -> dict[str, Any]:
    return VALUE


_ALL: Final[dict[str, Callable[[Place], Awaitable[Client]]]] = {
    PLAIN: plain,
    WIDE: wide,
    "emcache": emcache,
    BATCHING: batching,
    "pymemcache": pymemcache,
    THREADED: threaded,
    OURS: ours,
    "aiocache": aiocache,
    "fastapi-cache2": fastapi_cache,
    "dogpile.cache": dogpile,
}


def makers(url: str) -> dict[str, Maker]:
    """All by name, on the server at `url`."""
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    place = where.hostname, where.port
    return {name: partial(make, place) for name, make in _ALL.items()}
