"""`ThreadedBackend`: a store that blocks, in threads of its own."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import pytest

from cachekit import Cache, workers
from cachekit.backend import ABSENT, DONE, REFUSED
from cachekit.bytes_backend import Put
from cachekit.errors import ConfigurationError
from cachekit.threaded import ThreadedBackend
from tests.authors.shelf import putting
from tests.core.test_fork import in_child
from tests.servers.waiting import eventually

PATIENCE: Final = 10.0


class Held:
    """A store that blocks: `begun` is released by each operation, which waits for `going`."""

    def __init__(self, shared: "Shared") -> None:
        shared.connected += 1
        if shared.refuses:
            raise OSError("refused")
        self.shared = shared
        self.thread = threading.get_ident()
        self.busy = False
        self.closed = False
        shared.made.append(self)

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        self.enter()
        try:
            return {key: self.shared.table[key] for key in keys if key in self.shared.table}
        finally:
            self.busy = False

    def put_many(self, puts: Sequence[Put]) -> Sequence[bool]:
        self.enter()
        try:
            with self.shared.lock:
                return [self._put(put) for put in puts]
        finally:
            self.busy = False

    def _put(self, put: Put) -> bool:
        met = put.replaces(self.shared.table.get(put.key))
        if met and put.data is not None:
            self.shared.table[put.key] = put.data
        return met

    def close(self) -> None:
        assert self.thread == threading.get_ident()
        assert not self.closed
        self.closed = True
        if self.shared.sticks:
            raise OSError("does not close")

    def enter(self) -> None:
        assert self.thread == threading.get_ident(), "a connection of another thread"
        assert not self.busy, "two at once"
        assert not self.closed
        self.busy = True
        self.shared.begun.release()
        assert self.shared.going.wait(PATIENCE)
        if self.shared.error is not None:
            raise self.shared.error


class Shared:
    """What all connections of one store have in common."""

    def __init__(self) -> None:
        self.table: dict[str, bytes] = {}
        self.lock = threading.Lock()
        self.made: list[Held] = []
        self.connected = 0
        self.refuses = self.sticks = False
        self.begun = threading.Semaphore(0)
        self.going = threading.Event()
        self.going.set()
        self.error: BaseException | None = None

    def connect(self) -> Held:
        return Held(self)

    def hold(self) -> None:
        """Operations block from here on, until `going` is set."""
        self.going.clear()
        while self.begun.acquire(blocking=False):
            pass

    async def under_way(self, count: int = 1) -> None:
        """Wait until `count` more operations have begun."""
        for _ in range(count):
            assert await asyncio.get_running_loop().run_in_executor(None, self._acquire)

    def _acquire(self) -> bool:
        return self.begun.acquire(timeout=PATIENCE)


def alive() -> list[str]:
    return [it.name for it in threading.enumerate() if it.name.startswith("cachekit")]


@pytest.fixture
def shared() -> Iterator[Shared]:
    shared = Shared()
    yield shared
    shared.going.set()
    assert all(store.closed for store in shared.made)
    assert alive() == []


@pytest.fixture
async def backend(shared: Shared) -> AsyncIterator[ThreadedBackend[Held]]:
    backend = ThreadedBackend(shared.connect, threads=2)
    await backend.open()
    yield backend
    shared.going.set()
    await backend.close()


async def ended(task: "asyncio.Task[Any]") -> None:
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_it_reads_and_writes(backend: ThreadedBackend[Held]) -> None:
    assert await backend.write([putting("a", 1, ABSENT)]) == [DONE]
    assert await backend.write([putting("a", 2, ABSENT), putting("b")]) == [REFUSED, DONE]
    assert await backend.write([putting("a", 2, 1)]) == [DONE]
    assert sorted(await backend.read(["a", "b", "c"])) == ["a", "b"]


async def test_each_thread_has_a_connection_of_its_own(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.hold()
    reads = [asyncio.create_task(backend.read(["a"])) for _ in range(7)]
    await shared.under_way(2)
    assert not shared.begun.acquire(blocking=False)  # so many threads, so many at once
    shared.going.set()
    await asyncio.gather(*reads)
    assert len({store.thread for store in shared.made}) == len(shared.made) == 2


async def test_who_is_cancelled_leaves_at_once_and_the_operation_goes_on(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.hold()
    write = asyncio.create_task(backend.write([putting("a")]))
    await shared.under_way()
    write.cancel()
    await ended(write)
    assert any(store.busy for store in shared.made)
    assert not any(store.closed for store in shared.made)
    shared.going.set()
    await backend.close()
    assert list(shared.table) == ["a"]


async def test_what_is_cancelled_before_it_began_is_not_done(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.hold()
    reads = [asyncio.create_task(backend.read(["a"])) for _ in range(2)]
    await shared.under_way(2)
    write = asyncio.create_task(backend.write([putting("late")]))
    await asyncio.sleep(0)
    write.cancel()
    await ended(write)
    shared.going.set()
    await asyncio.gather(*reads)
    await backend.close()
    assert shared.table == {}


async def test_an_exception_is_its_callers_and_the_next_has_another_connection(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.error = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        await backend.read(["a"])
    shared.error = None
    for _ in range(4):
        assert await backend.read(["a"]) == {}
    assert [store.closed for store in shared.made].count(True) == 1


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), KeyboardInterrupt()])
async def test_what_would_end_a_loop_or_hang_a_future_is_an_ordinary_error(
    backend: ThreadedBackend[Held], shared: Shared, error: BaseException
) -> None:
    shared.error = error
    with pytest.raises(RuntimeError, match=f"a blocking operation raised {type(error).__name__}"):
        await asyncio.wait_for(backend.read(["a"]), PATIENCE)


async def test_a_connection_that_does_not_close_is_told_of(
    backend: ThreadedBackend[Held], shared: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    shared.sticks = True
    await backend.close()
    assert "does not close" in caplog.text


async def test_what_cannot_connect_does_not_open_and_leaves_no_thread(shared: Shared) -> None:
    shared.refuses = True
    backend = ThreadedBackend(shared.connect)
    with pytest.raises(OSError, match="refused"):
        await backend.open()
    await threads_end()
    shared.refuses = False
    await backend.open()
    assert await backend.read(["a"]) == {}
    await backend.close()


async def test_a_thread_that_could_not_connect_tries_again(shared: Shared) -> None:
    backend = ThreadedBackend(shared.connect, threads=1)
    await backend.open()
    shared.error, shared.refuses = OSError("gone"), True
    with pytest.raises(OSError, match="gone"):
        await backend.read(["a"])
    with pytest.raises(OSError, match="refused"):
        await backend.read(["a"])
    shared.error, shared.refuses = None, False
    assert await backend.read(["a"]) == {}
    await backend.close()


async def test_closing_waits_for_what_is_under_way_and_what_waits(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.hold()
    writes = [asyncio.create_task(backend.write([putting(f"key {n}")])) for n in range(5)]
    await shared.under_way(2)
    closing = asyncio.create_task(backend.close())
    await asyncio.sleep(0)
    with pytest.raises(ConnectionError, match="not open"):
        await backend.read(["a"])
    assert not closing.done()
    shared.going.set()
    await closing
    assert await asyncio.gather(*writes) == [[DONE]] * 5
    assert alive() == []


async def test_who_gives_closing_up_leaves_threads_that_end(
    backend: ThreadedBackend[Held], shared: Shared
) -> None:
    shared.hold()
    read = asyncio.create_task(backend.read(["a"]))
    await shared.under_way()
    closing = asyncio.create_task(backend.close())
    await asyncio.sleep(0)
    closing.cancel()
    await ended(closing)
    shared.going.set()
    assert await read == {}
    await threads_end()


def test_it_opens_again_on_another_loop_closed_or_not(shared: Shared) -> None:
    backend = ThreadedBackend(shared.connect)

    async def use(*, close: bool) -> None:
        await backend.open()
        await backend.write([putting("a")])
        assert list(await backend.read(["a"])) == ["a"]
        if close:
            await backend.close()

    asyncio.run(use(close=True))
    asyncio.run(use(close=False))
    asyncio.run(use(close=True))
    asyncio.run(threads_end())


async def test_when_too_much_waits_the_next_fails_at_once(
    backend: ThreadedBackend[Held], shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WAITING", 3)
    shared.hold()
    reads = [asyncio.create_task(backend.read(["a"])) for _ in range(2)]
    await shared.under_way(2)
    reads += [asyncio.create_task(backend.read(["a"])) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ConnectionError, match="all threads are busy"):
        await backend.read(["a"])
    shared.going.set()
    assert await asyncio.gather(*reads) == [{}] * 5


async def test_a_thread_that_waits_keeps_nothing_alive(backend: ThreadedBackend[Held]) -> None:
    class Thing:
        pass

    thing = Thing()
    before = sys.getrefcount(thing)
    assert await backend.run(lambda store: thing) is thing
    await eventually(lambda: sys.getrefcount(thing) == before, "a thread that has let go of it")


async def test_it_never_uses_the_loops_own_threads(backend: ThreadedBackend[Held]) -> None:
    await backend.read(["a"])
    assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]


def test_there_is_at_least_one_thread(shared: Shared) -> None:
    with pytest.raises(ConfigurationError, match="threads must be at least 1, not 0"):
        ThreadedBackend(shared.connect, threads=0)


def test_blocking_callers_use_it_too(shared: Shared) -> None:
    cache = Cache(ThreadedBackend(shared.connect), namespace="test", deadline=PATIENCE)
    cache.sync.set("a", 1)
    assert cache.sync.get("a") == 1
    cache.sync.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_connects_anew_and_leaves_the_connections_of_its_parent(shared: Shared) -> None:
    cache = Cache(ThreadedBackend(shared.connect), namespace="test", deadline=PATIENCE)
    cache.sync.set("a", 1)
    parents = list(shared.made)

    def child() -> None:
        assert cache.sync.get("a") == 1
        cache.sync.close()
        own = [store for store in shared.made if store not in parents]
        assert own
        assert all(store.closed for store in own)
        assert not any(store.closed for store in parents)

    in_child(child)
    assert cache.sync.get("a") == 1
    cache.sync.close()


async def threads_end() -> None:
    """Wait until the threads that were told to end have ended."""
    for _ in range(1000):
        if not alive():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(alive())
