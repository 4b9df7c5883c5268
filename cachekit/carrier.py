"""What one cache asks of a backend that does I/O: gathered by tick, held to deadlines."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from cachekit.backend import UNREACHED, Backend, ForgetPrefix, Found, Outcome, Unreached, Write
from cachekit.batch import MOST, Batch, Line, Reading, Writing, pieces
from cachekit.entry import Entry
from cachekit.errands import Errands
from cachekit.errors import CacheError
from cachekit.gates import Gates

FORGETTING: Final = 60.0
"""Seconds that deleting by prefix may take: a store of millions of keys is walked through."""

NO_ANSWER: Final = ConnectionError("no answer")
"""Why, where a backend does not tell."""


class Hearer(Protocol):
    """Hears of each batch once, before anyone who waits for it goes on; `error`: what is lost."""

    def has_read(self, found: Found, error: BaseException | None) -> None: ...

    def has_written(self, error: BaseException | None) -> None: ...

    def has_skipped(self, why: BaseException | None) -> None:
        """Something was not sent, since its node is not asked; told after what was sent."""
        ...


class Deaf:
    """Hears nothing."""

    def has_read(self, found: Found, error: BaseException | None) -> None: ...

    def has_written(self, error: BaseException | None) -> None: ...

    def has_skipped(self, why: BaseException | None) -> None: ...


class Carrier:
    """Runs on `loop`. What fails is an answer, too: `Unreached`, `UNREACHED`.

    What is behind a shut gate is not asked; without `gates` all is asked, and may take its time.
    """

    def __init__(
        self,
        backend: Backend,
        loop: asyncio.AbstractEventLoop,
        deadline: float,
        gates: Gates | None,
        hearer: Hearer,
    ) -> None:
        self._deadline = deadline
        self._gates = gates
        self._hearer = hearer
        self._errands = errands = Errands()
        longest = None if gates is None else deadline
        self._reads = Line(lambda: Reading(backend), loop, errands, longest, self._read_ended)
        self._writes = Line(lambda: Writing(backend), loop, errands, longest, self._write_ended)

    def skips(self) -> bool:
        """Whether nothing at all is asked for now; what would have been is counted."""
        gates = self._gates
        if gates is None or gates.whole.shut is None or gates.are_trying:
            return False
        gates.whole.skipped += 1
        self._hearer.has_skipped(gates.whole.shut.cause)
        return True

    def read(self, keys: Sequence[str]) -> Awaitable[Found]:
        """The answers to `keys`, and to what others asked for in the same tick."""
        if self._gates is not None and self._gates.are_shut:
            return self._read_some(keys, self._gates)
        return self._reads.ask(keys) if len(keys) <= MOST else self._read_in_parts(keys)

    async def _read_some(self, keys: Sequence[str], gates: Gates) -> Found:
        """Without what is behind a shut gate."""
        if not gates.are_trying:
            return await self._read_asked(keys, gates)
        try:
            async with asyncio.timeout(self._deadline):  # for both together
                await gates.attempts(keys, self._deadline)
                return await self._read_asked(keys, gates)
        except TimeoutError:
            late = TimeoutError(f"no answer within {self._deadline} s")
            return dict.fromkeys(keys, Unreached(late))

    async def _read_asked(self, keys: Sequence[str], gates: Gates) -> Found:
        unasked = gates.unasked(keys)
        gates.skip(unasked)
        asked = [key for key in keys if key not in unasked]
        found: Found = await self._read_in_parts(asked) if asked else {}
        self._tell_skipped(unasked)
        return {**found, **unasked}

    def _tell_skipped(self, unasked: Mapping[str, Unreached]) -> None:
        if unasked:
            self._hearer.has_skipped(next(iter(unasked.values())).cause)

    async def _read_in_parts(self, keys: Sequence[str]) -> Found:
        parts = [keys[at : at + MOST] for at in range(0, len(keys), MOST)]
        found: dict[str, Entry | Unreached] = {}
        for answer in [self._reads.ask(part) for part in parts]:
            found.update(await answer)
        return found

    def write(self, writes: Sequence[Write]) -> Awaitable[Sequence[Outcome]]:
        """One outcome for each write."""
        if self._gates is not None and self._gates.are_shut:
            return self._write_some(writes, self._gates)
        parts = pieces(writes)
        return self._writes.ask(writes) if len(parts) == 1 else self._write_in_parts(parts)

    async def _write_some(self, writes: Sequence[Write], gates: Gates) -> Sequence[Outcome]:
        if gates.are_trying:
            await gates.attempts([write.key for write in writes], self._deadline)
        unasked = gates.unasked(write.key for write in writes)
        gates.skip(unasked)
        gates.remember([w.key for w in writes if w.announce and w.key in unasked], ())
        asked = [write for write in writes if write.key not in unasked]
        done = iter(await self._write_in_parts(pieces(asked)) if asked else ())
        self._tell_skipped(unasked)
        return [UNREACHED if write.key in unasked else next(done) for write in writes]

    async def _write_in_parts(self, parts: Sequence[Sequence[Write]]) -> Sequence[Outcome]:
        """One after the other; after one of which nothing was done there is no use in the rest."""
        outcomes: list[Outcome] = []
        for at, part in enumerate(parts):
            outcomes += await self._writes.ask(part)
            if all(outcome is UNREACHED for outcome in outcomes[-len(part) :]):
                rest = [write for left in parts[at + 1 :] for write in left]
                return outcomes + self._leave(rest)
        return outcomes

    def _leave(self, writes: Sequence[Write]) -> list[Outcome]:
        """They are not sent at all."""
        if self._gates is not None:
            self._gates.remember([write.key for write in writes if write.announce], ())
        return [UNREACHED] * len(writes)

    def begin(self, writes: Sequence[Write]) -> "asyncio.Future[Sequence[Outcome]]":
        """Have `writes` carried out, whoever waits for it."""
        return asyncio.ensure_future(self.write(writes))

    async def forget_prefix(self, able: ForgetPrefix, prefixes: Sequence[str]) -> Outcome:
        """Delete by prefix; raises what that raises."""
        gates = self._gates
        if gates is not None and gates.are_shut:
            await gates.attempts(None, self._deadline)
        if gates is not None and gates.are_shut:
            gates.whole.skipped += 1
            self._hearer.has_skipped(gates.why())
            gates.remember((), prefixes)
            return UNREACHED
        try:
            limit = None if gates is None else FORGETTING
            outcome = await self._errands.within(able.forget_prefix(prefixes), limit)
        except CacheError:
            raise  # it cannot, and will not the next time either
        except Exception as error:
            if gates is not None:
                gates.remember((), prefixes, error)
            raise
        if gates is not None and outcome is UNREACHED:
            gates.remember((), prefixes)
        self._hearer.has_written(NO_ANSWER if outcome is UNREACHED else None)
        return outcome

    async def close(self) -> None:
        """End what is under way."""
        await self._errands.close(self._deadline)

    def _read_ended(
        self, batch: Batch[str, Found], found: Found, error: BaseException | None
    ) -> None:
        lost = [key for key, entry in found.items() if type(entry) is Unreached]
        if lost and error is None:
            error = _cause(found[lost[0]])
        if self._gates is not None:
            self._gates.heard(lambda: batch.asked, lost, error)
        self._hearer.has_read(found, error)

    def _write_ended(
        self,
        batch: Batch[Write, Sequence[Outcome]],
        outcomes: Sequence[Outcome],
        error: BaseException | None,
    ) -> None:
        if error is None and UNREACHED in outcomes:
            error = NO_ANSWER
        if self._gates is not None:
            self._gates.wrote(batch.asked, outcomes, error)
        self._hearer.has_written(error)


def _cause(entry: Entry | Unreached) -> BaseException:
    return (entry.cause if isinstance(entry, Unreached) else None) or NO_ANSWER
