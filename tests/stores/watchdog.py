"""How long an event loop did not go round."""

import asyncio
import time
from types import TracebackType
from typing import Final, Self

TICK: Final = 0.005
"""Seconds between two looks at the clock."""


class Watchdog:
    """Entered on a loop, it notes for how many seconds at most nothing else had its turn.

    `longest` is right when it is left: with the time since the last tick, which never came if the
    loop was held up until now.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def __aenter__(self) -> Self:
        self._last = time.perf_counter()
        self._ticking = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._note(0.0)
        self._ticking.cancel()
        await asyncio.wait({self._ticking})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._note(TICK)

    def _note(self, asleep: float) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last - asleep)
        self._last = now
