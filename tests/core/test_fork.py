"""After `os.fork` a cache starts afresh in the child (R12)."""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from cachekit import MISSING, Cache, Tag
from cachekit.clock import SYSTEM
from tests.core.conftest import Caches
from tests.core.helpers import Load
from tests.core.slow_store import Shelf, SlowStore
from tests.core.threads import PATIENCE, Gate, Threads, loop_threads

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

STORES = pytest.mark.parametrize("kind", ["memory", "slow"])


def in_child(work: Callable[[], Any]) -> None:
    """Fork; the child does `work` and ends, and must do so well and in time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks with threads
        pid = os.fork()
    if pid == 0:
        os._exit(_code_of(work))
    assert _exit_code(pid) == 0, "see above what the child wrote"


def _code_of(work: Callable[[], Any]) -> int:
    try:
        work()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _exit_code(pid: int) -> int:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def made(caches: Caches, kind: str, **options: Any) -> Cache:
    return caches(caches.slow() if kind == "slow" else None, **options)


@STORES
def test_a_child_uses_the_cache_of_its_parent(blocking: Caches, kind: str) -> None:
    cache = made(blocking, kind)

    @cache.cached(key="double:{n}", tags=["doubles"])
    def double(n: int) -> int:
        return 2 * n

    def child() -> None:
        assert (double(1), double(1), double(2)) == (2, 2, 4)
        cache.sync.set("k", 1)
        cache.sync.invalidate(Tag("doubles"))
        assert double.get(1) is MISSING
        assert cache.sync.get("k") == 1
        cache.sync.close()
        assert [thread for thread in loop_threads() if thread.is_alive()] == []

    double(1)
    in_child(child)
    assert double(1) == 2


def test_the_memory_of_a_child_is_its_own_and_empty(blocking: Caches) -> None:
    cache = blocking()

    def child() -> None:
        assert cache.sync.get("k") is None
        cache.sync.set("k", "the child's")

    cache.sync.set("k", "the parent's")
    in_child(child)
    assert cache.sync.get("k") == "the parent's"


@STORES
def test_a_child_does_not_wait_for_the_loads_of_its_parent(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    shelf = blocking.shelf

    def child() -> None:
        shelf.records.clear()  # the child has a copy of it: the stub is another process's
        assert cache.sync.get_or_set("k", lambda: "the child's") == "the child's"
        assert cache.sync.get("k") == "the child's"

    in_child(child)
    load.finish()
    assert leader.result(10) == "value 1"
    assert cache.sync.get("k") == "value 1"


@STORES
async def test_a_child_of_a_process_with_a_running_loop(caches: Caches, kind: str) -> None:
    cache, load = made(caches, kind), Load()
    task = asyncio.create_task(cache.get_or_set("k", load))
    await load.begun.wait()
    shelf = caches.shelf

    async def use() -> None:
        assert await cache.get_or_set("k", Load(lambda _: "the child's").finish()) == "the child's"
        await cache.close()

    def child() -> None:
        shelf.records.clear()
        assert cache.sync.get_or_set("j", lambda: "blocking") == "blocking"
        cache.sync.close()
        cache.sync.open()
        cache.sync.close()
        asyncio.run(opened(cache, use))

    in_child(child)
    load.finish()
    assert await task == "value 1"


async def opened(cache: Cache, use: Callable[[], Any]) -> None:
    await cache.open()
    await use()


def locks_of(*things: Any) -> list[Any]:
    """Every lock that `things` hold, however deep, as far as they are the cache's own."""
    kinds = (type(threading.Lock()), type(threading.RLock()))
    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = list(things)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, kinds):
            found[id(thing)] = thing
        ours = type(thing).__module__.partition(".")[0] in ("cachekit", "cachekit_memory")
        if ours or isinstance(thing, (dict, list, tuple, set)):
            todo += gc.get_referents(thing)
    return list(found.values())


@STORES
def test_a_child_is_not_stopped_by_a_lock_that_another_thread_held(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    from cachekit.home import HOMES

    store = blocking.slow() if kind == "slow" else blocking.memory()
    cache = blocking(store)
    cache.sync.get_or_set("k", lambda: 1)
    locks = locks_of(cache, store, HOMES)
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            held.set()
            assert forked.wait(PATIENCE)

    def child() -> None:
        assert cache.sync.get_or_set("j", lambda: 2) == 2
        cache.sync.invalidate(Tag("t"))
        cache.sync.close()
        cache.sync.open()
        assert cache.sync.get_or_set("j", lambda: 3) in (2, 3)

    assert len(locks) >= 5
    holder = threads.run(hold)
    assert held.wait(PATIENCE)
    try:
        in_child(child)
    finally:
        forked.set()
    holder.result(PATIENCE)


def test_a_child_opens_a_loop_thread_of_its_own(blocking: Caches) -> None:
    store = blocking.slow()
    cache = blocking(store)
    cache.sync.set("k", 1)
    parents = loop_threads()

    def child() -> None:
        opened_before = store.opened
        assert cache.sync.get("k") == 1
        assert store.opened == opened_before + 1
        assert len(loop_threads()) == 1
        assert loop_threads() != parents

    in_child(child)
    assert cache.sync.get("k") == 1
    assert loop_threads() == parents


def test_a_cache_that_was_closed_is_closed_in_the_child(blocking: Caches) -> None:
    cache = blocking(blocking.slow())
    cache.sync.set("k", 1)
    cache.sync.close()

    def child() -> None:
        cache.sync.open()
        assert cache.sync.get("k") == 1

    in_child(child)


def test_a_fork_inside_of_a_load(blocking: Caches) -> None:
    cache = blocking()

    def load() -> str:
        in_child(lambda: cache.sync.get_or_set("other", lambda: "of the child"))
        return "of the parent"

    assert cache.sync.get_or_set("k", load) == "of the parent"
    assert cache.sync.get("k") == "of the parent"


def test_a_child_in_the_midst_of_a_load_goes_on_with_it(blocking: Caches) -> None:
    cache, ends = blocking(), list[int]()

    def load() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            ends.append(os.fork())
        return ends[-1]

    pid = cache.sync.get_or_set("k", load)
    if pid == 0:
        os._exit(_code_of(lambda: cache.sync.get_or_set("j", lambda: 1)))
    assert _exit_code(pid) == 0
    assert cache.sync.get("k") == pid


def _worker(answers: "multiprocessing.Queue[Any]", cache: Cache) -> None:
    answers.put(cache.sync.get_or_set("k", lambda: "the worker's"))
    cache.sync.close()


def test_a_worker_of_multiprocessing(blocking: Caches) -> None:
    cache = blocking(SlowStore(Shelf(SYSTEM)))
    cache.sync.set("j", 1)
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = context.Process(target=_worker, args=(answers, cache))
        worker.start()
    assert answers.get(timeout=PATIENCE) == "the worker's"
    worker.join(PATIENCE)
    assert worker.exitcode == 0
    answers.close()
    answers.join_thread()


def test_a_child_is_in_no_block_and_in_no_load() -> None:
    """R11, R12: a worker that is forked inside of one would stay in it for life."""
    cache = Cache()

    def work() -> None:
        cache.sync.set("k", "set in the worker")
        assert cache.sync.get("k") == "set in the worker"
        assert cache.sync.get_or_set("loading", lambda: "loaded") == "loaded"

    def load() -> str:
        with cache.sync.deferred():
            in_child(work)
        return "done"

    assert cache.sync.get_or_set("loading", load) == "done"
