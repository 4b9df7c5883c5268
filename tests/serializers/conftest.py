"""Fixtures of the tests that span plug-ins: those of the core, without a serializer of their own.

A test marked `virtual` runs in virtual time, as there.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.clock import SYSTEM, Clock
from tests.core.conftest import Caches, clock, pytest_asyncio_loop_factories, pytest_configure
from tests.core.slow_store import SlowStore

__all__ = ["clock", "pytest_asyncio_loop_factories", "pytest_configure"]


class Plain(Caches):
    """Makes caches that nobody has told which serializer to take."""

    def __call__(self, backend: Backend | None = None, **options: Any) -> Cache:
        backend = self.memory() if backend is None else backend
        self.made.append(Cache(backend, clock=self.clock, **{"namespace": "test", **options}))
        self.backends.append(backend)
        return self.made[-1]


@pytest.fixture
async def caches(clock: Clock) -> AsyncIterator[Plain]:
    """Makes caches; after the test no task, flight, poll or stub may be left."""
    caches = Plain(clock)
    yield caches
    assert await caches.end() == []


@pytest.fixture
def blocking() -> Iterator[Plain]:
    """Makes caches for tests without an event loop; after the test no thread may be left."""
    caches = Plain(SYSTEM)
    yield caches
    caches.end_blocking()


@pytest.fixture
def cache(caches: Plain) -> Cache:
    """A cache in memory."""
    return caches()


@pytest.fixture
def store(caches: Plain) -> SlowStore:
    """A store of bytes that does I/O."""
    return caches.slow()


@pytest.fixture
def slow(caches: Plain, store: SlowStore) -> Cache:
    """A cache on `store`."""
    return caches(store)


@pytest.fixture(params=["memory", "bytes"])
async def either(request: pytest.FixtureRequest, caches: Plain) -> Cache:
    """A cache in memory, then one on a store of bytes; open."""
    cache = caches() if request.param == "memory" else caches(caches.slow())
    await cache.open()
    return cache
