"""The tag records: the current version of each tag, changed in place."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from gc import is_tracked
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from cachekit.entry import Entry, new_version
from cachekit_memory.garbage import let_go, let_go_of

T = TypeVar("T")

HELD: Final = 10_000
"""So many records, those written or read last, are held even if no entry names them yet."""

SHARED: Final = 1000
"""So much of what entries carry is remembered, and its records, for others that carry the same."""


class TagRecords:
    """The live records, each under its key for as long as something names it.

    Entries hold the records of their tags themselves, so that a version changed here is seen by
    all of them at once, and a record that no entry names goes away by itself. Between the read of
    a tag and the write of what carries it nothing names it yet: the last `HELD` stay.
    """

    def __init__(self) -> None:
        self._records: WeakValueDictionary[str, Entry] = WeakValueDictionary()
        self._held: OrderedDict[Entry, None] = OrderedDict()
        self._shared: dict[Hashable, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._records))

    def get(self, key: str, now: float) -> Entry | None:
        """The live record; one that is past its time is killed here."""
        record = self._records.get(key)
        if record is not None and now >= record.fresh_until:
            self.kill(key)
            return None
        return record

    def among(self, keys: Iterable[str], now: float) -> Mapping[str, Entry]:
        """The live records under `keys`; what is missing is left out."""
        found = ((key, self.get(key, now)) for key in keys)
        return {key: record for key, record in found if record is not None}

    def share(self, entry: Entry) -> None:
        """Give a linked entry the very objects that others have which carry the same.

        Objects of its own would be work for the garbage collector as long as the entry lives.
        """
        if entry.tags:
            links = tuple(self._same(link, link) for link in entry.links)
            carried = (tuple(entry.tags), links)
            entry.tags, entry.links = self._same(carried, (entry.tags, links))
            for tie in filter(is_tracked, (entry.links, *entry.links)):
                let_go(tie)

    def hold(self, record: Entry) -> None:
        """Keep a record that something is about to name; one read often takes one place."""
        self._held[record] = None
        self._held.move_to_end(record)
        if len(self._held) > HELD:
            self._held.popitem(last=False)

    def put(self, key: str, entry: Entry, now: float, deadline: float) -> None:
        """Give the live record the version of `entry`; if there is none, `entry` becomes it."""
        record = self.get(key, now)
        if record is None:
            entry.fresh_until = deadline  # first: a signal handler may look at it at once
            let_go_of(entry)
            record = self._records.setdefault(key, entry)
        record.version = entry.version
        record.fresh_until = deadline
        self.hold(record)

    def kill(self, key: str) -> None:
        """Drop the record, and make invalid whatever still holds it.

        Its version becomes a new one that nothing carries: a fixed one could be copied by who had
        just read the record, and would then match wherever it stands for a missing record.
        """
        record = self._records.pop(key, None)
        if record is not None:
            record.version = new_version()

    def clear(self) -> None:
        """Kill them all."""
        for key in self:
            self.kill(key)
        self._held.clear()
        self._shared.clear()

    def _same(self, known_by: Hashable, new: T) -> T:
        if len(self._shared) >= SHARED:
            self._shared.clear()
        same: T = self._shared.setdefault(known_by, new)
        return same
