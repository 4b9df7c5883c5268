"""What answers to reads are: entries, nothing, or something that cannot be read."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hiredis import ReplyError

from cachekit.backend import Unreached
from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.envelope import unpack
from cachekit.errors import UnreadableError
from cachekit_redis.life import SIZE
from cachekit_redis.servers import Answer

log: Final = logging.getLogger("cachekit")

_REMEMBERED: Final = 4096
"""So many entries at most are remembered."""

_SMALL: Final = 1024
"""Up to so many bytes they are."""


class Reading:
    """Entries out of answers. `unreadable` counts the bytes that were none.

    What small bytes under a key were the last time is remembered, since a key that is in use gives
    the same ones again and again, and to compare them costs far less than to read them.
    """

    def __init__(self, clock: Clock) -> None:
        self.unreadable = 0
        self._clock = clock
        self._known: dict[str, tuple[bytes, bytes, Entry]] = {}

    def entries(
        self, keys: Iterable[str], answers: Iterable[Answer]
    ) -> tuple[dict[str, Entry | Unreached], list[str]]:
        """What was found under `keys`, and under which of them are bytes that cannot be read."""
        found: dict[str, Entry | Unreached] = {}
        broken: list[str] = []
        known = self._known
        time, now = self._clock.time(), self._clock.monotonic()
        for key, (data, life) in zip(keys, answers, strict=True):
            if data is None:
                continue
            before = known.get(key)
            if before is not None and before[0] == data and before[1] == life:
                found[key] = before[2].dated(time, now)
            elif isinstance(data, Exception):
                if not _is_no_string(data):
                    found[key] = Unreached(data)
            elif data[:SIZE] == life:
                try:
                    found[key] = self._entry(key, data, life)
                except UnreadableError as error:
                    self._note(error)
                    broken.append(key)
        return found, broken

    def _entry(self, key: str, data: bytes, life: bytes) -> Entry:
        """What is in `data` behind the life; raises `UnreadableError`."""
        entry = unpack(key, data[SIZE:], self._clock)
        if len(data) <= _SMALL:
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            self._known[key] = data, life, entry
        return entry

    def forget(self) -> None:
        """Remember nothing."""
        self._known.clear()

    def reads(self, key: str, data: bytes, life: bytes) -> bool:
        """Whether `data` is an entry of `key`."""
        if data[:SIZE] != life:
            return False
        try:
            unpack(key, data[SIZE:], self._clock)
        except UnreadableError:
            return False
        return True

    def _note(self, error: UnreadableError) -> None:
        if not self.unreadable:
            log.warning("what a store holds cannot be read, and counts as absent: %s", error)
        self.unreadable += 1


def in_doubt(keys: Sequence[str], found: Mapping[str, Entry | Unreached]) -> list[str]:
    """Those of `keys` that are records of tags of what was found, and do not hold as they are.

    Servers that are asked at once do not answer at once: such a record may be made, or renewed,
    after it was read and before an entry that carries it was.
    """
    asked = set(keys)
    doubts: dict[str, None] = {}
    for entry in found.values():
        if isinstance(entry, Entry):
            for tag, version in entry.tags.items():
                if tag in asked and not _holds(found.get(tag), version):
                    doubts[tag] = None
    return list(doubts)


def _holds(record: Entry | Unreached | None, version: int) -> bool:
    """Whether it has this version, or was not reached, which another read does not mend."""
    return isinstance(record, Unreached) or (record is not None and record.version == version)


def _is_no_string(error: Exception) -> bool:
    """Somebody keeps something else under our name: as absent as what cannot be read."""
    return isinstance(error, ReplyError) and str(error).startswith("WRONGTYPE")
