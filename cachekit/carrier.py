"""What one cache asks of a backend that does I/O: gathered by tick, held to deadlines."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from cachekit.backend import Found, Outcome, Write
from cachekit.batch import MOST, Line, Reading, Writing, pieces
from cachekit.guard import Guard
from cachekit.home import Home

T = TypeVar("T")
Loop = asyncio.AbstractEventLoop


class Carrier:
    """Runs on the loop of `home`. What fails is an answer, too: `Unreached`, `UNREACHED`.

    `has_read` and `has_written` hear of each batch once: of the answer, and of why there is none.
    """

    def __init__(
        self,
        home: Home,
        loop: Loop,
        deadline: float,
        has_read: Callable[[Found, BaseException | None], None],
        has_written: Callable[[Sequence[Outcome], BaseException | None], None],
    ) -> None:
        self._deadline = deadline
        self._holds = not home.local
        self._guard = guard = Guard()
        backend, longest = home.backend, deadline if self._holds else None
        self._reads = Line(lambda: Reading(backend), loop, guard, longest, has_read)
        self._writes = Line(lambda: Writing(backend), loop, guard, longest, has_written)

    def read(self, keys: Sequence[str]) -> Awaitable[Found]:
        """The answers to `keys`, and to what others asked for in the same tick."""
        return self._reads.ask(keys) if len(keys) <= MOST else self._read_in_parts(keys)

    async def _read_in_parts(self, keys: Sequence[str]) -> Found:
        parts = [keys[at : at + MOST] for at in range(0, len(keys), MOST)]
        found = [await answer for answer in [self._reads.ask(part) for part in parts]]
        return {key: entry for some in found for key, entry in some.items()}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """One outcome for each write."""
        answers = self.begin(writes)
        return await answers[0] if len(answers) == 1 else [o for a in answers for o in await a]

    def begin(self, writes: Sequence[Write]) -> "list[asyncio.Future[Sequence[Outcome]]]":
        """Have `writes` carried out; their outcomes to come, in order."""
        return [self._writes.ask(piece) for piece in pieces(writes)]

    async def within(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        """Hold anything else to a deadline of its own; raises what it raises, or `TimeoutError`."""
        return await self._guard.within(work, deadline if self._holds else None)

    async def close(self) -> None:
        """End what is under way."""
        await self._guard.close(self._deadline)
