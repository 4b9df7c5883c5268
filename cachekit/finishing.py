"""What forgets goes on to its end (R10)."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from cachekit.home import OPENING
from cachekit.runtime import Ways

T = TypeVar("T")
log: Final = logging.getLogger("cachekit")

_ROUNDS: Final = 500


class Finishing:
    """The invalidations of one cache that are under way, on any loop."""

    def __init__(self) -> None:
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Nothing is under way (R12)."""
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """R10: `work` goes on to its end, even if its caller is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_tell)  # its caller is gone, and would not hear of it
            raise

    async def finished(self, ways: Ways) -> None:
        """Wait for what still has to finish, here and on other loops."""
        for _ in range(_ROUNDS):
            if not any(not task.get_loop().is_closed() for task in list(self._tasks)):
                return
            await ways.pause(OPENING / _ROUNDS)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


def _tell(task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("%s", error)
