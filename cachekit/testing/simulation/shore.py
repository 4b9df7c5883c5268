"""Where all links lead: what arrives is done on a real backend, one thing after the other.

The shore knows what must be under each key, so that it can tell the history what was replaced,
have late writes strike when they do most harm, and end what a store has no clock to end.
"""

import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    FORGET_PREFIX,
    HOMES,
    LOCAL,
    Backend,
    Condition,
    Outcome,
    Unreached,
    Write,
)
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack, unpack
from cachekit.runtime import drive
from cachekit.testing.simulation.history import EVERYWHERE, History, short
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from cachekit.testing.simulation.nodes import Node, Nodes
from cachekit.testing.simulation.stream import KEY, PREFIX, Stream

Connect: TypeAlias = Callable[[Clock], Backend]
"""Makes the backend of one simulated process. All that it makes have one store in common."""


class Damages(Protocol):
    """What a `cachekit.testing.backends.BackDoor` can do, as far as it is needed here."""

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        """Replace the bytes under `key` by what `change` makes of them."""
        ...


Expires: TypeAlias = Literal["clock", "world"]

HOUR: Final = 3600.0


class Packed(NamedTuple):
    """A `Write` as it travels: bytes instead of an entry."""

    key: str
    data: bytes | None
    keep: float | None
    expected: int | Condition
    announce: bool
    tells: bool = False
    """Whether the shore tells of it in the same step, if it is done."""


class Record(NamedTuple):
    """What must be under a key from `since` to `ends`, unless the store has lost it."""

    entry: Entry
    since: float
    ends: float


class Lurker(NamedTuple):
    """A write that was given up by its sender and is executed when it does most harm."""

    who: str
    write: Packed
    since: float


@dataclass(frozen=True)
class Setting:
    """What store a world has.

    `connect` makes a backend for each process, from the world's clock. `expires="world"` is for a
    store whose time is not that clock's: it is told to keep everything for an hour at least, and
    the shore deletes what is past its time as soon as anybody asks for it. Through the `back_door`
    bits are flipped. With `tiers`, processes have copies in front of their links: the shore tells
    what has changed, and what is read may be as old as the weather's `staleness`. With `homes`,
    each of those that the backend has is down, slow or started again by itself, too.
    """

    connect: Connect
    expires: Expires = "clock"
    back_door: Damages | None = None
    tiers: bool = False
    homes: bool = False


