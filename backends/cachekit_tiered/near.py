"""What is kept in this process, and whether it may be kept."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from zlib import crc32

from cachekit.backend import DONE, FORGET_PREFIX, Backend, Found, Outcome, Write, drive
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind

_STRIPES: Final = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What is left out: seconds that a copy is served at most, and bytes of a payload."""

    ttl: float
    size: int


class Moment(NamedTuple):
    """The generations of some keys, and when they were so."""

    time: float
    all: int
    of: Mapping[str, int]


class Near:
    """Copies of entries of another store.

    R16: what was seen there may be put here only if nothing has moved since before it was asked
    for. Each key has a generation, shared with some others, and whatever may have changed the key
    moves it. To compare it, to put the copy and to link that to the records of its tags is one
    step under a lock.

    `longest` is how many seconds after it was asked for a copy may serve, where nobody tells of
    changes.
    """

    def __init__(self, backend: Backend, limits: Limits, clock: Clock) -> None:
        self.longest: float | None = None
        self._backend = backend
        self._limits = limits
        self._now = clock.monotonic
        self._all = 0
        self._of = [0] * _STRIPES
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """What was asked for before is not kept.

        R12: in the child of a fork the lock may be held by a thread of the parent.
        """
        self._lock = threading.RLock()
        self._all += 1
        self.lift_fences()

    def moment(self, keys: Iterable[str]) -> Moment:
        """What `keys` have to be at when something of them is put: call it before they are read."""
        all_now, of = self._all, self._of
        return Moment(self._now(), all_now, {key: of[_stripe(key)] for key in keys})

    def keep(self, found: Found, moment: Moment) -> None:
        """Keep what was found by who asked at that `moment`."""
        kept = [
            (key, entry)
            for key, entry in found.items()
            if isinstance(entry, Entry) and self._may_stay(entry, found)
        ]
        with self._lock:
            self._put([(key, entry) for key, entry in kept if self._stands(key, moment)], moment)

    def _may_stay(self, entry: Entry, found: Found) -> bool:
        """Where nobody tells of changes, a record counts from when it was read: with the value."""
        return self.longest is None or all(isinstance(found.get(tag), Entry) for tag in entry.tags)

    def settle(self, writes: Sequence[Write], outcomes: Sequence[Outcome], moment: Moment) -> None:
        """Drop what was to be changed, and keep what took its place.

        Without outcomes nobody knows what is there.
        """
        done = {
            write.key: write.entry
            for write, outcome in zip(writes, outcomes, strict=False)
            if outcome is DONE
        }
        with self._lock:
            standing = [
                (key, entry)
                for key, entry in done.items()
                if entry is not None and self._stands(key, moment)
            ]
            self._drop(dict.fromkeys(write.key for write in writes))
            if self.longest is None:
                self._put(standing, moment)

    def forget(self, keys: Iterable[str], prefixes: Iterable[str]) -> None:
        """These have changed, or may have."""
        with self._lock:
            self._drop(dict.fromkeys(keys))
            self._drop_prefixes(list(prefixes))

    def fence(self, keys: Sequence[str], prefixes: Sequence[str]) -> None:
        """The store may have these for a while, though they were to be forgotten.

        R17: what is sent from now on may have been asked for before, and would bring them here.
        """
        with self._lock:
            self._fenced.update(_stripe(key) for key in keys)
            self._all_fenced |= bool(prefixes)
            self.forget(keys, prefixes)

    def lift_fences(self) -> None:
        """By now it has forgotten them."""
        self._fenced = set[int]()
        self._all_fenced = False

    def forget_all(self) -> None:
        """Everything may have changed."""
        self.forget((), ("",))

    def _stands(self, key: str, moment: Moment) -> bool:
        if self._all_fenced or (self._fenced and _stripe(key) in self._fenced):
            return False
        return self._all == moment.all and self._of[_stripe(key)] == moment.of.get(key)

    def _drop(self, keys: Iterable[str]) -> None:
        writes = [Write(key, None) for key in keys]
        for write in writes:
            self._of[_stripe(write.key)] += 1
        if writes:
            drive(self._backend.write(writes))

    def _drop_prefixes(self, prefixes: Sequence[str]) -> None:
        able = self._backend.capability(FORGET_PREFIX)
        if prefixes and able is not None:
            self._all += 1
            drive(able.forget_prefix(prefixes))

    def _put(self, entries: Sequence[tuple[str, Entry]], moment: Moment) -> None:
        """Records first: a value is linked to those that are there when it is put."""
        records = [
            Write(key, self._record(entry, moment))
            for key, entry in entries
            if entry.kind is Kind.TAG
        ]
        values = [
            Write(key, copy)
            for key, entry in entries
            if (copy := self._copy(entry, moment)) is not None
        ]
        if records or values:
            drive(self._backend.write([*records, *values]))

    def _record(self, entry: Entry, moment: Moment) -> Entry:
        """A record of its own: the one that was read may be given to others."""
        left = None if self.longest is None else moment.time + self.longest - self._now()
        return Entry(Kind.TAG, entry.version, keep=left)

    def _copy(self, entry: Entry, moment: Moment) -> Entry | None:
        """What is kept of a value, `None` if it is to be left out."""
        payload, now = entry.payload, self._now()
        if entry.kind is not Kind.VALUE or payload is None or entry.skip_l1:
            return None
        if len(payload) > self._limits.size or now >= entry.fresh_until:
            return None
        return self._cut(entry.twin(), now, moment)

    def _cut(self, copy: Entry, now: float, moment: Moment) -> Entry | None:
        """It ends here before it does there; who comes later asks there."""
        end = now + self._limits.ttl
        if self.longest is not None:
            end = min(end, moment.time + self.longest)
        usable = copy.fresh_until + max(copy.stale_while_revalidate, copy.stale_if_error)
        if end < usable:
            usable = copy.fresh_until = copy.serves_until = min(copy.fresh_until, end)
            copy.stale_while_revalidate = copy.stale_if_error = copy.load_time = 0.0
        copy.keep = usable - now
        return copy if copy.keep > 0.0 else None


def _stripe(key: str) -> int:
    """Alike in every process, so that a simulation can be run again."""
    return crc32(key.encode("utf-8", "surrogatepass")) % _STRIPES
