"""A store that is a server: callers at the same time, round trips, outages; ours beside its plain
client and peers.

It starts servers of its own. Times are those of a clock on the wall, since a part of them passes
in the server; the CPU time is that of this process alone.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final, Generic, TypeVar

from benchmarks.bursts import bursts, gets
from benchmarks.clients import CROWD, OURS, Maker
from benchmarks.links import TRIP, far
from benchmarks.measuring import Effort, quiet
from benchmarks.outages import outages
from benchmarks.results import Report, Result
from benchmarks.side_results import Aims, results_of, shown
from benchmarks.sides import Side, fill, measure, sides_of
from cachekit.backend import Backend
from tests.servers.base import Server
from tests.servers.program import NoServerError

ServerT = TypeVar("ServerT", bound=Server)
_LOUD: Final = ("cachekit", "cashews", "fastapi_cache", "aiocache", "emcache", "dogpile")
"""What fails is shown in its row; logs of it would be long."""


@dataclass(frozen=True)
class Store(Generic[ServerT]):
    """What is measured, and on what."""

    name: str
    server: Callable[[], ServerT]
    makers: Callable[[str], dict[str, Maker]]
    """All clients by name, for the URL of a server."""
    backend: Callable[[str], Backend]
    """Ours, for one."""
    trips: Callable[[ServerT], Coroutine[Any, Any, Report]]
    aims: Aims

    @property
    def benchmark(self) -> str:
        return self.name.lower()


def measured(store: Store[ServerT], effort: Effort) -> Report:
    """Measures all; without a server the one result says how to get one."""
    try:
        with quiet(_LOUD):
            return _measured(store, effort)
    except NoServerError as error:
        return Report([Result(store.benchmark, "get", OURS, "µs", [], str(error))])


def _measured(store: Store[ServerT], effort: Effort) -> Report:
    """One after the other: some clients are told what they hear on one loop at a time."""
    with store.server() as server:
        near, distant = _near(store, server, effort), _from_afar(store, server, effort)
        counted = asyncio.run(store.trips(server))
    with store.server() as harmed:
        harm = asyncio.run(outages(store.name, harmed, partial(store.backend, harmed.url)))
    reports = (near, distant, counted, harm)
    results = [result for report in reports for result in report.results]
    return Report(results, [each for report in reports for each in report.tables])


def _near(store: Store[ServerT], server: ServerT, effort: Effort) -> Report:
    cold = count(1000)
    with sides_of(store.makers(server.url)) as sides:
        for side in sides:
            side.bursts = bursts(side.clients, cold, effort.callers)
        fill(store.name, sides[0], effort)  # the others look into the same databases
        measure(store.name, sides, effort)
        return _told(store, sides)


def _from_afar(store: Store[ServerT], server: ServerT, effort: Effort) -> Report:
    """What is stored by now, asked for over a link that takes its time."""
    with far(server.url, server.address) as url, sides_of(store.makers(url)) as sides:
        for side in sides:
            crowd = min(CROWD, effort.callers)
            few = {n: [each for each in side.clients if each.serves(n)] for n in (1, crowd)}
            side.bursts = [burst for n, some in few.items() for burst in gets(some, n)]
            side.name += f", a link of {TRIP * 1000:.0f} ms and back between"
        measure(f"{store.name}, from afar", sides, effort)
        return _told(store, sides)


def _told(store: Store[ServerT], sides: Sequence[Side]) -> Report:
    results = [result for side in sides for result in results_of(store.benchmark, side)]
    return Report(results, [shown(side, store.aims) for side in sides])
