"""The simulation on other backends than its own."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from cachekit.backend import ANY, Backend, Found, Outcome, Write
from cachekit.clock import SYSTEM, Clock
from cachekit.testing.reference import Records
from cachekit.testing.simulation import Connect, Setting, shared, simulate
from cachekit.testing.simulation.bytestore import ByteStore, RecordsDoor
from cachekit.testing.simulation.suite import SimulationSuite
from cachekit_memory import MemoryBackend
from examples.sqlite_backend import SqliteBackend


class Threaded(Backend):
    """A process's way to a store that does its work in threads, and takes real time for it."""

    def __init__(self, store: Backend) -> None:
        self._store = store

    async def read(self, keys: Sequence[str]) -> Found:
        await asyncio.sleep(0.00001)
        return await asyncio.to_thread(asyncio.run, self._store.read(keys))

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await asyncio.to_thread(asyncio.run, self._store.write(writes))


def threaded(store: Backend, clock: Clock) -> Backend:
    """Has no use for the clock: a store's time is its own."""
    return Threaded(store)


class Careless(ByteStore):
    """Does what it is told, whatever the condition says."""

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await super().write([write._replace(expected=ANY) for write in writes])


class Timeless(ByteStore):
    """Gives back what is long past its time."""

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        for write in writes:
            if write.entry is not None:
                write.entry.keep = None
        return await super().write(writes)


def test_a_store_of_threads_shows_a_seed_again() -> None:
    digests = set()
    for _ in range(2):
        store = ByteStore(SYSTEM)
        setting = Setting(partial(threaded, store), "world")
        digests.add(simulate(4, setting).digest)
    assert len(digests) == 1


@pytest.mark.parametrize("store", [Careless, Timeless])
def test_a_lying_store_is_caught(store: type[ByteStore]) -> None:
    results = (simulate(seed, Setting(shared(store))) for seed in range(10))
    assert any(result.violation is not None for result in results)


class TestMemory(SimulationSuite):
    seeds = range(6)

    @pytest.fixture
    def connect(self) -> Connect:
        return shared(lambda clock: MemoryBackend(max_entries=4, clock=clock))


class TestThreads(SimulationSuite):
    """It has no prefixes, expires nothing by the world's clock, and runs for real."""

    seeds = range(2)
    expires = "world"

    @pytest.fixture
    def connect(self) -> Connect:
        store = ByteStore(SYSTEM)
        return partial(threaded, store)


class TestBytes(SimulationSuite):
    seeds = range(3)
    processes = 4
    weather = {"corrupt_every": 1.0}

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def connect(self, records: Records) -> Connect:
        return lambda clock: ByteStore(clock, records)

    @pytest.fixture
    def back_door(self, records: Records) -> RecordsDoor:
        return RecordsDoor(records)


class TestSqlite(SimulationSuite):
    """A file for each seed, and a connection in a thread for each process."""

    seeds = range(2)

    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        return lambda clock: SqliteBackend(tmp_path / "cache.db", clock=clock)
