"""Which version each tag was last seen with, and since when (R7)."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cachekit.entry import TAG, Entry

REMEMBERED: Final = 10_000
"""So many tags; one that is forgotten costs a load, no more."""


class Sightings:
    """The tags of one cache, by store key. Moments are numbers that only grow."""

    def __init__(self) -> None:
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Nothing was seen yet (R12)."""
        self._lock = threading.RLock()
        self._seen: dict[str, tuple[int, int]] = {}
        self.moment = 0

    def note(self, found: Mapping[str, Any]) -> None:
        """Something was read: remember the versions of the tag records in it."""
        records = [
            (key, entry.version)
            for key, entry in found.items()
            if isinstance(entry, Entry) and entry.kind is TAG
        ]
        if records:
            with self._lock:
                self._note(records)

    def _note(self, records: Iterable[tuple[str, int]]) -> None:
        self.moment += 1
        for tag, version in records:
            known = self._seen.pop(tag, None)
            since = known[1] if known is not None and known[0] == version else self.moment
            self._seen[tag] = (version, since)  # the last seen are the last to go
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def held_since(self, moment: int, versions: Mapping[str, int]) -> bool:
        """Whether each tag was seen with this version by that moment."""
        with self._lock:
            return all(
                tag in self._seen and self._seen[tag][0] == version and self._seen[tag][1] <= moment
                for tag, version in versions.items()
            )
