"""Running things in threads, for the tests of blocking callers."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

from cachekit import Cache, Target

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds after which a test of threads has failed: real ones, since threads know no other."""


class Threads:
    """Starts threads, and knows which are left."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def run(self, work: Callable[[], T]) -> "Future[T]":
        """Do `work` in a thread of its own."""
        future: Future[T] = Future()
        thread = threading.Thread(target=_keep, args=(work, future), daemon=True)
        self._threads.append(thread)
        thread.start()
        return future

    def race(self, count: int, work: Callable[[int], T], *, patience: float = PATIENCE) -> list[T]:
        """`work(0)`, `work(1)`, … at once, in a thread each."""
        start = threading.Barrier(count)

        def run(number: int) -> T:
            start.wait(PATIENCE)
            return work(number)

        futures = [self.run(partial(run, number)) for number in range(count)]
        return [future.result(patience) for future in futures]

    def left(self) -> list[str]:
        """The threads that do not end."""
        for thread in self._threads:
            thread.join(PATIENCE)
        return [thread.name for thread in self._threads if thread.is_alive()]


def _keep(work: Callable[[], T], future: "Future[T]") -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


class Gate:
    """A blocking loader that waits for `finish()`, or `fail(error)`, and counts.

    Its n-th call returns `"value n"`.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.threads: list[threading.Thread] = []
        self._gate = threading.Event()
        self._error: BaseException | None = None

    @property
    def calls(self) -> int:
        return len(self.threads)

    def finish(self) -> "Gate":
        self._gate.set()
        return self

    def fail(self, error: BaseException) -> "Gate":
        self._error = error
        return self.finish()

    def __call__(self) -> str:
        self.threads.append(threading.current_thread())
        number = self.calls
        self.begun.set()
        assert self._gate.wait(PATIENCE), "nobody opened the gate"
        if self._error is not None:
            raise self._error
        return f"value {number}"


class Register:
    """A number that only rises, cached by all threads; who reads knows the least it may be."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.now = self.acknowledged = 0
        self._lock = threading.Lock()

    def read(self) -> None:
        least = self.acknowledged
        found = self.cache.sync.get_or_set("k", self._load, tags=["t"])
        assert found >= least, f"{found} was read, but {least} had been acknowledged before"

    def _load(self) -> int:
        value = self.now
        time.sleep(0)  # others may change it now
        return value

    def change(self, target: Target) -> None:
        with self._lock:
            self.now += 1
            mine = self.now
        self.cache.sync.invalidate(target)
        with self._lock:
            self.acknowledged = max(self.acknowledged, mine)


def until(condition: Callable[[], Any]) -> None:
    """Block until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


async def until_so(condition: Callable[[], Any]) -> None:
    """Let the event loop run until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        await asyncio.sleep(0.001)


def loop_threads() -> list[threading.Thread]:
    """The threads of caches: with an event loop of their own, or for a refresh."""
    return [thread for thread in threading.enumerate() if thread.name == "cachekit"]
