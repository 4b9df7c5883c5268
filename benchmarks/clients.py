"""What is measured of a client of a store, and what all stores are measured with."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]

from benchmarks.payloads import payloads
from cachekit import Cache
from cachekit.entry import Entry
from cachekit.keys import value_key
from cachekit.runtime import ON_LOOP

Call = Callable[[Any], Awaitable[Any]]
Keep = Callable[[str, Any], Awaitable[Any]]
Close = Callable[[], Awaitable[object]]

OURS: Final = "cachekit"
CROWD: Final = 100
"""So many callers at once are asked of all that can have several: redis-py's pool has so many
connections, and it refuses who comes then."""

MANY: Final = sys.maxsize
VALUE: Final = payloads()[0].plain
"""About 300 bytes in JSON."""
TTL: Final = 3600


@dataclass
class Client:
    """One on one event loop. Its calls are measured."""

    name: str
    get: Call
    """Of a key."""
    set: Call
    """`VALUE` under a key."""
    recall: dict[str, Call]
    """From where it is kept, or else from `load`, by name; of a number."""
    close: Close
    read: Call | None = None
    """The part of `get` that asks the server and decodes the answer, if that can be had alone."""
    least: int = 1
    most: int = CROWD
    """So few and so many callers at once it is for."""
    plain: bool = False
    """Whether all of `recall`, where it hits, is a `get`."""

    @property
    def blocks(self) -> bool:
        """Whether a call holds up the event loop, so that one caller is all it can have."""
        return self.most == 1

    def serves(self, callers: int) -> bool:
        return self.least <= callers <= self.most


Maker = Callable[[], Awaitable[Client]]
"""Makes one, on the event loop that it will be used on."""


async def made(makers: dict[str, Maker]) -> dict[str, Client | Exception]:
    """All by name; or why one cannot be used."""
    clients: dict[str, Client | Exception] = {}
    for name, make in makers.items():
        try:
            clients[name] = await make()
        except Exception as error:
            clients[name] = error
    return clients


@asynccontextmanager
async def in_use(makers: dict[str, Maker]) -> AsyncIterator[list[Client]]:
    """Those that can be used, and are closed at the end."""
    clients = [each for each in (await made(makers)).values() if isinstance(each, Client)]
    try:
        yield clients
    finally:
        for client in clients:
            await client.close()


async def load(number: int) -> dict[str, Any]:
    """What is cached. It takes no time."""
    return VALUE


def pack(value: Any) -> bytes:
    """As who has no cache at all would store it; the fastest of what is usual."""
    packed: bytes = msgpack.packb(value)
    return packed


unpack: Callable[[Any], Any] = msgpack.unpackb


def by_hand(
    name: str, get: Call, keep: Keep, close: Close, *, least: int = 1, most: int = MANY
) -> Client:
    """A plain client, with the cache that one writes around it oneself."""

    async def recall(number: int) -> Any:
        found = await get(f"plain:{number}")
        if found is None:
            found = await load(number)
            await keep(f"plain:{number}", found)
        return found

    def put(key: str) -> Awaitable[Any]:
        return keep(key, VALUE)

    recalls: dict[str, Call] = {f"{name}, get, set": recall}
    return Client(name, get, put, recalls, close, least=least, most=most, plain=True)


def ours(cache: Cache) -> Client:
    engine = cache._engine

    async def read(key: str) -> Any:
        name = value_key(engine.namespace, key)
        found = await engine.store.read((name, *engine.carried.of(name, ())), ON_LOOP)
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
    return Client(OURS, cache.get, put, calls, cache.close, read, most=MANY)
