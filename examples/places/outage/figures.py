"""What is counted: second by second, and added up phase by phase."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple


@dataclass
class Figures:
    """What a stretch of time showed. Latencies are seconds, from when a request was due."""

    latencies: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])
    stale: list[str] = field(default_factory=list[str])
    queries: int = 0
    seconds: int = 1

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def queries_per_second(self) -> float:
        return self.queries / self.seconds

    def percentile(self, percent: int) -> float:
        """So many percent of the answers took no longer than this; 0 if there are none."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def added_up(stretches: Sequence[Figures]) -> Figures:
    """The figures of all of them together."""
    return Figures(
        latencies=[each for figures in stretches for each in figures.latencies],
        errors=[each for figures in stretches for each in figures.errors],
        stale=[each for figures in stretches for each in figures.stale],
        queries=sum(figures.queries for figures in stretches),
        seconds=sum(figures.seconds for figures in stretches),
    )


class Chapter(NamedTuple):
    """A phase and its figures; those of `later` are without its first second."""

    title: str
    all: Figures
    later: Figures


class Timeline:
    """Figures of each second since the beginning, and the phases that begin with some of them."""

    def __init__(self) -> None:
        self.seconds: list[Figures] = []
        self.marks: dict[int, str] = {}

    def at(self, second: int) -> Figures:
        """Those of one second, which may be to come."""
        while len(self.seconds) <= second:
            self.seconds.append(Figures())
        return self.seconds[second]

    def chapters(self) -> Iterable[Chapter]:
        """What is known of each phase that has begun."""
        for first, end in pairwise([*list(self.marks), len(self.seconds)]):
            part = self.seconds[first:end]
            yield Chapter(self.marks[first], added_up(part), added_up(part[1:]))

    def complaints(self) -> list[str]:
        """What no client should have seen."""
        return [told for each in self.seconds for told in (*each.errors, *each.stale)]
