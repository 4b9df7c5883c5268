"""A store that does I/O, as far as the cache can tell: bytes, suspension, faults by switch."""

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, cast

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    FORGET_PREFIX,
    REFUSED,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack, unpack


class Shelf:
    """What is stored, in bytes, with its expiry. Each operation is atomic."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.records: dict[str, tuple[bytes, float]] = {}

    def entry(self, key: str) -> Entry | None:
        """What is under `key` now."""
        data, ends = self.records.get(key, (b"", -inf))
        return unpack(key, data, self.clock) if self.clock.monotonic() < ends else None

    def write(self, write: Write, data: bytes | None) -> Outcome:
        there = self.entry(write.key)
        absent = write.expected is ABSENT and there is None
        same = there is not None and there.version == write.expected
        if not (write.expected is ANY or absent or same):
            return REFUSED
        if write.entry is None or data is None:
            self.records.pop(write.key, None)
        else:
            keep = inf if write.entry.keep is None else write.entry.keep
            self.records[write.key] = data, self.clock.monotonic() + keep
        return DONE

    def forget_prefix(self, prefixes: Sequence[str]) -> None:
        for key in [key for key in self.records if key.startswith(tuple(prefixes))]:
            del self.records[key]

    def keys(self, kind: Kind) -> list[str]:
        """The keys under which there is an entry of that kind."""
        found = {key: self.entry(key) for key in self.records}
        return [key for key, entry in found.items() if entry is not None and entry.kind is kind]

    def evict(self, kind: Kind) -> None:
        """Lose all entries of a kind."""
        for key in self.keys(kind):
            del self.records[key]


def nothing(write: Write) -> bool:
    return False


class SlowStore(Backend):
    """One process's connection to a shelf. It is not `LOCAL` and suspends in each operation.

    - `delay`: seconds before an operation is executed; `lag`: from then to its answer.
    - `hang()`: operations wait, unexecuted, until `resume()`.
    - `error`: raised instead of executing.
    - `loses(write)`: such a write is not executed and not acknowledged.
    - `mutes(write)`: such a write is executed and not acknowledged.
    - `silent`: keys whose reads are `Unreached`.

    `reads` and `writes` hold each batch that arrived, `outcomes` what became of each write;
    `cancelled` counts the operations that were cancelled half-way.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.delay = self.lag = 0.0
        self.error: Exception | None = None
        self.open_error: Exception | None = None
        self.loses: Callable[[Write], bool] = nothing
        self.mutes: Callable[[Write], bool] = nothing
        self.silent: Callable[[str], bool] = lambda key: False
        self.reads: list[list[str]] = []
        self.writes: list[list[Write]] = []
        self.outcomes: list[tuple[Write, Outcome]] = []
        self.opened = self.closed = self.cancelled = 0
        self._resumed: asyncio.Event | None = None

    @property
    def operations(self) -> int:
        """How many batches arrived."""
        return len(self.reads) + len(self.writes)

    def hang(self) -> None:
        self._resumed = self._resumed or asyncio.Event()

    def resume(self) -> None:
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def heal(self) -> None:
        """Turn all switches off."""
        self.resume()
        self.delay = self.lag = 0.0
        self.error = self.open_error = None
        self.loses = self.mutes = nothing
        self.silent = lambda key: False

    def sent(self, kind: Kind | None, outcome: Outcome = DONE) -> list[Write]:
        """The writes of such entries (`None`: deletions) that had that outcome."""
        return [
            write
            for write, became in self.outcomes
            if became is outcome and (write.entry and write.entry.kind) is kind
        ]

    async def open(self) -> None:
        self.opened += 1
        await self._travel(self.open_error)

    async def close(self) -> None:
        self.closed += 1

    async def read(self, keys: Sequence[str]) -> Found:
        self.reads.append(list(keys))
        await self._travel(self.error)
        found = {key: self._look(key) for key in keys}
        await asyncio.sleep(self.lag)
        return {key: entry for key, entry in found.items() if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        self.writes.append(list(writes))
        packed = [None if w.entry is None else pack(w.key, w.entry) for w in writes]
        await self._travel(self.error)
        outcomes = [self._write(w, data) for w, data in zip(writes, packed, strict=True)]
        await asyncio.sleep(self.lag)
        return outcomes

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        await self._travel(self.error)
        self.shelf.forget_prefix(prefixes)
        await asyncio.sleep(self.lag)
        return DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        return cast("C", self) if cast("Any", wanted) is FORGET_PREFIX else None

    async def _travel(self, error: Exception | None) -> None:
        try:
            await asyncio.sleep(self.delay)
            if self._resumed is not None:
                await self._resumed.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if error is not None:
            raise error

    def _look(self, key: str) -> Entry | Unreached | None:
        return Unreached(ConnectionError("silent")) if self.silent(key) else self.shelf.entry(key)

    def _write(self, write: Write, data: bytes | None) -> Outcome:
        lost = self.loses(write)
        outcome = UNREACHED if lost else self.shelf.write(write, data)
        outcome = UNREACHED if self.mutes(write) else outcome
        self.outcomes.append((write, outcome))
        return outcome


def of_kind(*kinds: Kind) -> Callable[[Write], bool]:
    """Writes of such entries, for `loses` and `mutes`."""
    return lambda write: write.entry is not None and write.entry.kind in kinds
