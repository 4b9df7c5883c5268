"""A wrapper is a backend like the one it wraps, and answers for what that can do."""

import asyncio
from collections.abc import Sequence

import pytest

from cachekit.backend import (
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Write,
)
from cachekit.carrier import Carrier
from cachekit.home import Home
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.faulty import FaultyBackend
from cachekit.testing.reference import Records, ReferenceBackend
from cachekit_memory import MemoryBackend
from tests.testing.doors import MemoryDoor, RecordsDoor


class Carried(Backend):
    """`inner` as a cache reaches it: in batches, held to a deadline."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self._carriers: dict[asyncio.AbstractEventLoop, Carrier] = {}

    @property
    def _carrier(self) -> Carrier:
        loop = asyncio.get_running_loop()
        return self._carriers.setdefault(loop, Carrier(Home(self.inner), loop, 10.0, _deaf, _deaf))

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self._carrier.read(keys)
        return {key: found[key] for key in keys if key in found}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self._carrier.write(writes)

    def capability(self, wanted: Capability[C]) -> C | None:
        return self.inner.capability(wanted)

    async def open(self) -> None:
        await self.inner.open()

    async def close(self) -> None:
        await self._carrier.close()
        await self.inner.close()


def _deaf(answer: object, error: BaseException | None) -> None:
    assert error is None


class TestCarrier(BackendSuite):
    capabilities = frozenset({FORGET_PREFIX})

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, clock: FakeClock, records: Records) -> Backend:
        return Carried(ReferenceBackend(clock, records))

    @pytest.fixture
    def another_backend(self, clock: FakeClock, records: Records) -> Backend:
        return Carried(ReferenceBackend(clock, records))

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
