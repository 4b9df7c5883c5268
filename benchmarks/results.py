"""What benchmarks tell: a result for each subject and metric, how they compare, their tables."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.table import Table

from benchmarks.charts import Curves

OURS: Final = "cachekit"
WIDTH: Final = 110
"""So many columns tables have at least, wherever they are printed."""


@dataclass
class Result:
    """One subject, measured once in each round. Without rounds there is no figure; `note` says why.

    Results of the same benchmark, metric and unit are compared, each with each. `floor`: what the
    others stand on, or cannot come below.
    """

    benchmark: str
    metric: str
    subject: str
    unit: str
    rounds: Sequence[float]
    note: str = ""
    floor: bool = False

    @property
    def median(self) -> float | None:
        return median(self.rounds) if self.rounds else None

    @property
    def spread(self) -> float | None:
        """Half of the rounds are within so much of the median, in the same unit."""
        middle = self.median
        return None if middle is None else median(abs(each - middle) for each in self.rounds)

    @property
    def group(self) -> tuple[str, str, str]:
        return self.benchmark, self.metric, self.unit


@dataclass
class Report:
    """What one benchmark has found. Without tables or curves, they are made of the results."""

    results: list[Result]
    tables: list[Table] = field(default_factory=list[Table])
    curves: list[Curves] = field(default_factory=list[Curves])


def ratio(result: Result, other: Result) -> float | None:
    """The median of the rounds' ratios: what is slow for a while is slow for both."""
    if len(result.rounds) != len(other.rounds):
        return _divided(result.median, other.median)
    ratios = [_divided(*each) for each in zip(result.rounds, other.rounds, strict=True)]
    known = [each for each in ratios if each is not None]
    return median(known) if known else None


def groups(results: Iterable[Result]) -> list[list[Result]]:
    """Those that are compared with each other, in the order that they came in."""
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        found.setdefault(result.group, []).append(result)
    return list(found.values())


def as_tables(results: Iterable[Result]) -> list[Table]:
    """One for each metric: each subject beside the floor, and beside ours."""
    return [_table(group) for group in groups(results)]


def as_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """What is written as JSON."""
    return [_row(result, group) for group in groups(results) for result in group]


def write(path: Path, machine: dict[str, Any], results: Sequence[Result]) -> None:
    """All as JSON, with what it was measured on."""
    head = json.dumps({**machine, "results": []}, indent=1, ensure_ascii=False)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in as_rows(results))
    path.write_text(head.replace("[]", f"[\n{rows}\n]") + "\n", encoding="utf-8")


def number(figure: float | None) -> str:
    """With three digits that count, or more if they are before the point."""
    if figure is None:
        return ""
    size = abs(figure)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return f"{figure:,.{digits}f}"


def _table(group: Sequence[Result]) -> Table:
    made = Table(title=f"{group[0].benchmark}: {group[0].metric}", title_justify="left")
    made.add_column("subject", no_wrap=True)
    for name in (group[0].unit, "±", "to the floor", "to cachekit"):
        made.add_column(name, justify="right")
    floor = next((each for each in group if each.floor), None)
    ours = next((each for each in group if each.subject == OURS), None)
    for result in group:
        made.add_row(result.subject, *_cells(result, floor, ours))
    notes = [f"{each.subject}: {each.note}" for each in group if each.note]
    made.caption = "\n".join(notes) or None
    return made


def _cells(result: Result, floor: Result | None, ours: Result | None) -> tuple[str, ...]:
    if not result.rounds:
        return ("none",)
    beside = (number(ratio(result, other)) if other else "" for other in (floor, ours))
    return number(result.median), number(result.spread), *beside


def _row(result: Result, group: Iterable[Result]) -> dict[str, Any]:
    others = {each.subject: ratio(result, each) for each in group if each is not result}
    row = {
        "benchmark": result.benchmark,
        "subject": result.subject,
        "metric": result.metric,
        "unit": result.unit,
        "median": _short(result.median),
        "spread": _short(result.spread),
        "ratio_to": {name: _short(each) for name, each in others.items() if each is not None},
        "rounds": [_short(each) for each in result.rounds],
    }
    return {**row, "note": result.note} if result.note else row


def _short(figure: float | None) -> float | None:
    """With six digits: more would say nothing."""
    return None if figure is None else float(f"{figure:.6g}")


def _divided(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
