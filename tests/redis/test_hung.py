"""A server that hangs costs a call one deadline, and one that refuses costs next to nothing."""

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
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
from cachekit.guard import Guard
from cachekit_redis import RedisBackend
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually

DEADLINE: Final = 0.1
FOREVER: Final = 5.0
"""Seconds after which a call hangs itself."""
NEVER: Final = 600.0
"""Seconds within which a guard tries again."""


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
    guard = Guard(backend, probe_interval=NEVER)
    async with Cache(guard, namespace="x", deadline=DEADLINE) as cache:
        yield cache


async def stored(server: RedisServer, *caches: Cache) -> None:
    """What the calls ask for is there; what is new to them is not; `caches` have connections."""
    backend = RedisBackend(server.url, timeout=FOREVER)
    async with Cache(backend, namespace="x", deadline=FOREVER) as patient:
        await patient.set_many({"k": 1, "l": 1, "of": 1}, tags=["t"], ttl=300)
    for cache in caches:
        await cache.get("k")


async def timed(work: Awaitable[object]) -> tuple[float, bool]:
    """Seconds that it took, and whether it raised that it was not acknowledged."""
    begun = time.perf_counter()
    try:
        await work
    except InvalidationError:
        return time.perf_counter() - begun, True
    return time.perf_counter() - begun, False


@asynccontextmanager
async def caches(server: RedisServer) -> AsyncGenerator[Mapping[str, tuple[Cache, Counting]]]:
    """One for each call, since a guard that knows of a failure asks no more."""
    async with AsyncExitStack() as stack:
        made: dict[str, tuple[Cache, Counting]] = {}
        for name in CALLS:
            backend = Counting(RedisBackend(server.url, timeout=DEADLINE))
            cache = Cache(Guard(backend, probe_interval=NEVER), namespace="x", deadline=DEADLINE)
            made[name] = await stack.enter_async_context(cache), backend
        await stored(server, *(cache for cache, _ in made.values()))
        yield made


async def cost(name: str, cache: Cache, backend: Counting) -> float:
    """Seconds of a call: it asks once, in vain. What forgets raises, and is tried once again."""
    asked, unreached = backend.asked, cache.stats().unreached
    took, raised = await timed(CALLS[name](cache))
    assert raised == (name in FORGETS), name
    assert cache.stats().unreached == unreached + 1, name
    await eventually(lambda: backend.asked >= asked + 1 + raised, f"{name}, tried again")
    await cost_nothing(cache, backend, FORGETS if raised else {})
    assert backend.asked == asked + 1 + raised, name
    return took


async def cost_nothing(cache: Cache, backend: Counting, calls: Iterable[str]) -> None:
    """Nobody is asked anything, and what forgets raises."""
    asked, unreached = backend.asked, cache.stats().unreached
    for name in calls:
        _, raised = await timed(CALLS[name](cache))
        assert raised == (name in FORGETS), name
    assert (backend.asked, cache.stats().unreached) == (asked, unreached)


HARM: Final[Mapping[str, Callable[[RedisServer], None]]] = {
    "hangs": RedisServer.freeze,
    "refuses": RedisServer.kill,
}
HEAL: Final[Mapping[str, Callable[[RedisServer], None]]] = {
    "hangs": RedisServer.thaw,
    "refuses": RedisServer.start,
}


@pytest.mark.parametrize("how", HARM)
async def test_a_server_that_is_not_there_costs_a_call_one_deadline_at_most(
    server: RedisServer, how: str
) -> None:
    """Next to nothing, if it refuses."""
    async with caches(server) as made:
        HARM[how](server)
        took = await asyncio.gather(*(cost(name, *pair) for name, pair in made.items()))
        print(
            {
                name: f"{each / DEADLINE:.2f} deadlines"
                for name, each in zip(made, took, strict=True)
            }
        )
        assert max(took) < FOREVER
        HEAL[how](server)


@pytest.mark.parametrize("how", HARM)
async def test_once_it_is_known_it_costs_nothing(
    server: RedisServer, cache: Cache, backend: Counting, how: str
) -> None:
    """After five reads that failed: whatever is wanted of it."""
    await stored(server, cache)
    HARM[how](server)
    for _ in range(5):
        assert not cache.stats().nodes[0].is_open
        await cache.get("k")
    assert cache.stats().nodes[0].is_open
    await asyncio.sleep(0.3)  # it is tried once at once
    await cost_nothing(cache, backend, CALLS)
    assert cache.stats().degraded >= len(CALLS)
    HEAL[how](server)


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
