"""Backends that are wrong in one way each, and what their authors would run on them.

`test_backends` runs this file, and says which tests must fail.
"""

import asyncio
import fnmatch
import threading
import time
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, cast

import pytest

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    REFUSED,
    C,
    Capability,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.envelope import unpack
from cachekit.errors import UnreadableError
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.reference import Records
from tests.testing import lying_homes  # noqa: F401 (its liars are found as subclasses)
from tests.testing.doors import RecordsDoor
from tests.testing.liar import FORGETS, Liar


class LosesWrites(Liar):
    writes = 0

    def _write(self, write: Write) -> Outcome:
        self.writes += 1
        return DONE if self.writes % 7 == 0 else super()._write(write)


class IgnoresConditions(Liar):
    def _write(self, write: Write) -> Outcome:
        return super()._write(write._replace(expected=ANY))


class MixesUpKeys(Liar):
    asked: Sequence[str] = ()

    async def read(self, keys: Sequence[str]) -> Found:
        self.asked = keys
        await asyncio.sleep(0)
        found = [self._look(key) for key in self.asked]
        return {key: entry for key, entry in zip(keys, found, strict=False) if entry}


class ServesWhatExpired(Liar):
    async def read(self, keys: Sequence[str]) -> Found:
        clock, self.clock = self.clock, FakeClock()
        try:
            return await super().read(keys)
        finally:
            self.clock = clock


class IsNotAtomic(Liar):
    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [await self._slowly(write) for write in writes]

    async def _slowly(self, write: Write) -> Outcome:
        found = self._look(write.key)
        await asyncio.sleep(0)
        if write.expected not in (ANY, ABSENT if found is None else found.version):
            return REFUSED
        return self._write(write._replace(expected=ANY))


class ForgetsACapability(Liar):
    def capability(self, wanted: Capability[C]) -> C | None:
        return None


class ClaimsTooMuch(Liar):
    claims = frozenset[Capability[Any]]()


class GoesByName(Liar):
    def capability(self, wanted: Capability[C]) -> C | None:
        return cast("C", self) if wanted.name == "forget_prefix" else None


class LosesTags(Liar):
    def _write(self, write: Write) -> Outcome:
        if write.entry is not None:
            write.entry.carry({})
        return super()._write(write)


class SortsTags(Liar):
    def _look(self, key: str) -> Entry | None:
        entry = super()._look(key)
        if entry is not None:
            entry.carry(dict(sorted(entry.tags.items())))
        return entry


class StopsAtARefusal(Liar):
    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for write in writes:
            stopped = REFUSED in outcomes
            outcomes.append(REFUSED if stopped else self._write(write))
        return outcomes


class TellsOutcomesOnce(Liar):
    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        outcomes = {write.key: self._write(write) for write in writes}
        return list(outcomes.values())


class AddsNothingToWhatExpired(Liar):
    def _write(self, write: Write) -> Outcome:
        there = write.key in self.records
        return REFUSED if there and write.expected is ABSENT else super()._write(write)


class ReplacesWhatExpired(Liar):
    def _write(self, write: Write) -> Outcome:
        data, _ = self.records.get(write.key, (b"", 0))
        if isinstance(write.expected, int) and data:
            self.records[write.key] = data, inf
        return super()._write(write)


class KeepsTheFirstTime(Liar):
    def _write(self, write: Write) -> Outcome:
        _, ends = self.records.get(write.key, (b"", -inf))
        outcome = super()._write(write)
        if write.key in self.records and ends > self.clock.monotonic():
            self.records[write.key] = self.records[write.key][0], ends
        return outcome


class NeverExpiresWhatItRenews(Liar):
    def _write(self, write: Write) -> Outcome:
        found = self._look(write.key)
        outcome = super()._write(write)
        if found and write.entry and found.version == write.entry.version:
            self.records[write.key] = self.records[write.key][0], inf
        return outcome


class EndsWhatIsStale(Liar):
    def _look(self, key: str) -> Entry | None:
        entry = super()._look(key)
        stale = entry is not None and entry.fresh_until <= self.clock.monotonic()
        return None if stale and entry and entry.kind is Kind.VALUE and entry.born > 1e9 else entry


class BearsAnew(Liar):
    def _look(self, key: str) -> Entry | None:
        entry = super()._look(key)
        if entry is not None and entry.kind is Kind.VALUE:
            entry.freshen(entry.ttl, self.clock)
        return entry


class ReadsPatterns(Liar):
    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        for key in list(self.records):
            if any(fnmatch.fnmatchcase(key, prefix + "*") for prefix in prefixes):
                del self.records[key]
        return DONE


class ForgetsAllForNoPrefix(Liar):
    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        return await super().forget_prefix(prefixes or [""])


class ForgetsAPage(Liar):
    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        for key in [key for key in self.records if key.startswith(tuple(prefixes))][:1000]:
            del self.records[key]
        return DONE


class FoldsCase(Liar):
    def _look(self, key: str) -> Entry | None:
        return super()._look(key.lower())

    def _write(self, write: Write) -> Outcome:
        return super()._write(write._replace(key=write.key.lower()))


