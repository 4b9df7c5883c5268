"""Bytes that a store gave, as entries; for backends that keep bytes."""

import logging
from typing import Final

from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.envelope import unpack
from cachekit.errors import UnreadableError

log: Final = logging.getLogger("cachekit")

_REMEMBERED: Final = 4096
"""So many entries at most are remembered."""

_SMALL: Final = 1024
"""Up to so many bytes they are."""


class Decoding:
    """Entries out of bytes, of which the first `skip` are not theirs.

    What small bytes under a key were the last time is remembered, since a key that is in use gives
    the same ones again and again, and to compare them costs far less than to read them.
    `unreadable` counts the bytes that were no entry of their key.
    """

    def __init__(self, clock: Clock, skip: int = 0) -> None:
        self.unreadable = 0
        self._clock = clock
        self._skip = skip
        self._known: dict[str, tuple[bytes, Entry]] = {}

    def entry(self, key: str, data: bytes, time: float, now: float) -> Entry | None:
        """What `data` is under `key`; `time` and `now` are the two clocks."""
        before = self._known.get(key)
        if before is not None and before[0] == data:
            return before[1].dated(time, now)
        try:
            entry = unpack(key, data[self._skip :], self._clock)
        except UnreadableError as error:
            self._note(error)
            return None
        if len(data) <= _SMALL:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            self._known[key] = data, entry
        return entry

    def version(self, key: str, data: bytes) -> int | None:
        """That of the entry which `data` is under `key`, `None` if it is none."""
        try:
            return unpack(key, data[self._skip :], self._clock).version
        except UnreadableError:
            return None

    def forget(self) -> None:
        """Remember nothing."""
        self._known.clear()

    def _note(self, error: UnreadableError) -> None:
        if not self.unreadable:
            log.warning("what a store holds cannot be read, and counts as absent: %s", error)
        self.unreadable += 1
