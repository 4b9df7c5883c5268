"""Fixtures of the tests of the core.

A test marked `virtual` runs on an event loop whose time is virtual: it sleeps for nothing, and
one that waits for what never comes fails at once. `clock` is that loop's time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.clock import SYSTEM, Clock
from cachekit.testing import FakeClock
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from cachekit_memory import MemoryBackend
from tests.core.helpers import PickleSerializer, leftovers, quiet
from tests.core.slow_store import Shelf, SlowStore
from tests.core.threads import Threads, loop_threads, until


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual: runs on an event loop whose time is virtual")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual"):
        return {"virtual": VirtualLoop}
    return {"system": asyncio.new_event_loop}


@pytest.fixture
async def clock() -> Clock:
    """The time of the test's event loop."""
    loop = asyncio.get_running_loop()
    return VirtualClock(loop) if isinstance(loop, VirtualLoop) else SYSTEM


class Caches:
    """Makes caches and stores, closes them at the end and then looks for what was left."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.shelf = Shelf(clock)
        self.made: list[Cache] = []
        self.backends: list[Backend] = []

    def __call__(self, backend: Backend | None = None, **options: Any) -> Cache:
        """A cache, by default in memory; on a `SlowStore` it needs no more arguments either."""
        backend = self.memory() if backend is None else backend
        options = {"namespace": "test", "serializer": PickleSerializer(), **options}
        self.made.append(Cache(backend, clock=self.clock, **options))
        self.backends.append(backend)
        return self.made[-1]

    def memory(self) -> MemoryBackend:
        return MemoryBackend(clock=self.clock)

    def slow(self) -> SlowStore:
        """One more process's connection to the one shelf."""
        store = SlowStore(self.shelf)
        self.backends.append(store)
        return store

    async def end(self) -> list[str]:
        """Heal the stores, and tell what is left before and after the caches are closed."""
        for backend in self.backends:
            if isinstance(backend, SlowStore):
                backend.heal()
        await quiet()
        left = leftovers(self.made, self.backends) + _tasks()
        for cache in self.made:
            await cache.close()
        return left + _tasks()

    def end_blocking(self) -> None:
        """The same where no event loop runs; fails if something is left."""
        for backend in self.backends:
            if isinstance(backend, SlowStore):
                backend.heal()
        until(lambda: not leftovers(self.made, self.backends))
        for cache in self.made:
            cache.sync.close()
        until(lambda: not loop_threads())


def _tasks() -> list[str]:
    return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@pytest.fixture
async def caches(clock: Clock) -> AsyncIterator[Caches]:
    """Makes caches; after the test no task, flight, poll or stub may be left."""
    caches = Caches(clock)
    yield caches
    assert await caches.end() == []


@pytest.fixture
def blocking() -> Iterator[Caches]:
    """Makes caches for tests without an event loop; after the test no thread may be left."""
    caches = Caches(SYSTEM)
    yield caches
    caches.end_blocking()


@pytest.fixture
def fake_clock() -> FakeClock:
    """The clock of `frozen`."""
    return FakeClock()


@pytest.fixture
def frozen(fake_clock: FakeClock) -> Iterator[Caches]:
    """Like `blocking`, where time moves only when told to."""
    caches = Caches(fake_clock)
    yield caches
    caches.end_blocking()


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Starts threads; after the test each must have ended."""
    threads = Threads()
    yield threads
    assert threads.left() == []


@pytest.fixture
def cache(caches: Caches) -> Cache:
    """A cache in memory."""
    return caches()


@pytest.fixture
def store(caches: Caches) -> SlowStore:
    """A store that does I/O."""
    return caches.slow()


@pytest.fixture
def slow(caches: Caches, store: SlowStore) -> Cache:
    """A cache on `store`."""
    return caches(store)


@pytest.fixture
async def fleet(caches: Caches) -> list[Cache]:
    """Three processes on one store that does I/O; open."""
    fleet = [caches(caches.slow()) for _ in range(3)]
    for cache in fleet:
        await cache.open()
    return fleet


@pytest.fixture(params=["memory", "slow"])
async def either(request: pytest.FixtureRequest, caches: Caches) -> Cache:
    """A cache in memory, then one on a store that does I/O; open."""
    cache = caches() if request.param == "memory" else caches(caches.slow())
    await cache.open()
    return cache
