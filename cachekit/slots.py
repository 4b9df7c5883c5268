"""A cap on how many loads run at once, for callers on any loop and in any thread."""

import threading
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager

from cachekit.flight import Flight
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
        self._queue: deque[Future[bool]] = deque()

    @asynccontextmanager
    async def one(
        self, ways: Ways, timeout: float, flights: Sequence[Flight], *, counts: bool
    ) -> AsyncGenerator[None]:
        """A slot for the length of the block; `TimeoutError` if none is free in time.

        What does not count, is urgent, or may not wait, begins at once.
        """
        counts = counts and self._size is not None and ways.waits
        counted = counts and await self._queue_up(ways, timeout, flights)
        try:
            yield
        finally:
            if counted:
                self._give()

    async def _queue_up(self, ways: Ways, timeout: float, flights: Sequence[Flight]) -> bool:
        """Wait for a turn; whether it counts."""
        turn: Future[bool] = Future()
        with self._lock:
            self._queue.append(turn)
            self._admit()
        for flight in flights:
            flight.turn = turn
        if any(flight.urgent for flight in flights):
            self.let_pass(turn)
        came = False
        try:
            came = await ways.wait(turn, timeout)
        finally:
            if not came:
                self._leave(turn)
        if not came:
            raise TimeoutError(f"no load began within {timeout} s: {self._size} were under way")
        return turn.result()

    def let_pass(self, turn: "Future[bool]") -> None:
        """R9: a load that another load waits for waits for no slot, and takes none."""
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
                turn.set_result(False)

    def _give(self) -> None:
        with self._lock:
            assert self._free is not None
            self._free += 1
            self._admit()

    def _admit(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            self._queue.popleft().set_result(True)

    def _leave(self, turn: "Future[bool]") -> None:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
            elif turn.result():  # its turn came just now
                self._give()
