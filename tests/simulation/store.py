"""The one store that all simulated processes share: bytes, conditions, expiry, evictions."""

import random
from typing import Final, NamedTuple

from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition, Outcome
from cachekit.entry import Entry, Kind
from cachekit.envelope import unpack
from cachekit.errors import UnreadableError
from tests.simulation.history import EVERYWHERE, History, short
from tests.simulation.loop import VirtualClock


class Record(NamedTuple):
    """What is under a key until `ends`, in virtual seconds."""

    data: bytes
    ends: float


class Packed(NamedTuple):
    """A `Write` as it travels: bytes instead of an entry."""

    key: str
    data: bytes | None
    keep: float | None
    expected: int | Condition
    announce: bool


class Lurker(NamedTuple):
    """A write that was given up by its sender and is executed when it does most harm."""

    who: str
    write: Packed
    since: float


class Store:
    """Each operation is atomic and takes no time; who is far away waits in a `Link`.

    `evicts`: whatever is there may be lost at any moment.
    """

    def __init__(self, clock: VirtualClock, history: History, *, evicts: bool) -> None:
        self.evicts = evicts
        self.clock = clock
        self.history = history
        self.records: dict[str, Record] = {}
        self._lurking: dict[str, list[Lurker]] = {}

    def read(self, key: str) -> bytes | None:
        record = self.records.get(key)
        if record is not None and record.ends <= self.clock.monotonic():
            del self.records[key]
            return None
        return None if record is None else record.data

    def entry(self, key: str) -> Entry | None:
        """What is under `key`; unreadable is absent."""
        data = self.read(key)
        try:
            return None if data is None else unpack(key, data, self.clock)
        except UnreadableError:
            return None

    def write(self, who: str, write: Packed) -> Outcome:
        """Apply one write if its condition holds."""
        outcome = self._apply(who, write)
        if outcome is DONE and write.announce:
            self._wake(write.key)
        return outcome

    def _apply(self, who: str, write: Packed) -> Outcome:
        there = self.entry(write.key)
        done = _holds(write.expected, there)
        if done:
            self._put(write)
        self._note(who, write, there, done)
        return DONE if done else REFUSED

    def lurk(self, who: str, write: Packed, after: float) -> None:
        """Execute `write` once, some time after someone has forgotten or replaced its key.

        That is `after` seconds from now at the earliest.
        """
        since = self.clock.monotonic() + after
        self._lurking.setdefault(write.key, []).append(Lurker(who, write, since))

    def _wake(self, key: str) -> None:
        """A key was forgotten or replaced: the last of those who lurk there may strike.

        Who has a condition comes first: it seldom holds.
        """
        now = self.clock.monotonic()
        lurking = reversed(self._lurking.get(key, ()))
        for lurker in sorted(lurking, key=lambda lurker: lurker.write.expected is ANY):
            if lurker.since <= now and self._lets_in(lurker.write):
                self._lurking[key].remove(lurker)
                self._strike(lurker)
                return

    def _lets_in(self, write: Packed) -> bool:
        evicted = write.expected is ABSENT and self.evicts
        return evicted or _holds(write.expected, self.entry(write.key))

    def _strike(self, lurker: Lurker) -> None:
        self.history.covered["late writes executed"] += 1
        self._say("is struck by a late write:", lurker.write.key)
        if lurker.write.expected is ABSENT and self.read(lurker.write.key) is not None:
            self._lose(lurker.write.key, "evicted")
        self._apply(lurker.who, lurker.write)

    def forget_prefix(self, who: str, prefix: str) -> None:
        """Delete every key that starts with `prefix`."""
        for key in [key for key in self.records if key.startswith(prefix)]:
            self.write(who, Packed(key, None, None, ANY, True))

    def _put(self, write: Packed) -> None:
        if write.data is None:
            self.records.pop(write.key, None)
            return
        ends = float("inf") if write.keep is None else self.clock.monotonic() + write.keep
        self.records[write.key] = Record(write.data, ends)

    def _note(self, who: str, write: Packed, there: Entry | None, done: bool) -> None:
        entry = None if write.data is None else unpack(write.key, write.data, self.clock)
        for name in _covers(write, entry, there, done):
            self.history.covered[name] += 1
        what = f"stores {self.history.describe(entry)}" if entry else "deletes"
        self.history.add(
            self.clock.monotonic(),
            who,
            what,
            short(write.key),
            f"[{self._condition(write.expected)}] {'done' if done else 'REFUSED'}"
            f", over {self.history.describe(there)}",
        )

    def _condition(self, expected: int | Condition) -> str:
        if isinstance(expected, Condition):
            return "" if expected is ANY else "if absent"
        return f"if {self.history.name(expected)}"

    def evict(self, rng: random.Random, prefix: str) -> None:
        """Lose one random key of those that start with `prefix`."""
        keys = [key for key in self.records if key.startswith(prefix)]
        if keys:
            self._lose(rng.choice(keys), "evicted")

    def corrupt(self, rng: random.Random) -> None:
        """Flip a bit of one random record."""
        if not self.records:
            return
        key = rng.choice(list(self.records))
        data, ends = self.records[key]
        at = rng.randrange(len(data))
        torn = data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
        self.records[key] = Record(torn, ends)
        self._say("corrupted", key)

    def flush(self) -> None:
        """Lose everything, as a restart does."""
        self.records.clear()
        self.history.covered["flushes"] += 1
        self.history.add(self.clock.monotonic(), "-", "FLUSHED", EVERYWHERE)

    def left(self, kind: Kind) -> list[str]:
        """The keys under which there is an entry of that kind."""
        entries = {key: self.entry(key) for key in list(self.records)}
        return [key for key, entry in entries.items() if entry and entry.kind is kind]

    def _lose(self, key: str, how: str) -> None:
        entry = self.entry(key)
        del self.records[key]
        if entry is not None:
            self.history.covered[f"{how} {_PLURALS[entry.kind]}"] += 1
        self._say(how, key)

    def _say(self, what: str, key: str) -> None:
        self.history.add(self.clock.monotonic(), "-", what, short(key))


_PLURALS: Final = {
    Kind.VALUE: "values",
    Kind.STUB: "stubs",
    Kind.PASS: "passes",
    Kind.TAG: "tags",
}


def _holds(expected: int | Condition, there: Entry | None) -> bool:
    if expected is ANY:
        return True
    if expected is ABSENT:
        return there is None
    return there is not None and there.version == expected


def _covers(write: Packed, entry: Entry | None, there: Entry | None, done: bool) -> list[str]:
    if entry is None or not isinstance(write.expected, int):
        return []
    if entry.kind is Kind.VALUE and not done:
        return ["refused fills"]
    if not done or there is None:
        return []
    if entry.version == there.version:
        return ["renewals"]
    if entry.kind is Kind.STUB:
        return ["take-overs"]
    return ["passes"] if entry.kind is Kind.PASS else []
