"""What one operation costs at several sizes: how it is told, and how fast it grows."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from statistics import linear_regression, median
from typing import Final

from benchmarks.charts import Curves
from benchmarks.results import Result

BENCHMARK: Final = "growth"
DICT: Final = "plain dict"
ENTRIES: Final = "entries"
TTL: Final = 3600.0
"""Seconds that every entry is kept."""


@dataclass
class Series:
    """The cost of `what` for one subject, by how many `things` there are."""

    what: str
    subject: str
    things: str
    unit: str = "µs"
    points: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    """By size, a figure for each round."""
    note: str = ""
    floor: bool = False

    def add(self, size: int, figure: float) -> None:
        self.points.setdefault(size, []).append(figure)

    @property
    def medians(self) -> dict[int, float]:
        return {size: median(rounds) for size, rounds in self.points.items()}


def sizes(most: int, least: int = 1) -> list[int]:
    """Powers of ten."""
    found = [10**power for power in range(10) if least <= 10**power <= most]
    return found or [most]


def measured_apart(module: str, *arguments: object) -> list[float]:
    """What `python -m MODULE ARGUMENTS` prints, a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(figure) for figure in done.stdout.split()]


def exponent(costs: Mapping[int, float]) -> float | None:
    """By which power of the size the cost grows: 0 is flat, 1 is linear; of one size none."""
    if len(costs) < 2:
        return None
    known = [(log(size), log(cost)) for size, cost in costs.items()]
    return linear_regression(*zip(*known, strict=True)).slope


def results(series: Iterable[Series]) -> list[Result]:
    """One for each size, then how it grows."""
    told = list(series)
    return [result for each in told for result in _points(each)] + [
        Result(
            BENCHMARK,
            f"{each.what}: growth over {each.things}",
            each.subject,
            "exponent",
            [power],
            floor=each.floor,
        )
        for each in told
        if (power := exponent(each.medians)) is not None
    ]


def curves(series: Iterable[Series]) -> list[Curves]:
    """A picture for each `what`, with all its subjects."""
    groups: dict[str, list[Series]] = {}
    for each in series:
        if len(each.points) > 1:
            groups.setdefault(each.what, []).append(each)
    return [_picture(what, group) for what, group in groups.items()]


def _points(series: Series) -> Iterator[Result]:
    if not series.points:
        yield Result(BENCHMARK, series.what, series.subject, series.unit, [], series.note)
    for size, rounds in series.points.items():
        metric = f"{series.what}, {size:,} {series.things}"
        yield Result(
            BENCHMARK, metric, series.subject, series.unit, rounds, series.note, series.floor
        )


def _picture(what: str, group: Sequence[Series]) -> Curves:
    first = group[0]
    name = "growth-" + "".join(letter if letter.isalnum() else "-" for letter in what)
    lines = {each.subject: sorted(each.medians.items()) for each in group}
    return Curves(name, f"What {what} takes", first.things, first.unit, lines)
