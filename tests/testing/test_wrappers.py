"""A wrapper is a backend like the one it wraps, and answers for what that can do."""

import asyncio

import pytest

from cachekit.backend import (
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    Backend,
)
from cachekit.guard import Guard
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.faulty import FaultyBackend
from cachekit.testing.reference import Records, ReferenceBackend
from cachekit_memory import MemoryBackend
from tests.testing.doors import MemoryDoor, RecordsDoor


class TestGuard(BackendSuite):
    """It is a backend like the one it guards."""

    capabilities = frozenset({FORGET_PREFIX})

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, clock: FakeClock, records: Records) -> Backend:
        return Guard(ReferenceBackend(clock, records), deadline=10)

    @pytest.fixture
    def another_backend(self, clock: FakeClock, records: Records) -> Backend:
        return Guard(ReferenceBackend(clock, records), deadline=10)

    @pytest.fixture
    def back_door(self, records: Records) -> BackDoor:
        return RecordsDoor(records)


class TestFaultyInMemory(BackendSuite):
    """It has no fault and no latency, and is as local as what it wraps."""

    capabilities = frozenset({LOCAL, PEEK, FORGET_PREFIX})
    keeps_bytes = False

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def inner(self, clock: FakeClock) -> MemoryBackend:
        return MemoryBackend(clock=clock)

    @pytest.fixture
    def backend(self, inner: MemoryBackend) -> FaultyBackend:
        return FaultyBackend(inner)

    @pytest.fixture
    def back_door(self, inner: MemoryBackend) -> BackDoor:
        return MemoryDoor(inner)


class TestFaultyFarAway(TestFaultyInMemory):
    """It has latency and no fault: operations overtake each other, and it says that it suspends."""

    @pytest.fixture
    def backend(self, inner: MemoryBackend) -> FaultyBackend:
        async def turn(seconds: float) -> None:
            for _ in range(int(seconds)):
                await asyncio.sleep(0)

        return FaultyBackend(inner, latency=4.0, sleep=turn)