class CutsLongKeys(Liar):
    def _write(self, write: Write) -> Outcome:
        outcome = super()._write(write)
        for key in list(self.records):
            if len(key) > 199:
                self.records[key[:199] + "1"] = self.records.pop(key)
        return outcome


class CountsInFloats(Liar):
    def _write(self, write: Write) -> Outcome:
        found = self._look(write.key)
        if (
            found
            and isinstance(write.expected, int)
            and float(found.version) == write.expected + 0.0
        ):
            write = write._replace(expected=found.version)
        return super()._write(write)


class RemembersForItself(Liar):
    def __init__(self, clock: Clock, records: Records) -> None:
        super().__init__(clock, records)
        self.memory: dict[str, Entry] = {}

    async def read(self, keys: Sequence[str]) -> Found:
        for key in keys:
            entry = self._look(key)
            if entry is not None:
                self.memory.setdefault(key, entry)
        return {key: self.memory[key] for key in keys if key in self.memory}


class IsAtomicInOneProcess(IsNotAtomic):
    async def open(self) -> None:
        self.lock = asyncio.Lock()

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        async with self.lock:
            return await super().write(writes)


class RefusesTheUnreadable(Liar):
    def _write(self, write: Write) -> Outcome:
        data, _ = self.records.get(write.key, (None, 0))
        if data is not None and write.expected is ABSENT:
            try:
                unpack(write.key, data, self.clock)
            except UnreadableError:
                return REFUSED
        return super()._write(write)


class RaisesTheUnreadable(Liar):
    def _look(self, key: str) -> Entry | None:
        data, ends = self.records.get(key, (b"", -inf))
        return unpack(key, data, self.clock) if self.clock.monotonic() < ends else None


class AnswersNone(Liar):
    async def read(self, keys: Sequence[str]) -> Found:
        return {key: cast("Any", self._look(key)) for key in keys}


class LeavesATask(Liar):
    async def open(self) -> None:
        self.task = asyncio.get_running_loop().create_task(asyncio.Event().wait())


class StaysOnItsLoop(Liar):
    loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        self.loop = self.loop or asyncio.get_running_loop()

    async def read(self, keys: Sequence[str]) -> Found:
        assert self.loop is not None
        waiter = self.loop.create_future()
        self.loop.call_soon(waiter.set_result, None)
        await waiter
        return await super().read(keys)


class ComesBack(Liar):
    saved: Records | None = None

    async def open(self) -> None:
        self.records.update(self.saved or {})
        self.saved = dict(self.records)


class SharesOneFate(Liar):
    reading: "asyncio.Task[None] | None" = None

    async def read(self, keys: Sequence[str]) -> Found:
        if self.reading is None or self.reading.done():
            self.reading = asyncio.ensure_future(asyncio.sleep(0.01))
        await self.reading
        return await super().read(keys)


class SuspendsInSecret(Liar):
    claims = FORGETS | {LOCAL}
    suspends = False

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {LOCAL: self, FORGET_PREFIX: self})

    async def read(self, keys: Sequence[str]) -> Found:
        await asyncio.sleep(0)
        return await super().read(keys)


class IsLocalOnceOpen(Liar):
    claims = FORGETS | {LOCAL}
    suspends = True
    opened = False

    async def open(self) -> None:
        self.opened = True

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {LOCAL: self if self.opened else None, FORGET_PREFIX: self})


class KnowsNoThreads(Liar):
    claims = FORGETS | {LOCAL}
    suspends = False

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {LOCAL: self, FORGET_PREFIX: self})

    def _look(self, key: str) -> Entry | None:
        entry = super()._look(key)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0)
        return entry


class PeeksBlindly(Liar):
    claims = FORGETS | {PEEK}

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {PEEK: self, FORGET_PREFIX: self})

    def peek(self, key: str) -> Entry | None:
        entry = self._look(key)
        if entry is not None:
            entry.links = ()
        return entry


class PeeksAtWhatWas(PeeksBlindly):
    def __init__(self, clock: Clock, records: Records) -> None:
        super().__init__(clock, records)
        self.seen: dict[str, Entry] = {}

    def peek(self, key: str) -> Entry | None:
        entry = super().peek(key)
        if entry is not None and entry.kind is Kind.VALUE:
            self.seen[key] = entry
        return self.seen.get(key)


class PeeksAtNothing(PeeksBlindly):
    def peek(self, key: str) -> Entry | None:
        return None


def liars(base: type[Liar] = Liar) -> Iterator[type[Liar]]:
    """All of them, those of `lying_homes` too."""
    for liar in base.__subclasses__():
        yield liar
        yield from liars(liar)


LIARS = {liar.__name__: liar for liar in liars()}


@pytest.mark.parametrize("liar", LIARS)
class TestLiars(BackendSuite):
    examples = 400

    @pytest.fixture(autouse=True)
    def claims(self, liar: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TestLiars, "capabilities", LIARS[liar].claims)

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, liar: str, clock: FakeClock, records: Records) -> Liar:
        return LIARS[liar](clock, records)

    @pytest.fixture
    def another_backend(self, liar: str, clock: FakeClock, records: Records) -> Liar:
        return LIARS[liar](clock, records)

    @pytest.fixture
    def back_door(self, records: Records) -> BackDoor:
        return RecordsDoor(records)