class Shore:
    """All that is done on the backends of one world, in order.

    `evicts`: whatever is there may be lost at any moment; `remembers`: so many changes it can tell.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        history: History,
        setting: Setting,
        *,
        evicts: bool,
        remembers: int = 100,
    ) -> None:
        self.stream = Stream(loop, remembers)
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.history = history
        self.setting = setting
        self.evicts = evicts
        self.backends: list[Backend] = []
        self.nodes: Nodes | None = None
        self.wrong: Callable[[str, str], None] = lambda key, what: None
        self.forbids: Callable[[bytes], bool] = lambda payload: False
        self._known: dict[str, Record] = {}
        self._replaced: dict[str, set[int]] = {}
        self._lurking: dict[str, list[Lurker]] = {}

    async def connect(self) -> Backend:
        """A backend for one more process, open."""
        backend = self.setting.connect(self.clock)
        if not any(backend is other for other in self.backends):
            self.backends.append(backend)
            await self.do(backend, backend.open())
            homes = backend.capability(HOMES)
            self.nodes = self.nodes or (None if homes is None else Nodes(homes))
        return backend

    @property
    def has_prefixes(self) -> bool:
        return self.backends[0].capability(FORGET_PREFIX) is not None

    async def close(self) -> None:
        """Close all backends, the dead processes' too."""
        while self.backends:
            backend = self.backends.pop()
            await self.do(backend, backend.close())

    async def do(self, backend: Backend, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` on a backend; for the world no time passes meanwhile."""
        return await work if _is_inline(backend) else await self.loop.really(work)

    def begin(self, backend: Backend, work: Coroutine[Any, Any, None]) -> None:
        """Like `do`, for those who cannot wait."""
        if _is_inline(backend):
            drive(work)
        else:
            self.loop.really(work)

    async def read(self, backend: Backend, keys: Sequence[str]) -> list[bytes | Unreached | None]:
        """The bytes under each key, as they travel."""
        await self._end(backend, keys)
        found = await backend.read(keys)
        return [self._seen(key, found.get(key)) for key in keys]

    def _seen(self, key: str, entry: Entry | Unreached | None) -> bytes | Unreached | None:
        if isinstance(entry, Unreached):
            return entry
        if entry is None:
            self._known.pop(key, None)
            return None
        if entry.version in self._replaced.get(key, ()):
            seen = self.history.describe(entry)
            self.wrong(key, f"the store gave back what was gone or past its time: {seen}")
        return pack(key, entry)

    async def write(self, backend: Backend, who: str, writes: Sequence[Packed]) -> list[Outcome]:
        """Apply writes, each if its condition holds."""
        outcomes = await self._apply(backend, who, writes)
        for write, outcome in zip(writes, outcomes, strict=True):
            if outcome is DONE and (write.announce or write.key.startswith("c:")):
                await self._wake(backend, write.key)
        return outcomes

    async def _apply(self, backend: Backend, who: str, writes: Sequence[Packed]) -> list[Outcome]:
        await self._end(backend, [write.key for write in writes])
        packed = [self._unpacked(write) for write in writes]
        for sent in packed:
            self._check_payload(sent)
        try:
            outcomes = await backend.write(packed)
        except Exception:
            for write in writes:
                self._known.pop(write.key, None)
            raise
        for write, sent, outcome in zip(writes, packed, outcomes, strict=True):
            self._note(who, write, sent.entry, done=outcome is DONE)
            if write.tells and outcome is DONE:
                self.stream.tell(KEY, write.key)
        return list(outcomes)

    def _unpacked(self, write: Packed) -> Write:
        entry = None if write.data is None else unpack(write.key, write.data, self.clock)
        if entry is not None and write.keep is not None:
            lasts = HOUR if self.setting.expires == "world" else 0.0
            entry.keep = max(write.keep, lasts)
        return Write(write.key, entry, write.expected, write.announce)

    async def _end(self, backend: Backend, keys: Iterable[str]) -> None:
        """Forget what is past its time; delete it, if the store has another time."""
        for key in keys:
            record = self._known.get(key)
            if record is not None and record.ends <= self.clock.monotonic():
                del self._known[key]
                self._replaced.setdefault(key, set()).add(record.entry.version)
                if self.setting.expires == "world":
                    await backend.write([Write(key, None, record.entry.version)])

    def entry(self, key: str) -> Entry | None:
        """What must be under `key`, if the store has not lost it."""
        record = self._known.get(key)
        return None if record is None or record.ends <= self.clock.monotonic() else record.entry

    def since(self, key: str) -> float:
        """Since when it has been there."""
        return self._known[key].since

    async def left(self, kind: Kind, keys: Sequence[str]) -> dict[str, int]:
        """The versions of those of `keys` under which the store has an entry of that kind."""
        backend = self.backends[0]
        await self.do(backend, self._end(backend, keys))
        found = await self.do(backend, backend.read(keys))
        return {key: entry.version for key, entry in found.items() if entry.kind is kind}

    def lurk(self, who: str, write: Packed, after: float) -> None:
        """Execute `write` once, some time after someone has forgotten or replaced its key.

        That is `after` seconds from now at the earliest.
        """
        since = self.clock.monotonic() + after
        self._lurking.setdefault(write.key, []).append(Lurker(who, write, since))

    async def _wake(self, backend: Backend, key: str) -> None:
        """A key was forgotten or replaced: the last of those who lurk there may strike.

        Who has a condition comes first: it seldom holds.
        """
        now = self.clock.monotonic()
        lurking = reversed(self._lurking.get(key, ()))
        for lurker in sorted(lurking, key=lambda lurker: lurker.write.expected is ANY):
            if lurker.since <= now and self._lets_in(lurker.write):
                self._lurking[key].remove(lurker)
                await self._strike(backend, lurker)
                return

    def _lets_in(self, write: Packed) -> bool:
        there = self.entry(write.key)
        if isinstance(write.expected, Condition):
            return write.expected is ANY or there is None or self.evicts
        return there is not None and there.version == write.expected

    async def _strike(self, backend: Backend, lurker: Lurker) -> None:
        self.history.covered["late writes executed"] += 1
        self._say("is struck by a late write:", lurker.write.key)
        if lurker.write.expected is ABSENT and self.entry(lurker.write.key) is not None:
            await self._lose(backend, lurker.write.key)
        await self._apply(backend, lurker.who, [lurker.write])

    async def forget_prefix(
        self, backend: Backend, who: str, prefixes: Sequence[str], *, tells: bool = False
    ) -> Outcome:
        """Delete every key that starts with one of `prefixes`."""
        able = backend.capability(FORGET_PREFIX)
        assert able is not None
        outcome = await able.forget_prefix(prefixes)
        for key in [key for key in self._known if key.startswith(tuple(prefixes))]:
            self._note(who, Packed(key, None, None, ANY, True), None, done=outcome is DONE)
            await self._wake(backend, key)
        for prefix in prefixes if tells and outcome is DONE else ():
            self.stream.tell(PREFIX, prefix)
        return outcome

    def _note(self, who: str, write: Packed, entry: Entry | None, *, done: bool) -> None:
        there = self.entry(write.key)
        for name in _covers(write, entry, there, done):
            self.history.covered[name] += 1
        if done:
            self._check_condition(write, there)
            self._know(write, entry)
        what = f"stores {self.history.describe(entry)}" if entry else "deletes"
        condition = self._condition(write.expected)
        over = f"{'done' if done else 'REFUSED'}, over {self.history.describe(there)}"
        self.history.add(self._now(), who, what, short(write.key), f"[{condition}] {over}")

    def _check_payload(self, write: Write) -> None:
        entry = write.entry
        if entry is not None and entry.kind is Kind.VALUE and self.forbids(entry.payload or b""):
            self.wrong(write.key, f"what is private is stored: {self.history.describe(entry)}")

    def _check_condition(self, write: Packed, there: Entry | None) -> None:
        expected = write.expected
        if isinstance(expected, int) and there is not None and there.version != expected:
            seen = self.history.describe(there)
            self.wrong(write.key, f"the store did a write {self._condition(expected)} over {seen}")

    def _know(self, write: Packed, entry: Entry | None) -> None:
        there = self._known.get(write.key)
        replaced = self._replaced.setdefault(write.key, set())
        if there is not None:
            replaced.add(there.entry.version)
        if entry is None:
            self._known.pop(write.key, None)
        else:
            replaced.discard(entry.version)
            ends = inf if write.keep is None else self._now() + write.keep
            same = there is not None and there.entry.version == entry.version
            since = there.since if there is not None and same else self._now()
            self._known[write.key] = Record(entry, since, ends)

    def _now(self) -> float:
        return self.clock.monotonic()

    def _condition(self, expected: int | Condition) -> str:
        if isinstance(expected, Condition):
            return "" if expected is ANY else "if absent"
        return f"if {self.history.name(expected)}"

    async def evict(self, rng: random.Random, prefix: str) -> None:
        """Lose one random key of those that start with `prefix`."""
        keys = [key for key in self._known if key.startswith(prefix) and self.entry(key)]
        if keys:
            backend = self.backends[0]
            await self.do(backend, self._lose(backend, rng.choice(keys)))

    async def corrupt(self, rng: random.Random) -> None:
        """Spoil one random entry."""
        key = rng.choice(list(self._known) or [""])
        if key and self.setting.back_door is not None and self.entry(key) is not None:
            self.setting.back_door.damage(key, partial(_flipped, rng))
            del self._known[key]
            self.history.covered["corrupted entries"] += 1
            self._say("corrupted", key)

    async def flush(self, rng: random.Random, restarts: float) -> None:
        """Lose everything, as a restart does."""
        backend = self.backends[0]
        writes = [Write(key, None) for key in self._known]
        await self.do(backend, backend.write(writes))
        self._known.clear()
        self.history.covered["flushes"] += 1
        what = self.stream.lose(rng, restarts) if self.setting.tiers else "FLUSHED"
        self.history.add(self._now(), "-", what, EVERYWHERE)

    async def empty(self, nodes: Nodes, node: Node) -> None:
        """One home loses everything, as a restart of it does."""
        backend = self.backends[0]
        keys = [key for key in self._known if nodes.of(key) is node]
        await self.do(backend, backend.write([Write(key, None) for key in keys]))
        for key in keys:
            del self._known[key]

    async def _lose(self, backend: Backend, key: str) -> None:
        entry = self.entry(key)
        await backend.write([Write(key, None)])
        self._known.pop(key, None)
        if entry is not None:
            kind = "claims" if key.startswith("c:") else _PLURALS[entry.kind]
            self.history.covered[f"evicted {kind}"] += 1
        self._say("evicted", key)

    def _say(self, what: str, key: str) -> None:
        self.history.add(self._now(), "-", what, short(key))


_PLURALS: Final = {
    Kind.VALUE: "values",
    Kind.STUB: "stubs",
    Kind.PASS: "passes",
    Kind.TAG: "tags",
}


def shared(connect: Connect) -> Connect:
    """One backend that all processes hold: a store in memory, say."""
    made: list[Backend] = []

    def share(clock: Clock) -> Backend:
        if not made:
            made.append(connect(clock))
        return made[0]

    return share


def _flipped(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def _is_inline(backend: Backend) -> bool:
    local = backend.capability(LOCAL)
    return local is not None and not local.suspends


def _covers(write: Packed, entry: Entry | None, there: Entry | None, done: bool) -> list[str]:
    if entry is None:
        return []
    claim = write.key.startswith("c:")
    if not isinstance(write.expected, int):
        return ["claims"] if claim and done else ["refused claims"] if claim else []
    if entry.kind is Kind.VALUE and not done:
        return ["refused fills"]
    if not done or there is None:
        return []
    if entry.version == there.version:
        return ["touches" if entry.kind is Kind.VALUE else "renewals"]
    if entry.kind is Kind.STUB:
        return ["take-overs of claims" if claim else "take-overs"]
    if entry.kind is Kind.PASS:
        return ["passes beside values" if claim else "passes"]
    return ["refreshes"] if there.kind is Kind.VALUE else []
