"""The store that the simulation brings along: the reference backend, in this very process."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from cachekit.backend import FORGET_PREFIX, HOMES, LOCAL, C, Capability, offer
from cachekit.clock import Clock
from cachekit.keys import home_in
from cachekit.testing.reference import Records, ReferenceBackend
from cachekit.testing.simulation.shore import Setting


class ByteStore(ReferenceBackend):
    """One that says what it is: local, and it never suspends."""

    suspends = False

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {LOCAL: self, FORGET_PREFIX: self}
        return offer(wanted, having)


class RecordsDoor:
    """Into the records of a `ReferenceBackend`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        data, ends = self._records[key]
        self._records[key] = change(data), ends


def in_bytes() -> Setting:
    """A store of bytes, without an end and without faults of its own."""
    records: Records = {}
    return Setting(lambda clock: ByteStore(clock, records), back_door=RecordsDoor(records))


class HomesStore(ByteStore):
    """One that has homes: a key lives at the one of its hash. Not each can forget by prefix."""

    def __init__(
        self, clock: Clock, records: Records, homes: Sequence[str], *, prefixes: bool
    ) -> None:
        super().__init__(clock, records)
        self._homes = homes
        self._prefixes = prefixes

    def home(self, key: str) -> str:
        """A value and the claim on it are alike but for the first letter."""
        digest = blake2b(key[1:].encode(), digest_size=8).digest()
        return home_in(key) or self._homes[int.from_bytes(digest) % len(self._homes)]

    def homes(self) -> Sequence[str]:
        return self._homes

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {LOCAL: self, HOMES: self}
        if self._prefixes:
            having[FORGET_PREFIX] = self
        return offer(wanted, having)


def at_homes(homes: Sequence[str], *, prefixes: bool = False) -> Setting:
    """The same with homes, each of which may fail by itself."""
    records: Records = {}

    def connect(clock: Clock) -> HomesStore:
        return HomesStore(clock, records, homes, prefixes=prefixes)

    return Setting(connect, back_door=RecordsDoor(records), homes=True)
