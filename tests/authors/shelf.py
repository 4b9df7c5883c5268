"""A backend whose store is a dict of bytes, for tests of what `BytesBackend` makes of it."""

from collections.abc import Mapping, Sequence
from math import inf

from cachekit.backend import ANY, Condition, Unreached, Write
from cachekit.bytes_backend import BytesBackend, Expected, meets
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.testing import FakeClock

Table = dict[str, tuple[bytes, float]]


class ShelfBackend(BytesBackend):
    """Keeps bytes in `table`. Keys in `silent` are `Unreached`, those in `broken` raise."""

    def __init__(self, clock: Clock | None = None, table: Table | None = None) -> None:
        self.clock = clock or FakeClock()
        self.table: Table = {} if table is None else table
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.tries: list[tuple[str, Expected]] = []

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes | Unreached]:
        found = {key: self.bytes_of(key) for key in keys}
        there = {key: data for key, data in found.items() if data is not None}
        return {
            **there,
            **{key: Unreached(OSError("silent")) for key in self.silent & found.keys()},
        }

    async def put_if(
        self, key: str, data: bytes | None, keep: float | None, expected: Expected
    ) -> bool:
        self.tries.append((key, expected))
        if key in self.broken:
            raise OSError(f"broken: {key}")
        if not meets(expected, self.bytes_of(key)):
            return False
        self.table.pop(key, None)
        if data is not None:
            self.table[key] = data, inf if keep is None else self.clock.monotonic() + keep
        return True

    def bytes_of(self, key: str) -> bytes | None:
        """What is under `key` now."""
        data, ends = self.table.get(key, (None, -inf))
        return data if self.clock.monotonic() < ends else None

    def damage(self, key: str) -> None:
        """Lose the end of what is under `key`."""
        data, ends = self.table[key]
        self.table[key] = data[:-1], ends


def stub(version: int = 1, keep: float | None = 10.0) -> Entry:
    """The simplest thing to store."""
    return Entry(Kind.STUB, version=version, keep=keep)


def putting(key: str, version: int = 1, expected: int | Condition = ANY) -> Write:
    """A write of a stub."""
    return Write(key, stub(version), expected)
