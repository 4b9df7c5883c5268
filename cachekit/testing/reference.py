"""What every backend must do, as plainly as it can be said."""

from collections.abc import Sequence
from math import inf

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    FORGET_PREFIX,
    REFUSED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.errors import UnreadableError

Records = dict[str, tuple[bytes, float]]


class ReferenceBackend(Backend):
    """A dict of bytes, without bounds: the backend that others are compared with.

    `records` maps each key to its bytes and the moment, on `clock.monotonic()`, from which they
    are past their time. Backends that are given the same `records` share a store.
    """

    def __init__(self, clock: Clock = SYSTEM, records: Records | None = None) -> None:
        self.clock = clock
        self.records: Records = {} if records is None else records

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {FORGET_PREFIX: self})

    async def read(self, keys: Sequence[str]) -> Found:
        looked = [(key, self._look(key)) for key in keys]
        return {key: entry for key, entry in looked if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [self._write(write) for write in writes]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        for key in list(self.records):
            if key.startswith(tuple(prefixes)):
                del self.records[key]
        return DONE

    def _look(self, key: str) -> Entry | None:
        data, ends = self.records.get(key, (b"", -inf))
        if self.clock.monotonic() >= ends:
            return None
        try:
            return unpack(key, data, self.clock)
        except UnreadableError:
            return None

    def _write(self, write: Write) -> Outcome:
        if not _meets(write, self._look(write.key)):
            return REFUSED
        if write.entry is None:
            self.records.pop(write.key, None)
        else:
            keep = inf if write.entry.keep is None else write.entry.keep
            data = pack(write.key, write.entry)
            self.records[write.key] = data, self.clock.monotonic() + keep
        return DONE


def _meets(write: Write, found: Entry | None) -> bool:
    if write.expected is ANY:
        return True
    if write.expected is ABSENT:
        return found is None
    return found is not None and found.version == write.expected
