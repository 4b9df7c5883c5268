"""Of too many for a home's journal, what all carry is forgotten: there, or everywhere."""

from typing import Any

import pytest

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import HOMES
from cachekit.guard import Guard
from cachekit.journal import Journal
from tests.core.conftest import Caches
from tests.core.homes import NAMES, HomeStore, back, connected, record, records
from tests.core.nodes import entries, journaled
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    return connected(caches)


async def overflown(caches: Caches, store: HomeStore, *doomed: Any) -> Cache:
    """A cache with a value at each home, whose journal for `b` had no room for `doomed`."""
    cache = caches(Guard(store, journal=len(doomed) - 1))
    await cache.set_many({f"{home}0": "old" for home in NAMES})
    store.down = {"b"}
    with pytest.raises(InvalidationError):
        await cache.invalidate(*doomed)
    return cache


async def test_of_too_many_values_all_at_their_home_is(caches: Caches, store: HomeStore) -> None:
    """The others' stay, and are served meanwhile."""
    cache = await overflown(caches, store, Key("b5"), Key("b6"), Key("b7"))
    assert entries(cache) == [record("b")]
    assert await cache.get_many(["a0", "b0", "c0"]) == {"a0": "old", "c0": "old"}
    await back(store)
    assert journaled(cache) == 0
    assert await cache.get_many(["a0", "b0", "c0"]) == {"a0": "old", "c0": "old"}
    await cache.set("b0", "new")
    assert await cache.get("b0") == "new"


async def test_with_a_tag_among_them_all_at_all_homes_is(caches: Caches, store: HomeStore) -> None:
    """It may be carried anywhere. Until it is forgotten nothing is served of what may carry it."""
    cache = await overflown(caches, store, Key("b5"), Tag("b-tag"), Key("b7"))
    assert sorted(entries(cache)) == records()
    assert await cache.get_many(["a0", "b0", "c0"]) == {}
    await back(store)
    assert journaled(cache) == 0
    assert await cache.get_many(["a0", "b0", "c0"]) == {}


@pytest.fixture
def journal(store: HomeStore) -> Journal:
    """With room for two."""
    homes = store.capability(HOMES)
    assert homes is not None
    return Journal(2, lambda: homes)


async def test_the_records_of_several_namespaces(journal: Journal) -> None:
    """Of each that which what was to be forgotten may carry."""
    journal.add(["v:shop:b1", "c:shop:b2", "v:other:b3"], [])
    assert journal.page().keys == [record("b", namespace="shop"), record("b", namespace="other")]
    journal.add(["t:third:b-tag"], [])
    expected = [record("b", namespace="shop"), record("b", namespace="other")]
    assert journal.page().keys == expected + records(namespace="third")
    assert journal.overflows == 2


async def test_the_record_of_a_function_is_its_homes(journal: Journal) -> None:
    """What all of a function carry at one home none carries at another."""
    journal.add([record("b"), record("b", "fn:f"), "v:test:b1"], [])
    assert journal.page().keys == [record("b")]


async def test_a_prefix_may_be_of_keys_anywhere(caches: Caches, store: HomeStore) -> None:
    """Whatever home a key of that name would have."""
    cache = caches(Guard(store, journal=2))
    await cache.set_many({f"{home}0": "old" for home in NAMES})
    store.down = {"b"}
    prefixes = [Prefix("b5"), Prefix("b6"), Prefix("b7")]
    with pytest.raises(InvalidationError):
        await cache.invalidate(*prefixes)
    assert sorted(entries(cache)) == records()
    await back(store)
    assert journaled(cache) == 0
    assert await cache.get_many(["a0", "b0", "c0"]) == {}


async def test_the_homes_are_known_before_a_store_has_opened(
    caches: Caches, store: HomeStore
) -> None:
    """What has no room by then is in the records that its entries carry, too."""
    seed = caches(HomeStore(store.shelf))
    await seed.set_many({f"{home}0": "old" for home in NAMES})
    cache = caches(Guard(store, journal=2))
    store.open_error = ConnectionRefusedError("refused")
    for number in range(3):
        with pytest.raises(InvalidationError):
            await cache.delete(f"b{number}")
    assert entries(cache) == [record("b")]
    await back(store)
    assert await cache.get_many(["a0", "b0", "c0"]) == {"a0": "old", "c0": "old"}


async def test_without_homes_there_is_one_record_for_all(caches: Caches) -> None:
    guard = Guard(SlowStore(caches.shelf), journal=1)
    guard.gates.remember(["v:shop:b1", "v:shop:a1"], ())
    (gate,) = guard.gates.all()
    assert gate.journal.page().keys == ["t:shop~home"]
