"""A store of several homes with copies in front of it, and how often one without is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from cachekit import MISSING, Cache, InvalidationError
from cachekit.backend import FEED, HOMES, NODES, ROOM, Capability
from cachekit.clock import Clock
from tests.core.conftest import Caches
from tests.core.copies import Quiet, tiered
from tests.core.helpers import PickleSerializer
from tests.core.homes import (
    KEYS,
    NAMES,
    HomeStore,
    connected,
    function_of,
    function_of_many,
    loaded,
)
from tests.core.slow_store import Shelf, SlowStore

pytestmark = pytest.mark.virtual

PICKLED = PickleSerializer()


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    return connected(caches)


@pytest.fixture
async def cache(caches: Caches, store: HomeStore) -> Cache:
    return caches(store)


# -- copies in front of it


class Told(HomeStore):
    """One with a feed that goes on while operations fail."""

    def __init__(self, shelf: Shelf, names: Sequence[str] = NAMES) -> None:
        super().__init__(shelf, names)
        self.feed = Quiet()

    def capability(self, wanted: Any) -> Any:
        return self.feed if wanted is FEED else super().capability(wanted)


@pytest.mark.parametrize("wanted", [HOMES, NODES, ROOM], ids=str)
async def test_copies_hand_on_what_is_behind_them(
    caches: Caches, clock: Clock, wanted: Capability[Any]
) -> None:
    store = HomeStore(caches.shelf)
    store.most_bytes = 5
    assert tiered(store, clock).capability(wanted) is store
    assert tiered(SlowStore(caches.shelf), clock).capability(wanted) is None


async def test_copies_of_what_lives_at_several_homes(caches: Caches, clock: Clock) -> None:
    """What was not acknowledged by one is served from no copy; the others' is all the while."""
    store = Told(caches.shelf)
    caches.backends.append(store)
    cache = caches(tiered(store, clock, outage_staleness=100))
    function = function_of(cache)
    await cache.open()
    await asyncio.sleep(0.5)
    for _ in range(2):
        await cache.set_many(dict.fromkeys(KEYS, "kept"))
        assert [cache.peek(key) for key in KEYS] == ["kept"] * 3
        await function("a2")
        await function("b2")
        store.down = {"b"}
        with pytest.raises(InvalidationError, match="for: all of f on b "):
            await function.clear()
        assert [cache.peek(key) for key in ("a2", "b2")] == [None] * 2
        assert [cache.peek(key) for key in KEYS] == ["kept"] * 3
        with pytest.raises(InvalidationError, match="for: everything on b "):
            await cache.clear()
        assert [cache.peek(key) for key in KEYS] == [None] * 3
        store.heal()
        await asyncio.sleep(1.01)
        assert await cache.get_many([*KEYS, "a2", "b2"]) == {}
    await cache.close()


async def test_what_looks_at_copies_finds_those_of_another_store(clock: Clock) -> None:
    """It is made once, and lives as long as its cache."""
    stores = [Told(Shelf(clock), names) for names in (NAMES, ("c", "b", "x"))]
    made = iter([tiered(store, clock) for store in stores])
    cache = Cache(lambda: next(made), namespace="test", serializer=PICKLED, clock=clock)
    glances = [cache.peeker(), cache.peeker(serializer=PICKLED)]
    for number in range(2):
        async with cache:
            await asyncio.sleep(0.5)
            assert [glance("a1") for glance in glances] == [MISSING] * 2
            await cache.set("a1", number)
            assert [glance("a1") for glance in glances] == [number] * 2


# -- how often it is asked


COSTS: dict[str, tuple[Callable[[Cache], Awaitable[Any]], tuple[int, int]]] = {
    "a hit": (lambda cache: cache.get("a1"), (1, 0)),
    "many hits": (lambda cache: cache.get_many(KEYS), (1, 0)),
    "hits of a function of many": (lambda cache: function_of_many(cache).get(["a2", "b2"]), (1, 0)),
    "misses": (lambda cache: cache.get_many(["a8", "b8", "c8"]), (1, 0)),
    "loads": (lambda cache: cache.get_or_set_many(["a9", "b9", "c9"], loaded), (1, 2)),
    "clear": (lambda cache: cache.clear(), (0, 1)),
    "function.clear": (lambda cache: function_of(cache).clear(), (0, 1)),
    "ping": (lambda cache: cache.ping(), (1, 0)),
    "delete_many": (lambda cache: cache.delete_many(KEYS), (0, 1)),
}
"""Batches of reads and of writes."""


@pytest.mark.parametrize("what", COSTS)
async def test_several_homes_are_asked_together(cache: Cache, store: HomeStore, what: str) -> None:
    """As often as a store that has one."""
    await cache.set_many(dict.fromkeys(KEYS, 1))
    await function_of_many(cache)(["a2", "b2", "c2"])
    reads, writes = len(store.reads), len(store.writes)
    call, costs = COSTS[what]
    await call(cache)
    assert (len(store.reads) - reads, len(store.writes) - writes) == costs


async def test_records_that_nobody_has_seen_are_made_together(
    cache: Cache, store: HomeStore
) -> None:
    """Those of all homes, in one more write."""
    await cache.get_or_set_many(KEYS, loaded)
    assert (len(store.reads), len(store.writes)) == (1, 3)


async def test_a_set_of_many_is_one_for_each_home(cache: Cache, store: HomeStore) -> None:
    """Each with its records: two writes where nothing is there, one over a value."""
    await cache.set_many(dict.fromkeys(KEYS, 1))
    await cache.get_many(KEYS)
    reads, writes = len(store.reads), len(store.writes)
    await cache.set_many(dict.fromkeys(KEYS, 2))
    assert (len(store.reads) - reads, len(store.writes) - writes) == (3, 3)
