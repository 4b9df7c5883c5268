"""A cap on how many loads run at once, for callers on any loop and in any thread."""

import threading
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from cachekit.runtime import Ways


class Slots:
    """`size` loads at a time; who comes later waits in order. `None`: no cap."""

    def __init__(self, size: int | None) -> None:
        self._size = size
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Nobody is loading (R12)."""
        self._lock = threading.RLock()
        self._free = self._size
        self._queue: deque[Future[Any]] = deque()

    @asynccontextmanager
    async def one(self, ways: Ways, timeout: float, *, counts: bool) -> AsyncGenerator[None]:
        """A slot for the length of the block; `TimeoutError` if none is free in time.

        What does not count, or may not wait, has one at once.
        """
        if self._size is None or not counts or not ways.waits:
            yield
            return
        await self._take(ways, timeout)
        try:
            yield
        finally:
            self._give()

    async def _take(self, ways: Ways, timeout: float) -> None:
        turn: Future[None] = Future()
        with self._lock:
            self._queue.append(turn)
            self._admit()
        came = False
        try:
            came = await ways.wait(turn, timeout)
        finally:
            if not came:
                self._leave(turn)
        if not came:
            raise TimeoutError(f"no load began within {timeout} s: {self._size} were under way")

    def _give(self) -> None:
        with self._lock:
            assert self._free is not None
            self._free += 1
            self._admit()

    def _admit(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            self._queue.popleft().set_result(None)

    def _leave(self, turn: "Future[None]") -> None:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
            else:  # its turn came just now
                self._give()
