"""Deleting what cannot be read."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any


class Drops:
    """A deletion of which no reader waits for the end: writes may hang where reads are answered.

    So may all behind them on the same connection, and there is one attempt at a time. Who writes to
    one of its keys waits: to whoever has read it, it was not there.
    """

    def __init__(self) -> None:
        self._keys: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self, keys: Collection[str], work: Coroutine[Any, Any, None]) -> None:
        """Do the `work` of deleting `keys`."""
        self._keys = frozenset(keys)
        self._task = asyncio.get_running_loop().create_task(work)

    async def ended_for(self, keys: Iterable[str]) -> None:
        """Wait if it is about one of `keys`."""
        if self._task is not None and self.is_under_way and not self._keys.isdisjoint(keys):
            await asyncio.wait({self._task})

    async def close(self) -> None:
        if self._task is not None and self.is_under_way:
            self._task.cancel()
            await asyncio.wait({self._task})
