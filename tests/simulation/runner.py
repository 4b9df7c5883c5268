"""Many seeds, on all cores, added up."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from types import MappingProxyType
from typing import Any, Final

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.clock import Clock
from cachekit.guard import Guard
from cachekit.testing.simulation import islands, tides
from cachekit.testing.simulation.bytestore import at_homes, in_bytes
from cachekit.testing.simulation.shore import Setting, shared
from cachekit.testing.simulation.simulation import Result, make_cache, simulate
from cachekit.testing.simulation.weather import NEVER, Weather
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend

EVERY_RUN_COVERS: Final = (
    "refused fills",
    "take-overs",
    "renewals",
    "passes",
    "shared loads",
    "other processes' loads",
    "late writes executed",
    "evicted tags",
    "evicted values",
    "corrupted entries",
    "flushes",
    "outages",
    "crashes",
    "cancelled leaders",
    "cancelled waiters",
    "invalidations that outlived their caller",
    "unacknowledged invalidations",
    "failed loads",
    "loads that timed out",
    "loaders that raised CancelledError",
    "nested loads",
    "loads that named tags",
    "loads that said their ttl",
    "loads that were not to be stored",
    "keys that a loader left out",
    "values found unchanged",
    "outages of the origin",
    "stale values",
    "stale values in the place of errors",
    "claims",
    "refused claims",
    "evicted claims",
    "passes beside values",
    "refreshes",
    "touches",
    "private loads",
    "loads that said their windows",
    "values for who had refused others",
)
"""A run of many seeds in which one of these never happened has shown nothing."""


COVERED_IN_MEMORY: Final = (
    "shared loads",
    "other processes' loads",
    "cancelled leaders",
    "cancelled waiters",
    "failed loads",
    "loads that timed out",
    "loaders that raised CancelledError",
    "nested loads",
    "loads that named tags",
    "loads that were not to be stored",
    "keys that a loader left out",
    "values found unchanged",
    "stale values",
    "stale values in the place of errors",
    "private loads",
    "loads that said their windows",
    "values for who had refused others",
    "peeks that found a value",
)


COVERED_WITH_COPIES: Final = (
    "answers from copies",
    "questions past the copies",
    "changes that were told apart",
    "processes without news",
    "late news",
    "full answers",
    "news lost: the server was restarted",
    "news lost: there is no stream",
    "news lost: the stream begins later",
    "news lost: the stream ended before",
    "unacknowledged invalidations",
    "invalidations that were made up for",
    "invalidations everywhere",
    "journals that were full",
    "outages",
    "crashes",
    "flushes",
    "refused fills",
    "late writes executed",
    "evicted tags",
)


COVERED_AT_HOMES: Final = (
    "homes that were down",
    "homes that were slow",
    "homes that were started again",
    "values beside a home that is down",
    "unacknowledged invalidations",
    "invalidations that were made up for",
    "journals that were full",
    "crashes",
    "refused fills",
    "renewals",
    "claims",
    "touches",
    "stale values",
    "loads that named tags",
    "evicted tags",
    "late writes executed",
)


COVERED: Final[Mapping[str, Sequence[str]]] = {
    "links": EVERY_RUN_COVERS,
    "tiers": COVERED_WITH_COPIES,
    "homes": COVERED_AT_HOMES,
}


@dataclass
class Tally:
    """What many seeds have shown."""

    store: str = "links"
    seeds: int = 0
    operations: int = 0
    fewest: int = 10**9
    covered: Counter[str] = field(default_factory=Counter[str])
    violations: list[Result] = field(default_factory=list[Result])

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.operations += result.operations
        self.covered += result.covered
        if result.violation is not None:
            self.violations.append(result)
        else:
            self.fewest = min(self.fewest, result.operations)

    def missing(self) -> list[str]:
        """What never happened."""
        wanted = COVERED.get(self.store, COVERED_IN_MEMORY)
        return [name for name in wanted if not self.covered[name]]


def on_links(seed: int, processes: int) -> Result:
    """Caches of several processes on one store, far away."""
    return simulate(seed, processes=processes)


def in_memory(seed: int, caches: int) -> Result:
    """Caches of one process on one `MemoryBackend`, which they fill in turn."""
    memory = shared(lambda clock: MemoryBackend(max_entries=4, clock=clock))

    def make(_: Backend, clock: Clock, weather: Weather) -> Cache:
        return make_cache(memory(clock), clock, weather)

    changes = {"crash_every": NEVER}
    return simulate(seed, Setting(memory), processes=caches, make=make, changes=changes)


def on_links_to_memory(seed: int, processes: int) -> Result:
    """Like `on_links`, but the store is a `MemoryBackend`."""
    memory = shared(lambda clock: MemoryBackend(max_entries=4, clock=clock))
    return simulate(seed, Setting(memory), processes=processes)


def on_tiers(
    seed: int, processes: int, changes: Mapping[str, Any] = MappingProxyType({})
) -> Result:
    """Like `on_links`, with copies in front of each link."""
    setting = replace(in_bytes(), tiers=True)
    return simulate(seed, setting, processes=processes, make=with_copies, changes=changes)


def with_copies(backend: Backend, clock: Clock, weather: Weather) -> Cache:
    """A cache on a `TieredBackend`."""
    tiered = TieredBackend(
        MemoryBackend(max_entries=weather.copies, clock=clock),
        backend,
        max_staleness=weather.max_staleness,
        outage_staleness=weather.outage_staleness,
        clock=clock,
    )
    return make_cache(Guard(tiered, journal=weather.journal), clock, weather)


def at_several_homes(
    seed: int, processes: int, changes: Mapping[str, Any] = MappingProxyType({})
) -> Result:
    """Like `on_links`, but the store has two homes or three, each with faults of its own."""
    setting = _homes(seed)
    return simulate(seed, setting, processes=processes, make=with_journal, changes=changes)


def at_homes_with_copies(seed: int, processes: int) -> Result:
    """The same with copies in front of each link."""
    setting = replace(_homes(seed), tiers=True)
    return simulate(seed, setting, processes=processes, make=with_copies)


def _homes(seed: int) -> Setting:
    return at_homes("abc"[: 2 + seed // 2 % 2], prefixes=seed % 2 == 0)


def with_journal(backend: Backend, clock: Clock, weather: Weather) -> Cache:
    """A cache whose journal has as much room as the weather says."""
    return make_cache(Guard(backend, journal=weather.journal), clock, weather)


STORES: Final[Mapping[str, Callable[[int, int], Result]]] = {
    "links": on_links,
    "memory": in_memory,
    "far-memory": on_links_to_memory,
    "tiers": on_tiers,
    "homes": at_several_homes,
    "homes-copies": at_homes_with_copies,
    **{f"tiers-{kind}": partial(on_tiers, changes=its) for kind, (_, its) in tides.KINDS.items()},
    **{
        f"homes-{kind}": partial(at_several_homes, changes=its)
        for kind, (_, its) in islands.KINDS.items()
    },
}
"""What the simulation can run on."""


def run_seed(seed: int, processes: int, store: str = "links") -> Result:
    return STORES[store](seed, processes)


def run_seeds(
    seeds: Sequence[int], processes: int, store: str = "links", jobs: int | None = None
) -> Iterator[Result]:
    """The results of seeds, in order; `jobs` at a time, by default as many as there are cores."""
    jobs = os.cpu_count() or 1 if jobs is None else jobs
    one = partial(run_seed, processes=processes, store=store)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(one, seeds, chunksize=4)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
