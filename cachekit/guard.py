"""What keeps a backend that does I/O from harming its callers."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from cachekit.backend import Backend, C, Capability, Found, Outcome, Write

T = TypeVar("T")


class Guard(Backend):
    """A backend whose operations end within `deadline` seconds, with `TimeoutError` if need be.

    An operation past its deadline is abandoned, never cancelled: a command cancelled half-way
    leaves a connection that gives the next caller the wrong answer.
    """

    def __init__(self, inner: Backend, deadline: float) -> None:
        self.inner = inner
        self.deadline = deadline
        self._under_way: set[asyncio.Task[Any]] = set()

    async def read(self, keys: Sequence[str]) -> Found:
        return await self.within(self.inner.read(keys))

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self.within(self.inner.write(writes))

    def capability(self, wanted: Capability[C]) -> C | None:
        return self.inner.capability(wanted)

    async def close(self) -> None:
        """End what was abandoned; the backend itself is closed by who opened it."""
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self.deadline)

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Hold one operation of the backend to the deadline."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=self.deadline)
        if not task.done():
            raise TimeoutError(f"no answer within {self.deadline} s")
        if task.cancelled():  # not by this caller: its fate is another's
            raise ConnectionError("the operation was cancelled")
        return task.result()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # an abandoned one has nobody else to look at it
