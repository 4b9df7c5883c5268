"""The store that the simulation brings along: the reference backend, in this very process."""

from collections.abc import Callable
from typing import Any

from cachekit.backend import FORGET_PREFIX, LOCAL, C, Capability, offer
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
