"""A cap on how many loads run at once, for callers on any loop and in any thread."""

import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from math import inf
from typing import Final

from cachekit.flight import Flight
from cachekit.runtime import Loop, Ways, running_loop

AT_ONCE: Final[AbstractAsyncContextManager[None]] = nullcontext()


class Turn:
    """One load's turn: it comes when `future` is done, with True if it takes a slot until then."""

    def __init__(self, longest: float) -> None:
        self.future: Future[bool] = Future()
        self.longest = longest
        self.until = inf
        self.loop: Loop | None = running_loop()

    def is_over(self, now: float) -> bool:
        """Whether its load hangs, or its loop was closed under it."""
        return now >= self.until or (self.loop is not None and self.loop.is_closed())


class Slots:
    """`size` loads at a time; who comes later waits in order. `None`: no cap."""

    def __init__(self, size: int | None, now: Callable[[], float]) -> None:
        self.size: Final = size
        self._now = now
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Nobody is loading (R12)."""
        self._lock = threading.RLock()
        self._queue: deque[Turn] = deque()
        self._holders: set[Turn] = set()

    def one(
        self, ways: Ways, timeout: float, longest: float, flights: Sequence[Flight], *, counts: bool
    ) -> AbstractAsyncContextManager[None]:
        """A slot for the length of the block; `TimeoutError` if none is free in time.

        What does not count, is urgent, or may not wait, begins at once. The slot of what takes
        more than `longest` seconds goes to others.
        """
        if not counts or not ways.waits:
            return AT_ONCE
        return self._one(ways, timeout, longest, flights)

    @asynccontextmanager
    async def _one(
        self, ways: Ways, timeout: float, longest: float, flights: Sequence[Flight]
    ) -> AsyncGenerator[None]:
        turn = Turn(longest)
        try:
            await self._queue_up(turn, ways, timeout, flights)
            yield
        finally:
            self._leave(turn)

    async def _queue_up(
        self, turn: Turn, ways: Ways, timeout: float, flights: Sequence[Flight]
    ) -> None:
        with self._lock:
            self._queue.append(turn)
        for flight in flights:
            flight.turn = turn.future
        if any(flight.urgent for flight in flights):
            self.let_pass(turn.future)
        until = self._now() + timeout
        while not turn.future.done():
            left = min(until, self._admit()) - self._now()
            if left <= 0:
                raise TimeoutError(f"no load began within {timeout} s: {self.size} were under way")
            await ways.wait(turn.future, left)

    def let_pass(self, future: "Future[bool]") -> None:
        """R9: a load that another load waits for waits for no slot, and takes none."""
        with self._lock:
            for turn in self._queue:
                if turn.future is future:
                    self._queue.remove(turn)
                    future.set_result(False)
                    return

    def _admit(self) -> float:
        """Give free slots to who is next; when to look again, for some may hang."""
        assert self.size is not None
        with self._lock:
            now = self._now()
            self._holders = {turn for turn in self._holders if not turn.is_over(now)}
            self._queue = deque(turn for turn in self._queue if not turn.is_over(now))
            while self._queue and len(self._holders) < self.size:
                turn = self._queue.popleft()
                turn.until = now + turn.longest
                self._holders.add(turn)
                turn.future.set_result(True)
            return min((turn.until for turn in self._holders), default=inf)

    def _leave(self, turn: Turn) -> None:
        with self._lock:
            self._holders.discard(turn)
            if turn in self._queue:
                self._queue.remove(turn)
            self._admit()
