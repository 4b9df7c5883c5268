"""The simulation against the cache, and the simulation itself.

The budget of an ordinary run is `SEEDS` seeds of at least 500 operations for each of two and three
processes, `IN_MEMORY` seeds on a memory backend, and of three processes `WITH_COPIES` seeds with
copies in front of their links and `AT_HOMES` seeds on a store of several homes: about 45 seconds on
two cores.
"""

import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from cachekit.backend import Backend
from cachekit.clock import Clock
from cachekit.testing.simulation.simulation import OPERATIONS, simulate
from cachekit.testing.simulation.weather import Weather
from tests.simulation.runner import Tally, run_seed, run_seeds
from tests.simulation.toy import CacheAside

SEEDS = 30
IN_MEMORY = 30
WITH_COPIES = 25
AT_HOMES = 16

SILENT = {"names": 0.0, "load_skips": 0.0, "load_says_ttl": 0.0, "load_same": 0.0}
"""Loaders that tell their cache nothing, for one that would not listen."""


@pytest.mark.parametrize("processes", [2, 3])
def test_no_call_gets_what_an_acknowledged_invalidation_forgot(processes: int) -> None:
    judge(range(SEEDS), processes)


def test_caches_that_share_a_memory_backend() -> None:
    judge(range(IN_MEMORY), 2, "memory")


def test_copies_are_no_older_than_they_may_be() -> None:
    judge(range(WITH_COPIES), 3, "tiers")


def test_homes_that_fail_one_by_one() -> None:
    judge(range(AT_HOMES), 3, "homes")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("store", ["links", "tiers", "homes", "homes-copies"])
def test_two_thousand_seeds(processes: int, store: str) -> None:
    judge(range(2000), processes, store)


@pytest.mark.parametrize("seeds", [8, pytest.param(20, marks=pytest.mark.long)])
def test_a_naive_cache_is_caught(seeds: int) -> None:
    results = [simulate(seed, make=naive, changes=SILENT) for seed in range(seeds)]
    stale = [r for r in results if "was acknowledged before" in str(r.violation)]
    assert len(stale) > len(results) / 3


@pytest.mark.parametrize("seed", [1, 17])
def test_a_seed_is_the_same_whenever_it_is_run(seed: int) -> None:
    first = run_seed(seed, 3)
    assert run_seed(seed, 3).digest == first.digest
    assert first.digest[:16] in run_elsewhere(seed, hash_seed=seed)


def naive(backend: Backend, clock: Clock, weather: Weather) -> CacheAside:
    return CacheAside(backend)


def judge(seeds: Iterable[int], processes: int, store: str = "links") -> None:
    """Run seeds; show the first violation, and the command that shows it again."""
    tally = Tally(store)
    for result in run_seeds(list(seeds), processes, store):
        tally.add(result)
        again = f"--seed {result.seed} --processes {processes} --store {store}"
        if result.violation is not None:
            pytest.fail(f"python -m tests.simulation {again}\n{result.violation}", pytrace=False)
    assert tally.missing() == []
    assert tally.fewest >= OPERATIONS


def run_elsewhere(seed: int, hash_seed: int) -> str:
    """What another interpreter, which hashes strings otherwise, prints about a seed."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--processes", "3"]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
