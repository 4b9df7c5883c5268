"""R12: after a fork the child starts afresh."""

import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES, peeking, read, tag, value, write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_a_child(work: Callable[[], None]) -> int:
    """The exit status of a fork that does `work`: 0 if it went well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads run: the point here
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def held_by_another_thread(backend: MemoryBackend) -> Iterator[None]:
    """While this lasts, a thread is in the middle of a write."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with backend._lock:
            taken.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_child_starts_empty_with_a_lock_of_its_own(policy: Eviction) -> None:
    backend = MemoryBackend(policy=policy, max_entries=5)
    write(backend, "t:a", tag(1))
    for number in range(10):
        write(backend, f"v:{number}", value(number, tags={"t:a": 1}))
    last = read(backend, "v:9")
    assert last is not None
    peek = peeking(backend).peek

    def child() -> None:
        assert (len(backend), backend.evictions) == (0, 0)
        assert peek("v:9") is None
        assert read(backend, "v:9") is read(backend, "t:a") is None
        assert not last.holds()
        new = value()
        write(backend, "v:9", new)
        assert peek("v:9") is read(backend, "v:9") is new

    with held_by_another_thread(backend):
        assert in_a_child(child) == 0
    assert (len(backend), backend.evictions) == (5, 5)
    assert read(backend, "v:9") is last
    assert last.holds()
