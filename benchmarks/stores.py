"""A store that is a server: callers at the same time, round trips, outages; ours beside its plain
client and peers.

It starts servers of its own. Times are those of a clock on the wall, since a part of them passes
in the server; the CPU time is that of this process alone.
"""

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from typing import Any, Final, Generic, TypeVar

from rich.table import Table

from benchmarks.bursts import Burst, bursts, gets
from benchmarks.clients import CROWD, Maker
from benchmarks.links import TRIP, far
from benchmarks.measuring import Effort, Figure, quiet, table
from benchmarks.outages import outages
from benchmarks.sides import Side, fill, measure, sides_of
from cachekit.backend import Backend
from tests.servers.base import Server
from tests.servers.program import NoServerError

ServerT = TypeVar("ServerT", bound=Server)
Aims = Mapping[tuple[str, int], float]
"""What the ratio of ours is to be at most, by case and size."""

_LOUD: Final = ("cachekit", "cashews", "fastapi_cache", "aiocache", "emcache", "dogpile")
"""What fails is shown in its row; logs of it would be long."""


_NUMBERS: Final = ("best µs", "µs", "±", "ratio", "CPU µs", "ratio")


@dataclass(frozen=True)
class Store(Generic[ServerT]):
    """What is measured, and on what."""

    name: str
    server: Callable[[], ServerT]
    makers: Callable[[str], dict[str, Maker]]
    """All clients by name, for the URL of a server."""
    backend: Callable[[str], Backend]
    """Ours, for one."""
    trips: Callable[[ServerT], Coroutine[Any, Any, Table]]
    aims: Aims


def measured(store: Store[ServerT], effort: Effort) -> list[Table]:
    """Measures all, and shows it; without a server it ends and says how to get one."""
    try:
        with quiet(_LOUD):
            return _measured(store, effort)
    except NoServerError as error:
        sys.exit(str(error))


def _measured(store: Store[ServerT], effort: Effort) -> list[Table]:
    with store.server() as server, sides_of(store.makers(server.url)) as sides:
        _measure(store.name, sides, effort)
        run = sides[0].runner.run
        tables = [shown(side, store.aims) for side in sides] + _from_afar(store, server, effort)
        trips = run(store.trips(server))
        with store.server() as harmed:
            backend = partial(store.backend, harmed.url)
            return [*tables, trips, run(outages(store.name, harmed, backend))]


def _measure(what: str, sides: Sequence[Side], effort: Effort) -> None:
    cold = count(1000)
    for side in sides:
        side.bursts = bursts(side.clients, cold, effort.callers)
    fill(what, sides[0], effort)  # the others look into the same databases
    measure(what, sides, effort)


def _from_afar(store: Store[ServerT], server: ServerT, effort: Effort) -> list[Table]:
    """What is stored by now, asked for over a link that takes its time."""
    with far(server.url, server.address) as url, sides_of(store.makers(url)) as sides:
        for side in sides:
            crowd = min(CROWD, effort.callers)
            few = {n: [each for each in side.clients if each.serves(n)] for n in (1, crowd)}
            side.bursts = [burst for n, some in few.items() for burst in gets(some, n)]
            side.name += f", a link of {TRIP * 1000:.0f} ms and back between"
        measure(f"{store.name}, from afar", sides, effort)
        return [shown(side, store.aims) for side in sides]


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
    floor = burst.floor or burst
    if floor.failure:
        floor = next(each for each in group if not each.failure)
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
    unfit = [f"{name}: {type(error).__name__}: {error}" for name, error in side.unfit.items()]
    failed = [each for each in side.bursts if each.failure]
    return [*unfit, *(f"{it.size:,} x {it.case}, {it.subject}: {it.failure}" for it in failed)]


def _spread(figure: Figure) -> float:
    """Half of the rounds are within so much of the median, to one side and the other."""
    return median(abs(each - figure.median) for each in figure.rounds) / figure.median


def _ratio(figure: Figure, floor: Figure) -> float:
    """The median of the rounds': what is slow for a while is slow for both."""
    return median(a / b for a, b in zip(figure.rounds, floor.rounds, strict=True))
