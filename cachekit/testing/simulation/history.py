"""What happened in a run: to be shown when something is wrong, and to be the same in a replay."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from cachekit.entry import Entry, Kind

EVERYWHERE: Final = "*"
"""The key of what concerns all keys: a flush, a crash, a `clear`."""

LONGEST: Final = 150


class Event(NamedTuple):
    """One line: when, who, what, to which key or tag, and the rest."""

    at: float
    who: str
    what: str
    key: str
    rest: str

    def __str__(self) -> str:
        return f"{self.at:10.4f}  {self.who:<3} {self.key:<4} {self.what} {self.rest}".rstrip()


class History:
    """The events of a run in order, and how often each thing of interest was covered."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.covered: Counter[str] = Counter()
        self._names: dict[int, str] = {}

    def add(self, at: float, who: str, what: str, key: str, rest: str = "") -> None:
        self.events.append(Event(at, who, what, key, rest))

    def name(self, version: int) -> str:
        """A short name for a random version, the same whenever the seed is run again."""
        return self._names.setdefault(version, f"#{len(self._names) + 1}")

    def describe(self, entry: Entry | None) -> str:
        """An entry as the history shows it: `value #7 k1@12/40 t0#3`."""
        if entry is None:
            return "nothing"
        value = f" {entry.payload.decode()}" if entry.kind is Kind.VALUE and entry.payload else ""
        tags = "".join(f" {short(tag)}{self.name(v)}" for tag, v in entry.tags.items())
        return f"{entry.kind.name.lower()} {self.name(entry.version)}{value}{tags}"

    def of(self, keys: Iterable[str]) -> str:
        """The end of the history of some keys and tags, as text."""
        wanted = {*keys, EVERYWHERE}
        lines = list(_collapsed(event for event in self.events if event.key in wanted))
        left_out = [f"... {len(lines) - LONGEST} earlier ones"] if len(lines) > LONGEST else []
        return "\n".join(left_out + lines[-LONGEST:])

    def digest(self) -> str:
        """The same for two runs only if all their events are the same."""
        return hashlib.sha256("\n".join(self._lines()).encode()).hexdigest()

    def _lines(self) -> Iterator[str]:
        return (str(event) for event in self.events)


def short(key: str) -> str:
    """The key that a workload uses, out of the one that a store sees: `k1` of `v:sim:k1`."""
    name = key.rsplit(":", 1)[-1]
    return EVERYWHERE if "~" in name else name


def _collapsed(events: Iterable[Event]) -> Iterator[str]:
    """Lines, where readers that get one thing after the other are one line."""
    for (_, what), group in groupby(events, lambda event: (event.key, event.what)):
        first, *others = group
        if others and what.startswith("gets "):
            yield f"{first} and {len(others)} more until {others[-1].at:.4f}"
        else:
            yield from map(str, [first, *others])
