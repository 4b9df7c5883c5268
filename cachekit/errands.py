"""Work on a backend that goes on, whatever becomes of who wanted it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

HELD_UP: Final = 0.01
"""A timer that is so many seconds late tells of a loop that was held up, not of a backend."""


class Errands:
    """Has a backend do things within deadlines, on its loop.

    An operation past its deadline is abandoned, never cancelled: a command cancelled half-way
    leaves a connection that gives the next caller the wrong answer.
    """

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Task[Any], Callable[[], object] | None] = {}

    def start(
        self, work: Coroutine[Any, Any, T], then: Callable[[], object] | None = None
    ) -> "asyncio.Task[T]":
        """Have `work` done, whatever becomes of who wanted it, and `then` that."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way[task] = then
        task.add_done_callback(self._ended)
        return task

    async def within(self, work: Coroutine[Any, Any, T], deadline: float | None) -> T:
        """What `work` comes to; `TimeoutError` after `deadline` seconds."""
        task, time = self.start(work), asyncio.get_running_loop().time
        latest = None if deadline is None else time() + deadline + HELD_UP
        await asyncio.wait({task}, timeout=deadline)
        if latest is not None and time() > latest:  # what came has yet to be read
            await asyncio.wait({task}, timeout=HELD_UP)
        if not task.done():
            raise TimeoutError(f"no answer within {deadline} s")
        if task.cancelled():  # not by this caller: its fate is another's
            raise ConnectionError("the operation was cancelled")
        return task.result()

    async def close(self, patience: float) -> None:
        """End what is under way or abandoned; waits no longer than `patience` seconds for it."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=patience)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        then = self._under_way.pop(task)
        if not task.cancelled():
            task.exception()  # an abandoned one has nobody else to look at it
        if then is not None:
            then()
