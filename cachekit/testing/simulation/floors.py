"""Below what nothing may be read: versions by key and tag, and since when they have been so."""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf
from typing import Final, TypeAlias

Name: TypeAlias = tuple[str, str]
"""A key, and a tag that limits this to who declares it."""

EVERYBODY: Final = ""


@dataclass
class _Steps:
    """A number that only grows, and what it was at any moment."""

    moments: list[float] = field(default_factory=lambda: [-inf])
    heights: list[int] = field(default_factory=lambda: [0])

    def raise_to(self, height: int, at: float) -> None:
        if height > self.heights[-1]:
            self.moments.append(at)
            self.heights.append(height)

    def at(self, moment: float) -> int:
        return self.heights[bisect_right(self.moments, moment) - 1]


class Floors:
    """Each holds at once for the process that has raised it; for others, `staleness` seconds later.

    So it does for all where there are no copies: then that is 0.
    """

    def __init__(self, staleness: float) -> None:
        self.staleness = staleness
        self._firm: dict[tuple[str, Name], int] = {}
        self._late: dict[Name, _Steps] = {}

    def of(self, who: str, name: Name, now: float) -> int:
        """The lowest version that will do for a question asked now."""
        firm = max(self._firm.get((EVERYBODY, name), 0), self._firm.get((who, name), 0))
        steps = self._late.get(name)
        return firm if steps is None else max(firm, steps.at(now - self.staleness))

    def raise_for(self, who: str, name: Name, version: int) -> None:
        """At once for `who`, if that is not `EVERYBODY`, alone."""
        self._firm[who, name] = max(version, self._firm.get((who, name), 0))

    def raise_late(self, name: Name, version: int, now: float) -> None:
        """For everybody, once the staleness allowed has passed."""
        self._late.setdefault(name, _Steps()).raise_to(version, now)
