"""Redis: callers at the same time, round trips, outages; ours beside the plain client and peers.

It starts a server of its own. Times are those of a clock on the wall, since a part of them passes
in the server; the CPU time is that of this process alone.
"""

import sys
from collections.abc import Sequence
from itertools import count
from statistics import median
from typing import Final

from rich.table import Table

from benchmarks.measuring import Effort, Figure, quiet, table
from benchmarks.redis_bursts import AIMS, Burst, bursts
from benchmarks.redis_clients import OURS, WAITING
from benchmarks.redis_outages import outages
from benchmarks.redis_sides import Side, fill, measure, sides_at
from benchmarks.redis_trips import trips_of_all
from tests.servers.program import NoServerError, server_program
from tests.servers.server import RedisServer

_LOUD: Final = ("cachekit", "cashews", "fastapi_cache", "aiocache")
"""What fails is shown in its row; logs of it would be long."""


def run(effort: Effort) -> list[Table]:
    """Measures all, and shows it; without a server it ends and says how to get one."""
    try:
        server_program()
    except NoServerError as error:
        sys.exit(str(error))
    with quiet(_LOUD), RedisServer() as server, sides_at(server.url) as sides:
        _measured(sides, effort)
        first = sides[0]
        others = [each for each in first.clients if each.name not in (OURS, WAITING)]
        trips = first.runner.run(trips_of_all(server, others))
        return [*map(shown, sides), trips, first.runner.run(outages())]


def _measured(sides: Sequence[Side], effort: Effort) -> None:
    cold = count(1000)
    for side in sides:
        side.bursts = bursts(side.clients, cold, effort.callers)
    fill(sides[0], effort)  # the others look into the same databases
    measure(sides, effort)


def shown(side: Side) -> Table:
    """A group for each case and size, beside the first of its subjects that can be measured."""
    title = f"{side.name}: what one call takes; the median of the rounds, and half of them within"
    made = table(title, ("calls at once",), ("µs", "±", "ratio", "CPU µs", "ratio"))
    for (case, size), group in _groups(side.bursts).items():
        made.add_row(f"[bold]{size:,} x {case}{_aim(group)}[/]")
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


def _aim(group: Sequence[Burst]) -> str:
    aim = AIMS.get((group[0].case, group[0].size))
    return f" (aim: {aim:.2f})" if aim else ""


def _figures(burst: Burst, group: Sequence[Burst]) -> tuple[str, ...]:
    if burst.failure:
        return ("none",)
    floor = burst.floor or burst
    if floor.failure:
        floor = next(each for each in group if not each.failure)
    return (
        f"{burst.figure.median:,.1f}",
        f"{_spread(burst.figure):.0%}",
        f"{_ratio(burst.figure, floor.figure):.2f}",
        f"{burst.cpu.median:,.1f}",
        f"{_ratio(burst.cpu, floor.cpu):.2f}",
    )


def _notes(side: Side) -> list[str]:
    """Why there is no figure."""
    unfit = [f"{name}: {type(error).__name__}: {error}" for name, error in side.unfit.items()]
    failed = [each for each in side.bursts if each.failure]
    return [*unfit, *(f"{it.size:,} x {it.case}, {it.subject}: {it.failure}" for it in failed)]


def _spread(figure: Figure) -> float:
    """Half of the rounds are within so much of the median, to one side and the other."""
    return median(abs(each - figure.median) for each in figure.rounds) / figure.median


def _ratio(figure: Figure, floor: Figure) -> float:
    """The median of the rounds': what is slow for a while is slow for both."""
    return median(a / b for a, b in zip(figure.rounds, floor.rounds, strict=True))
