"""What a cache tells of itself, for who draws curves of it."""

from dataclasses import replace

import pytest

from cachekit import Cache, FunctionStats, TierStats
from cachekit.backend import MEASURE, C, Capability, offer
from cachekit.stats import StoreFigures
from cachekit.testing import ReferenceBackend


class Measured(ReferenceBackend):
    """A store that has found something unreadable already."""

    def __init__(self, unreadable: int) -> None:
        super().__init__()
        self.unreadable = unreadable

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {MEASURE: self})


async def test_functions_are_told_apart_and_the_figures_are_their_sums() -> None:
    cache = Cache()

    @cache.cached(name="square")
    def square(number: int) -> int:
        return number * number

    for _ in range(3):
        square(2)
    await cache.get("none")
    stats = cache.stats()
    assert stats.functions == (FunctionStats("", 0, 1, 0), FunctionStats("square", 2, 1, 1))
    assert (stats.hits, stats.misses, stats.loads) == (2, 2, 1)


async def test_a_function_defined_again_goes_on_counting() -> None:
    cache = Cache()
    for _ in range(2):
        cache.cached(name="one")(one)()
    assert [it.name for it in cache.stats().functions] == ["", "one"]
    assert cache.stats().hits + cache.stats().misses == 2


async def test_what_was_told_does_not_change() -> None:
    cache = Cache()
    before = cache.stats()
    await cache.get("none")
    assert (before.misses, before.functions[0].misses) == (0, 0)


async def test_what_a_store_found_unreadable_stays_counted_when_it_is_closed() -> None:
    async with Cache(Measured(7), namespace="test") as cache:
        assert cache.stats().unreadable == 7
    assert cache.stats().unreadable == 7


@pytest.mark.parametrize("second", [0, 3, 9])
async def test_a_store_made_anew_counts_from_there(second: int) -> None:
    """One that begins at nothing must not look as if nothing had ever been found."""
    stores = [Measured(7), Measured(second)]
    cache = Cache(lambda: stores.pop(0), namespace="test")
    for unreadable in (7, 7 + second):
        async with cache:
            assert [cache.stats().unreadable for _ in range(2)] == [unreadable] * 2


class Two:
    """A store of two tiers."""

    staleness = 1.0
    names = ("near", "far")
    bypasses = 4


def test_what_was_near_is_what_was_not_far_and_never_less_than_before() -> None:
    """A hit of another thread may have been counted as far, and not yet as a hit."""
    figures, seen = StoreFigures(), Cache().stats()
    told = [
        figures.tiers(replace(seen, hits=hits, far_hits=far_hits, misses=2), Two())
        for hits, far_hits in [(10, 3), (10, 4), (12, 4)]
    ]
    assert [near.hits for near, _ in told] == [7, 7, 8]
    assert told[-1] == (TierStats("near", 8, 6, 4), TierStats("far", 4, 2, 0))
    assert figures.tiers(seen, None) == ()


def one() -> int:
    return 1
