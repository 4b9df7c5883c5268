"""A server that hangs costs a call one deadline, and one that refuses costs next to nothing."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

import pytest

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import (
    FORGET_PREFIX,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit_redis import RedisBackend
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

DEADLINE: Final = 0.1
FOREVER: Final = 5.0
"""Seconds after which a call hangs itself."""


class Counting(Backend):
    """A backend that counts what is asked of it; when that is the `last` time, `harm` is done."""

    def __init__(self, inner: Backend) -> None:
        self.asked = 0
        self.last = 0
        self.harm: Callable[[], None] = _nothing
        self._inner = inner

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {FORGET_PREFIX: self}) or self._inner.capability(wanted)

    async def read(self, keys: Sequence[str]) -> Found:
        self._count()
        return await self._inner.read(keys)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        self._count()
        return await self._inner.write(writes)

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        self._count()
        able = self._inner.capability(FORGET_PREFIX)
        assert able is not None
        return await able.forget_prefix(prefixes)

    def _count(self) -> None:
        self.asked += 1
        if self.asked == self.last:
            self.harm()


def _nothing() -> None:
    pass


async def load() -> int:
    return 1


async def load_all(keys: list[str]) -> dict[str, int]:
    return dict.fromkeys(keys, 1)


Call: TypeAlias = Callable[[Cache], Awaitable[object]]

READS: Final[Mapping[str, Call]] = {
    "get": lambda cache: cache.get("k"),
    "get_many": lambda cache: cache.get_many(["k", "l"]),
    "exists": lambda cache: cache.exists("k"),
    "entry": lambda cache: cache.entry("k"),
    "get_or_set": lambda cache: cache.get_or_set("k", load, tags=["t"]),
    "get_or_set, a miss": lambda cache: cache.get_or_set("new", load, tags=["new"]),
    "get_or_set_many": lambda cache: cache.get_or_set_many(["k", "new"], load_all, tags=["t"]),
    "function": lambda cache: cache.cached(key="of")(load)(),
    "add": lambda cache: cache.add("new", 1, tags=["new"]),
    "touch": lambda cache: cache.touch("k", 600),
}
FORGETS: Final[Mapping[str, Call]] = {
    "set": lambda cache: cache.set("k", 1, tags=["t"]),
    "set, a new one": lambda cache: cache.set("new", 1, tags=["new"]),
    "set_many": lambda cache: cache.set_many({"k": 1, "new": 2}, tags=["t"]),
    "delete": lambda cache: cache.delete("k"),
    "delete_many": lambda cache: cache.delete_many(["k", "l"]),
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "all of them": lambda cache: cache.invalidate(Key("k"), Tag("t"), Prefix("k")),
    "clear": lambda cache: cache.clear(),
    "function.invalidate": lambda cache: cache.cached(key="of")(load).invalidate(),
    "function.refresh": lambda cache: cache.cached(key="of")(load).refresh(),
    "function.clear": lambda cache: cache.cached(key="of")(load).clear(),
}
CALLS: Final = {**READS, **FORGETS}


@pytest.fixture
def server(start: Starter) -> RedisServer:
    return start(RedisServer())


@pytest.fixture
async def backend(server: RedisServer) -> Counting:
    return Counting(RedisBackend(server.url, timeout=DEADLINE))


@pytest.fixture
async def cache(backend: Counting) -> AsyncIterator[Cache]:
    async with Cache(backend, namespace="x", deadline=DEADLINE) as cache:
        yield cache


async def stored(server: RedisServer, cache: Cache) -> None:
    """What the calls ask for is there; what is new to them is not; `cache` has a connection."""
    backend = RedisBackend(server.url, timeout=FOREVER)
    async with Cache(backend, namespace="x", deadline=FOREVER) as patient:
        await patient.set_many({"k": 1, "l": 1, "of": 1}, tags=["t"], ttl=300)
    await cache.get("k")


async def timed(work: Awaitable[object]) -> tuple[float, bool]:
    """Seconds that it took, and whether it raised that it was not acknowledged."""
    begun = time.perf_counter()
    try:
        await work
    except InvalidationError:
        return time.perf_counter() - begun, True
    return time.perf_counter() - begun, False


async def cost(cache: Cache, backend: Counting) -> Mapping[str, float]:
    """Seconds of each call: each asks once, in vain, and what forgets raises."""
    took: dict[str, float] = {}
    for name, call in CALLS.items():
        asked, unreached = backend.asked, cache.stats().unreached
        took[name], raised = await timed(call(cache))
        assert raised == (name in FORGETS), name
        assert cache.stats().unreached == unreached + 1, name
        assert backend.asked == asked + 1, name
    return took


async def test_a_hung_server_costs_a_call_one_deadline(
    server: RedisServer, cache: Cache, backend: Counting
) -> None:
    await stored(server, cache)
    server.freeze()
    took = await cost(cache, backend)
    print({name: f"{seconds / DEADLINE:.2f} deadlines" for name, seconds in took.items()})
    assert max(took.values()) < FOREVER
    server.thaw()


async def test_a_server_that_refuses_costs_a_call_next_to_nothing(
    server: RedisServer, cache: Cache, backend: Counting
) -> None:
    await stored(server, cache)
    server.kill()
    took = await cost(cache, backend)
    print({name: f"{seconds * 1000:.1f} ms" for name, seconds in took.items()})
    assert max(took.values()) < FOREVER
    server.start()


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("name", ["get_or_set, a miss", "add", "touch", "set", "set, a new one"])
async def test_a_server_that_hangs_in_the_middle_of_a_call_costs_one_deadline(
    server: RedisServer, cache: Cache, backend: Counting, name: str, before: int
) -> None:
    """It has answered so many times `before`, if the call asks as often."""
    await stored(server, cache)
    unreached = cache.stats().unreached

    def hang() -> None:
        nonlocal unreached  # of a machine that stood still before, a call may have met another
        unreached = cache.stats().unreached
        server.freeze()

    backend.last, backend.harm = backend.asked + before + 1, hang
    took, _ = await timed(CALLS[name](cache))
    assert cache.stats().unreached - unreached <= 1
    assert took < FOREVER
    server.thaw()
