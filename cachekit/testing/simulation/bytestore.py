"""The store that the simulation brings along: bytes in a dict, each until its time is up."""

import random
from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple

from cachekit.backend import (
    ANY,
    DONE,
    FORGET_PREFIX,
    LOCAL,
    REFUSED,
    Backend,
    C,
    Capability,
    Condition,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.errors import UnreadableError


class Record(NamedTuple):
    """What is under a key until `ends`, on the monotonic clock."""

    data: bytes
    ends: float


class ByteStore(Backend):
    """Every write is atomic, nothing suspends, and nothing is ever evicted."""

    suspends = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[str, Record] = {}

    async def read(self, keys: Sequence[str]) -> Found:
        looked = [(key, self._entry(key)) for key in keys]
        return {key: entry for key, entry in looked if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [self._write(write) for write in writes]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        for key in [key for key in self._records if key.startswith(tuple(prefixes))]:
            del self._records[key]
        return DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {LOCAL: self, FORGET_PREFIX: self}
        return offer(wanted, having)

    def corrupt(self, key: str, rng: random.Random) -> None:
        """Flip a bit of what is under `key`."""
        data, ends = self._records[key]
        at = rng.randrange(len(data))
        torn = data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]
        self._records[key] = Record(torn, ends)

    def _entry(self, key: str) -> Entry | None:
        record = self._records.get(key)
        if record is None or record.ends <= self._clock.monotonic():
            return None
        try:
            return unpack(key, record.data, self._clock)
        except UnreadableError:
            return None

    def _write(self, write: Write) -> Outcome:
        if not _holds(write.expected, self._entry(write.key)):
            return REFUSED
        if write.entry is None:
            self._records.pop(write.key, None)
        else:
            keep = inf if write.entry.keep is None else write.entry.keep
            ends = self._clock.monotonic() + keep
            self._records[write.key] = Record(pack(write.key, write.entry), ends)
        return DONE


def _holds(expected: int | Condition, there: Entry | None) -> bool:
    if isinstance(expected, Condition):
        return expected is ANY or there is None
    return there is not None and there.version == expected
