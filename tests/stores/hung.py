"""A server that hangs costs a call one deadline, and one that refuses costs next to nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import pytest

from cachekit import Cache
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
from tests.servers.base import Server
from tests.servers.fixtures import Starter
from tests.servers.waiting import eventually
from tests.stores.operations import CALLS, FORGETS, READS, Call, stored, timed

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
        able = self._inner.capability(wanted)
        return None if able is None else offer(wanted, {FORGET_PREFIX: self}) or able

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


HARM: Final[Mapping[str, Callable[[Server], None]]] = {
    "hangs": Server.freeze,
    "refuses": Server.kill,
}
HEAL: Final[Mapping[str, Callable[[Server], None]]] = {
    "hangs": Server.thaw,
    "refuses": Server.start,
}


class HungSuite:
    """What holds on a server of any kind; to be subclassed for each.

    `more` are operations that forget, and that not all backends know.
    """

    __test__ = False
    more: Mapping[str, Call] = {}

    def new_server(self) -> Server:
        raise NotImplementedError

    def connect(self, server: Server, timeout: float) -> Backend:
        """A backend on `server`, which waits for so many seconds."""
        raise NotImplementedError

    @property
    def forgets(self) -> Mapping[str, Call]:
        return {**FORGETS, **self.more}

    @property
    def calls(self) -> Mapping[str, Call]:
        return {**READS, **self.forgets}

    @pytest.fixture
    def server(self, start: Starter) -> Server:
        return start(self.new_server())

    @pytest.fixture
    async def backend(self, server: Server) -> Counting:
        return Counting(self.connect(server, DEADLINE))

    @pytest.fixture
    async def cache(self, backend: Counting) -> AsyncIterator[Cache]:
        guard = Guard(backend, probe_interval=NEVER)
        async with Cache(guard, namespace="x", deadline=DEADLINE) as cache:
            yield cache

    async def store(self, server: Server, *caches: Cache) -> None:
        """What the calls ask for; `caches` have connections."""
        backend = self.connect(server, FOREVER)
        async with Cache(backend, namespace="x", deadline=FOREVER) as patient:
            await stored(patient)
        for cache in caches:
            await cache.get("k")

    @asynccontextmanager
    async def caches(self, server: Server) -> AsyncGenerator[Mapping[str, tuple[Cache, Counting]]]:
        """One for each call, since a guard that knows of a failure asks no more."""
        async with AsyncExitStack() as stack:
            made: dict[str, tuple[Cache, Counting]] = {}
            for name in self.calls:
                backend = Counting(self.connect(server, DEADLINE))
                guard = Guard(backend, probe_interval=NEVER)
                cache = Cache(guard, namespace="x", deadline=DEADLINE)
                made[name] = await stack.enter_async_context(cache), backend
            await self.store(server, *(cache for cache, _ in made.values()))
            yield made

    async def cost(self, name: str, cache: Cache, backend: Counting) -> float:
        """Seconds of a call: it asks once, in vain. What forgets raises, and is tried again."""
        asked, unreached = backend.asked, cache.stats().unreached
        took, raised = await timed(self.calls[name](cache))
        assert raised == (name in self.forgets), name
        assert cache.stats().unreached == unreached + 1, name
        await eventually(lambda: backend.asked >= asked + 1 + raised, f"{name}, tried again")
        await self.cost_nothing(cache, backend, self.forgets if raised else {})
        assert backend.asked == asked + 1 + raised, name
        return took

    async def cost_nothing(self, cache: Cache, backend: Counting, calls: Iterable[str]) -> None:
        """Nobody is asked anything, and what forgets raises."""
        asked, unreached = backend.asked, cache.stats().unreached
        for name in calls:
            _, raised = await timed(self.calls[name](cache))
            assert raised == (name in self.forgets), name
        assert (backend.asked, cache.stats().unreached) == (asked, unreached)

    @pytest.mark.parametrize("how", HARM)
    async def test_a_server_that_is_not_there_costs_a_call_one_deadline_at_most(
        self, server: Server, how: str
    ) -> None:
        """Next to nothing, if it refuses."""
        async with self.caches(server) as made:
            HARM[how](server)
            took = await asyncio.gather(*(self.cost(name, *pair) for name, pair in made.items()))
            print({name: f"{each / DEADLINE:.2f}" for name, each in zip(made, took, strict=True)})
            assert max(took) < FOREVER
            HEAL[how](server)

    @pytest.mark.parametrize("how", HARM)
    async def test_once_it_is_known_it_costs_nothing(
        self, server: Server, cache: Cache, backend: Counting, how: str
    ) -> None:
        """After five reads that failed: whatever is wanted of it."""
        await self.store(server, cache)
        HARM[how](server)
        for _ in range(5):
            assert not cache.stats().nodes[0].is_open
            await cache.get("k")
        assert cache.stats().nodes[0].is_open
        await asyncio.sleep(0.3)  # it is tried once at once
        await self.cost_nothing(cache, backend, self.calls)
        assert cache.stats().degraded >= len(self.calls)
        HEAL[how](server)

    @pytest.mark.parametrize("before", [1, 2, 3])
    @pytest.mark.parametrize(
        "name", ["get_or_set, a miss", "add", "touch", "set", "set, a new one"]
    )
    async def test_a_server_that_hangs_in_the_middle_of_a_call_costs_one_deadline(
        self, server: Server, cache: Cache, backend: Counting, name: str, before: int
    ) -> None:
        """It has answered so many times `before`, if the call asks as often."""
        await self.store(server, cache)
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
