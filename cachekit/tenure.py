"""What a backend holds open, and where: it may be opened again without having been closed."""

import asyncio
import os
from collections.abc import Sequence
from typing import Protocol


class Held(Protocol):
    """Something with connections."""

    async def close(self) -> None:
        """End them, on their loop."""
        ...

    def drop(self) -> None:
        """Instead of `close()`, where that loop was closed already."""
        ...


class Tenure:
    """From one `open()` of a backend to its `close()`, or to the next `open()`."""

    def __init__(self) -> None:
        self._held: Sequence[Held] = ()
        self._process = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._parents: list[Held] = []

    def begin(self, *held: Held) -> None:
        """These are held from now on, on this loop; what was held before is left."""
        self._leave()
        self._held = held
        self._process, self._loop = os.getpid(), asyncio.get_running_loop()

    def _leave(self) -> None:
        """There was no `close()`, and there is none on that loop any longer."""
        held, loop = self._held, self._loop
        if not held or loop is None:
            return
        if self._process != os.getpid():
            self._parents += held  # R12: they stay as they are in the child
        elif loop.is_closed():
            for each in held:
                each.drop()
        else:
            for each in held:
                asyncio.run_coroutine_threadsafe(each.close(), loop)

    def end(self) -> None:
        """What was held is closed by who held it."""
        self._held = ()
