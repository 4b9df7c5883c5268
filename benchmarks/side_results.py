"""What was measured on one kind of event loop: as results, and as a table."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from rich.table import Table

from benchmarks.bursts import Burst
from benchmarks.measuring import Figure, table
from benchmarks.results import Result
from benchmarks.sides import Side

Aims = Mapping[tuple[str, int], float]
"""What the ratio of ours is to be at most, by case and size."""

_NUMBERS: Final = ("best µs", "µs", "±", "ratio", "CPU µs", "ratio")


def results_of(benchmark: str, side: Side) -> list[Result]:
    """The time and the CPU time of each burst, and why some clients have none."""
    groups = _groups(side.bursts).values()
    measured = (result for group in groups for result in _results(benchmark, side, group))
    return [*_unfit(benchmark, side), *measured]


def _unfit(benchmark: str, side: Side) -> Iterator[Result]:
    metric = _metric(side, "get", 1)
    for name, error in side.unfit.items():
        yield Result(benchmark, metric, name, "µs", [], _why(error))


def _results(benchmark: str, side: Side, group: Sequence[Burst]) -> Iterator[Result]:
    """A floor that was measured as something else is told among them."""
    metric, floor = _metric(side, group[0].case, group[0].size), _floor(group)
    for burst in (floor, *(each for each in group if each is not floor)):
        for what, figure in (("", burst.figure), (", CPU of this process", burst.cpu)):
            yield Result(
                benchmark,
                f"{metric}{what}",
                burst.subject,
                "µs",
                figure.rounds,
                burst.failure,
                floor=burst is floor,
            )


def _metric(side: Side, case: str, size: int) -> str:
    crowd = "1 caller" if size == 1 else f"{size:,} callers"
    return f"{case}, {crowd}, {side.name}"


def _floor(group: Sequence[Burst]) -> Burst:
    """What all of them are held against; if that has failed, the first that has not."""
    floor = group[0].floor or group[0]
    working = (each for each in group if not each.failure)
    return next(working, floor) if floor.failure else floor


def shown(side: Side, aims: Aims) -> Table:
    """A group for each case and size, beside the first of its subjects that can be measured."""
    title = f"{side.name}: what one call takes; the median of the rounds, and half of them within"
    made = table(title, ("calls at once",), _NUMBERS)
    for (case, size), group in _groups(side.bursts).items():
        made.add_row(f"[bold]{size:,} x {case}{_aim(group, aims)}[/]")
        for burst in group:
            made.add_row(f"  {burst.subject}", *_figures(burst, group))
        made.add_section()
    for name in side.unfit:
        made.add_row(name, "none")
    made.caption = "\n".join(_notes(side)) or None
    return made


def _groups(made: Sequence[Burst]) -> dict[tuple[str, int], list[Burst]]:
    groups: dict[tuple[str, int], list[Burst]] = {}
    for burst in made:
        groups.setdefault((burst.case, burst.size), []).append(burst)
    return groups


def _aim(group: Sequence[Burst], aims: Aims) -> str:
    aim = aims.get((group[0].case, group[0].size))
    return f" (aim: {aim:.2f})" if aim else ""


def _figures(burst: Burst, group: Sequence[Burst]) -> tuple[str, ...]:
    if burst.failure:
        return ("none",)
    floor = _floor(group)
    return (
        f"{burst.figure.best:,.1f}",
        f"{burst.figure.median:,.1f}",
        f"{_spread(burst.figure):.0%}",
        f"{_ratio(burst.figure, floor.figure):.2f}",
        f"{burst.cpu.median:,.1f}",
        f"{_ratio(burst.cpu, floor.cpu):.2f}",
    )


def _notes(side: Side) -> list[str]:
    """Why there is no figure."""
    unfit = [f"{name}: {_why(error)}" for name, error in side.unfit.items()]
    failed = [each for each in side.bursts if each.failure]
    return [*unfit, *(f"{it.size:,} x {it.case}, {it.subject}: {it.failure}" for it in failed)]


def _spread(figure: Figure) -> float:
    """Half of the rounds are within so much of the median, to one side and the other."""
    return median(abs(each - figure.median) for each in figure.rounds) / figure.median


def _ratio(figure: Figure, floor: Figure) -> float:
    """The median of the rounds': what is slow for a while is slow for both."""
    return median(a / b for a, b in zip(figure.rounds, floor.rounds, strict=True))


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
