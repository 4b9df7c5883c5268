"""Many seeds, on all cores, added up."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.clock import Clock
from tests.simulation.loads import LOAD_TIMEOUT
from tests.simulation.simulation import Result, simulate
from tests.simulation.text import TextSerializer

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
)
"""A run of many seeds in which one of these never happened has shown nothing."""


@dataclass
class Tally:
    """What many seeds have shown."""

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
        return [name for name in EVERY_RUN_COVERS if not self.covered[name]]


def make_cache(backend: Backend, clock: Clock) -> Cache:
    """The cache that is judged."""
    return Cache(
        backend,
        namespace="sim",
        serializer=TextSerializer(),
        load_timeout=LOAD_TIMEOUT,
        clock=clock,
    )


def run_seed(seed: int, processes: int) -> Result:
    """One seed of the real cache, without its log."""
    log = logging.getLogger("cachekit")
    log.disabled = True
    try:
        return simulate(seed, processes, make_cache)
    finally:
        log.disabled = False


def run_seeds(seeds: Iterable[int], processes: int, jobs: int | None = None) -> Iterator[Result]:
    """The results of seeds, in order; `jobs` at a time, by default as many as there are cores."""
    jobs = os.cpu_count() or 1 if jobs is None else jobs
    if jobs == 1:
        yield from (run_seed(seed, processes) for seed in seeds)
        return
    seeds = list(seeds)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(run_seed, seeds, [processes] * len(seeds), chunksize=4)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
