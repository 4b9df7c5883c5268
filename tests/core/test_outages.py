"""What a call spends on a store that fails: one operation of its own, and none while it is known.

Counted, whichever of its operations is the first that fails, and however it does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf

import pytest

from cachekit import Cache, InvalidationError, Key, Tag, current_load
from tests.core.conftest import Caches
from tests.core.helpers import Load
from tests.core.slow_store import Shelf, SlowStore

pytestmark = pytest.mark.virtual

DEADLINE = 0.25
SHORT = 5.0
"""Seconds after which what a load leaves behind is gone."""

FAILURES = 5
"""So many in a row, and a cache knows."""


class Ailing(SlowStore):
    """Is well for so many operations more, and counts those that fail from then on."""

    def __init__(self, shelf: Shelf, fault: Callable[[SlowStore], None]) -> None:
        super().__init__(shelf)
        self.well_for = inf
        self.failed = 0
        self._fault = fault

    def heal(self) -> None:
        self.well_for = inf
        super().heal()

    async def _travel(self, error: Exception | None) -> None:
        self.well_for -= 1
        if self.well_for < 0:
            self.failed += 1
            self._fault(self)
        await super()._travel(self.error)


def refuse(store: SlowStore) -> None:
    store.error = ConnectionRefusedError("refused")


FAULTS: dict[str, Callable[[SlowStore], None]] = {
    "refuses": refuse,
    "hangs": SlowStore.hang,
}


@pytest.fixture(params=FAULTS)
async def store(request: pytest.FixtureRequest, caches: Caches) -> Ailing:
    return Ailing(caches.shelf, FAULTS[request.param])


@pytest.fixture
async def cache(caches: Caches, store: Ailing) -> Cache:
    """With values that are fresh, tagged, and stale within each window."""
    cache = caches(store)
    await cache.set_many({"fresh": 1, "tagged": 1}, tags=["t"])
    await cache.set("refreshed", 1, ttl=1, stale_while_revalidate=100)
    await cache.set("relied on", 1, ttl=1, stale_if_error=100)
    await asyncio.sleep(2)
    store.delay = 0.001  # what nobody waits for takes longer than the call
    return cache


def load() -> Load:
    return Load().finish()


async def of_a_result(cache: Cache) -> object:
    async def tagged() -> int:
        current_load().tag("named")
        return 1

    return await cache.get_or_set("k", tagged, tags=["t"])


async def cached(cache: Cache) -> object:
    @cache.cached(key="of:{n}", tags=["all", "of:{n}"])
    async def function(n: int) -> int:
        return n

    return await function(1)


async def cached_many(cache: Cache) -> object:
    @cache.cached_many(key="each:{numbers}", tags=["all"])
    async def function(numbers: list[int]) -> dict[int, int]:
        return {n: n for n in numbers}

    return await function([1, 2, 3])


async def deferred(cache: Cache) -> object:
    async with cache.deferred():
        await cache.invalidate(Key("fresh"), Tag("t"))
    return None


READING: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "get": lambda cache: cache.get("fresh"),
    "get, tagged": lambda cache: cache.get("tagged"),
    "get many": lambda cache: cache.get_many(["fresh", "tagged", "none"]),
    "exists": lambda cache: cache.exists("fresh"),
    "get or set": lambda cache: cache.get_or_set("k", load(), tags=["t", "u"]),
    "get or set, fresh": lambda cache: cache.get_or_set("tagged", load(), tags=["t"]),
    "stale while": lambda cache: cache.get_or_set("refreshed", load()),
    "stale if": lambda cache: cache.get_or_set("relied on", load()),
    "tags of a result": of_a_result,
    "cached": cached,
    "cached many": cached_many,
    "add": lambda cache: cache.add("k", 1, tags=["u"]),
}

FORGETTING: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "set": lambda cache: cache.set("k", 1, tags=["u"]),
    "set many": lambda cache: cache.set_many({"k": 1, "fresh": 2}, tags=["u"]),
    "touch": lambda cache: cache.touch("fresh", ttl=1),
    "delete": lambda cache: cache.delete("fresh"),
    "invalidate": lambda cache: cache.invalidate(Tag("t"), Key("k")),
    "clear": lambda cache: cache.clear(),
    "deferred": deferred,
}


ALL = READING | FORGETTING


async def carried_out(work: Awaitable[object]) -> None:
    with suppress(InvalidationError):
        await work


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize("well_for", range(6))
async def test_a_call_waits_for_one_operation_that_fails_at_most(
    cache: Cache, store: Ailing, call: str, well_for: int
) -> None:
    store.well_for = well_for
    time = asyncio.get_running_loop().time
    begun = time()
    await carried_out(ALL[call](cache))
    assert cache.stats().unreached <= 1
    assert time() - begun <= DEADLINE + 6 * store.delay
    store.heal()
    await asyncio.sleep(SHORT)


@pytest.mark.parametrize("call", READING)
async def test_an_outage_that_is_known_costs_a_call_nothing(
    cache: Cache, store: Ailing, call: str
) -> None:
    store.well_for = 0
    for _ in range(FAILURES):
        await cache.get("fresh")
    before, time = store.failed, asyncio.get_running_loop().time()
    await READING[call](cache)
    assert (store.failed, asyncio.get_running_loop().time()) == (before, time)


async def test_an_outage_costs_a_few_operations_however_many_calls_there_are(
    cache: Cache, store: Ailing
) -> None:
    """Those from which it is known, and two probes a second at most."""
    store.well_for = 0
    for number in range(1000):
        assert await cache.get_or_set(f"k{number % 7}", load(), tags=["t"]) == "value 1"
        await asyncio.sleep(0.01)
    assert FAILURES + 5 <= store.failed <= FAILURES + 1 + 20
    store.heal()
    await asyncio.sleep(SHORT)
    assert await cache.get("fresh") == 1
