"""Homes: what lives at one node of a store carries records of that node, and of no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from cachekit import Cache, Key, Tag, current_load
from cachekit.entry import Kind
from cachekit.keys import claim_of, home_in
from tests.core.conftest import Caches
from tests.core.helpers import Load, aged, ticks
from tests.core.homes import (
    BY_FUNCTION,
    BY_HAND,
    KEYS,
    NAMES,
    HomeStore,
    connected,
    function_of,
    function_of_many,
    record,
    records,
)
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    return connected(caches)


@pytest.fixture
async def cache(caches: Caches, store: HomeStore) -> Cache:
    return caches(store)


# -- what entries carry


@pytest.mark.parametrize("way", BY_HAND)
async def test_an_entry_carries_the_record_of_its_home(
    cache: Cache, store: HomeStore, way: str
) -> None:
    await BY_HAND[way](cache)
    assert {key: store.tags(key) for key in KEYS} == {key: {record(key[0])} for key in KEYS}


@pytest.mark.parametrize("way", BY_HAND)
async def test_the_tags_of_users_are_the_same_everywhere(
    cache: Cache, store: HomeStore, way: str
) -> None:
    await BY_HAND[way](cache, tags=["b-tag", "other"])
    for key in KEYS:
        assert store.tags(key) == {record(key[0]), "t:test:b-tag", "t:test:other"}
    await cache.invalidate(Tag("b-tag"))
    assert await cache.get_many(KEYS) == {}


@pytest.mark.parametrize("tag", ["", "b-tag", "{}-tag"])
@pytest.mark.parametrize("way", BY_FUNCTION)
async def test_that_of_a_function_also_carries_the_one_of_its_function_there(
    cache: Cache, store: HomeStore, way: str, tag: str
) -> None:
    """Whether all its calls have the same tags or not."""
    name, parameter, store_all = BY_FUNCTION[way]
    await store_all(cache, tags=[tag.format(f"{{{parameter}}}")] if tag else [])
    for key in KEYS:
        own = {record(key[0]), record(key[0], f"fn:{name}")}
        assert store.tags(key) == own | ({f"t:test:{tag.format(key)}"} if tag else set())


async def test_a_record_of_the_framework_is_at_a_home(cache: Cache, store: HomeStore) -> None:
    """There is none for all."""
    one, many = function_of(cache), function_of_many(cache)
    await cache.set_many(dict.fromkeys(KEYS, 1), tags=["t"])
    for forget in (cache.clear, one.clear, many.clear):
        await forget()
        await one("a1")
        await many(["b1"])
    own = [key for key in store.shelf.keys(Kind.TAG) if key != "t:test:t"]
    expected = [*records(), *records("fn:f"), *records("fn:m")]
    assert sorted(own) == sorted(expected)
    assert [home_in(key) for key in expected] == list(NAMES) * 3
    assert [store.home(key) for key in expected] == list(NAMES) * 3


async def test_a_store_without_homes_has_one_for_all(caches: Caches, store: HomeStore) -> None:
    cache = caches(SlowStore(store.shelf))
    await cache.set("a1", 1)
    await function_of(cache)("b1")
    assert store.tags("a1") == {"t:test~home"}
    assert store.tags("b1") == {"t:test~home", "t:test~fn:f"}


async def test_the_tags_of_a_result_go_with_it_everywhere(cache: Cache, store: HomeStore) -> None:
    await cache.set("c2", 1, tags=["c-tag"])  # it has been seen by now

    async def load() -> str:
        current_load().tag("c-tag")
        return "new"

    for key in KEYS:
        assert await cache.get_or_set(key, load) == "new"
        assert store.tags(key) == {record(key[0]), "t:test:c-tag"}
    await cache.clear()
    store.down = {"c"}
    assert await cache.get_or_set("a1", load) == "new"
    await ticks()
    assert not await cache.exists("a1")  # nobody knows whether that tag still stands


async def test_a_refresh_carries_what_the_value_did(cache: Cache, store: HomeStore) -> None:
    for key in KEYS:
        await aged(cache, key, by=0.0, stale_while_revalidate=100, tags=["t"])
    await asyncio.sleep(11)
    for key in KEYS:
        assert await cache.get_or_set(key, Load().finish(), tags=["t"]) == "old"
    await ticks()
    assert await cache.get_many(KEYS) == dict.fromkeys(KEYS, "value 1")
    for key in KEYS:
        assert store.tags(key) == {record(key[0]), "t:test:t"}
    claims = {w.key for batch in store.writes for w in batch if w.key.startswith("c:")}
    assert claims == {claim_of(f"v:test:{key}") for key in KEYS}


# -- every method, over several homes


async def test_each_method_reaches_each_home(cache: Cache) -> None:
    for key in KEYS:
        assert await cache.add(key, "added")
        assert not await cache.add(key, "again")
        await cache.set(key, "set", tags=["b-tag"])
        assert await cache.get(key) == "set"
        assert await cache.exists(key)
        assert await cache.touch(key, 5)
        entry = await cache.entry(key)
        assert entry is not None
        assert (entry.value, entry.ttl, entry.tags) == ("set", 5, ("b-tag",))
        assert (await cache.metadata(key)) is not None
    assert await cache.get_many(KEYS) == dict.fromkeys(KEYS, "set")
    await cache.delete("a1")
    assert await cache.get_many(KEYS) == {"b1": "set", "c1": "set"}
    await cache.delete_many(["b1", "a1"])
    assert await cache.get_many(KEYS) == {"c1": "set"}
    await cache.invalidate(Key("c1"))
    assert await cache.get_many(KEYS) == {}


ALL: Sequence[str] = [f"{home}{number}" for home in NAMES for number in range(3)]

FORGETS: dict[str, tuple[Callable[[Cache], Awaitable[Any]], str]] = {
    "everything": (lambda cache: cache.clear(), "012"),
    "of a function": (lambda cache: function_of(cache).clear(), "1"),
    "of a function of many": (lambda cache: function_of_many(cache).clear(), "2"),
}


@pytest.mark.parametrize("what", FORGETS)
async def test_what_forgets_all_does_at_all_homes(caches: Caches, what: str) -> None:
    """For every process, and nothing else."""
    forget, gone = FORGETS[what]
    cache, other = caches(connected(caches)), caches(connected(caches))
    await cache.set_many({f"{home}0": 1 for home in NAMES})
    for home in NAMES:
        await function_of(cache)(f"{home}1")
    await function_of_many(cache)([f"{home}2" for home in NAMES])
    assert sorted(await other.get_many(ALL)) == sorted(ALL)
    await forget(other)
    assert sorted(await cache.get_many(ALL)) == [key for key in sorted(ALL) if key[1] not in gone]


async def test_in_a_block_it_hides_what_is_at_any_home(cache: Cache) -> None:
    """And forgets it at the end."""
    one, many = function_of(cache), function_of_many(cache)
    for forget in (cache.clear, one.clear, many.clear):
        await one("a1")
        await many(["b1", "c1"])
        await one("c2")
        await cache.set("b2", 1)
        everything = ["a1", "b1", "c1", "c2", "b2"]
        async with cache.deferred():
            await forget()
            inside = await cache.get_many(everything)
            assert await cache.get_or_set("c1", lambda: "loaded") in ("loaded", "new c1")
        assert await cache.get_many(everything) == inside
        kept = {cache.clear: [], one.clear: ["b1", "c1", "b2"], many.clear: ["a1", "c2", "b2"]}
        assert sorted(inside) == sorted(kept[forget])
        await cache.clear()
