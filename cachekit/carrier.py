"""What one cache asks of a backend that does I/O: gathered by tick, held to deadlines."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from cachekit.backend import UNREACHED, Found, Outcome, Unreached, Write
from cachekit.batch import MOST, Line, Reading, Writing, pieces
from cachekit.entry import Entry
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
        found: dict[str, Entry | Unreached] = {}
        for answer in [self._reads.ask(part) for part in parts]:
            found.update(await answer)
        return found

    def write(self, writes: Sequence[Write]) -> Awaitable[Sequence[Outcome]]:
        """One outcome for each write."""
        parts = pieces(writes)
        return self._writes.ask(writes) if len(parts) == 1 else self._write_in_parts(parts)

    async def _write_in_parts(self, parts: Sequence[Sequence[Write]]) -> Sequence[Outcome]:
        """One after the other; after one of which nothing was done there is no use in the rest."""
        outcomes: list[Outcome] = []
        for part in parts:
            outcomes += await self._writes.ask(part)
            if all(outcome is UNREACHED for outcome in outcomes[-len(part) :]):
                break
        missing = sum(map(len, parts)) - len(outcomes)
        return outcomes + [UNREACHED] * missing

    def begin(self, writes: Sequence[Write]) -> "asyncio.Future[Sequence[Outcome]]":
        """Have `writes` carried out, whoever waits for it."""
        return asyncio.ensure_future(self.write(writes))

    async def within(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        """Hold anything else to a deadline of its own; raises what it raises, or `TimeoutError`."""
        return await self._guard.within(work, deadline if self._holds else None)

    async def close(self) -> None:
        """End what is under way."""
        await self._guard.close(self._deadline)
