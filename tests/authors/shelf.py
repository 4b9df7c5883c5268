"""A backend whose store is a dict of bytes, for tests of what `BytesBackend` makes of it."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from cachekit.backend import ANY, Condition, Unreached, Write
from cachekit.bytes_backend import BytesBackend, Put
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.testing import FakeClock

Table = dict[str, tuple[bytes, float]]

SILENT: Final = Unreached(OSError("silent"))


class ShelfBackend(BytesBackend):
    """Keeps bytes in `table`. Keys in `silent` are `Unreached`; `broken`: each operation raises.

    `puts` has all that was to be put, batch by batch.
    """

    def __init__(self, clock: Clock | None = None, table: Table | None = None) -> None:
        self.clock = clock or FakeClock()
        self.table: Table = {} if table is None else table
        self.silent: set[str] = set()
        self.broken = False
        self.puts: list[Sequence[Put]] = []

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes | Unreached]:
        self._break()
        found = {key: self.bytes_of(key) for key in keys}
        there = {key: data for key, data in found.items() if data is not None}
        return {**there, **dict.fromkeys(self.silent & found.keys(), SILENT)}

    async def put_many(self, puts: Sequence[Put]) -> Sequence[bool | Unreached]:
        self.puts.append(puts)
        self._break()
        return [SILENT if put.key in self.silent else self._put(put) for put in puts]

    def _put(self, put: Put) -> bool:
        if not put.replaces(self.bytes_of(put.key)):
            return False
        self.table.pop(put.key, None)
        if put.data is not None:
            ends = inf if put.keep is None else self.clock.monotonic() + put.keep
            self.table[put.key] = put.data, ends
        return True

    def _break(self) -> None:
        if self.broken:
            raise OSError("broken")

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
