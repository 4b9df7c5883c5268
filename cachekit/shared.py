"""Something that one caller does and others wait for, from any loop, any thread."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress

from cachekit.outcomes import AGAIN, Outcome
from cachekit.runtime import running_loop


class Shared:
    """Something one caller does and others wait for. Its fate is not theirs."""

    waiters = 0
    task: "asyncio.Task[None] | None" = None
    done = False
    outcome: Outcome = AGAIN
    _future: "Future[Outcome] | None" = None

    def __init__(self, key: str, deadline: float) -> None:
        self.key = key
        self.deadline = deadline
        self._settling = threading.RLock()

    @property
    def future(self) -> "Future[Outcome]":
        """For who waits; without any, none is made."""
        with self._settling:
            if self._future is None:
                self._future = Future()
                if self.done:
                    self._future.set_result(self.outcome)
            return self._future

    @property
    def is_orphaned(self) -> bool:
        """Whether its loop was closed under it."""
        return self.task is not None and self.task.get_loop().is_closed()

    def settle(self, outcome: Outcome) -> None:
        """Give everyone `outcome`; only the first one counts."""
        if self.done:
            return
        with self._settling:
            if self.done:
                return
            self.outcome, self.done = outcome, True
            if self._future is not None:
                self._future.set_result(outcome)

    def abandon(self) -> None:
        """Nobody waits any longer: cancel the task, on its own loop."""
        task = self.task
        if task is None:
            return
        if running_loop() is task.get_loop():
            task.cancel()
            return
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            task.get_loop().call_soon_threadsafe(task.cancel)


class Watches:
    """Polls of stubs of other processes: one for each key."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._watches: dict[str, Shared] = {}

    def join(self, key: str, deadline: float) -> tuple[Shared, bool]:
        """The poll of `key`, and whether the caller has to start it."""
        with self._lock:
            watch = self._watches.get(key)
            if watch is not None and watch.is_orphaned:
                watch.settle(AGAIN)
                watch = None
            mine = watch is None
            if watch is None:
                watch = self._watches[key] = Shared(key, deadline)
            watch.waiters += 1
            return watch, mine

    def leave(self, watch: Shared) -> None:
        with self._lock:
            watch.waiters -= 1
            alone = watch.waiters == 0
        if alone:
            self.end(watch)
            watch.abandon()

    def give_up(self) -> None:
        """End all polls."""
        with self._lock:
            watches = list(self._watches.values())
        for watch in watches:
            self.end(watch)
            watch.abandon()

    def end(self, watch: Shared) -> None:
        with self._lock:
            if self._watches.get(watch.key) is watch:
                del self._watches[watch.key]
        watch.settle(AGAIN)
