"""Bytes that a store gave, as entries; for backends that keep bytes."""

import logging
from collections.abc import Iterable
from typing import Final

from cachekit.backend import Unreached
from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.envelope import unpack
from cachekit.errors import UnreadableError
from cachekit.remembered import Remembered

log: Final = logging.getLogger("cachekit")

SMALL: Final = 1024
"""Up to so many bytes are remembered."""

_SAME: Final = 0.05
"""Seconds that two clocks may come apart, or together, and nothing was set: they are read one after
the other, and some tick that rarely."""


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
        self._remembered: Remembered[str, tuple[bytes, Entry, float]] = Remembered()
        self._apart = 0.0

    def take(
        self,
        answers: Iterable[tuple[str, bytes | None]],
        found: dict[str, Entry | Unreached],
        broken: list[str],
    ) -> None:
        """Put the entry of each key into `found`, or the key into `broken`: it cannot be read."""
        self._look_at_clocks()
        known = self._remembered.known
        for key, data in answers:
            before = known.get(key)
            if before is not None and before[0] == data:
                found[key] = entry = before[1]
                entry.fresh_until = entry.serves_until = before[2]  # whatever a reader did to it
                entry.again += 1
            elif data is not None and (read := self._read(key, data)):
                found[key] = read
            elif data is not None:
                broken.append(key)

    def _look_at_clocks(self) -> None:
        """Until when a known entry is fresh was told by both: it is not known where one was set."""
        apart = self._clock.monotonic() - self._clock.time()
        if abs(apart - self._apart) > _SAME:
            self._remembered.forget()
            self._apart = apart

    def _read(self, key: str, data: bytes) -> Entry | None:
        try:
            entry = unpack(key, data[self._skip :], self._clock)
        except UnreadableError as error:
            self._note(error)
            return None
        if len(data) <= SMALL and entry.born <= self._clock.time():  # else its end moves, still
            self._remembered.put(key, (data, entry, entry.fresh_until))
        return entry

    def version(self, key: str, data: bytes) -> int | None:
        """That of the entry which `data` is under `key`, `None` if it is none."""
        try:
            return unpack(key, data[self._skip :], self._clock).version
        except UnreadableError:
            return None

    def forget(self) -> None:
        """Remember nothing."""
        self._remembered.forget()

    def _note(self, error: UnreadableError) -> None:
        if not self.unreadable:
            log.warning("what a store holds cannot be read, and counts as absent: %s", error)
        self.unreadable += 1
