"""One home of a store is down: it takes along what lives there, and nothing of the others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cachekit import MISSING, Cache, InvalidationError, Key
from tests.core.conftest import Caches
from tests.core.helpers import Load
from tests.core.homes import (
    KEYS,
    NAMES,
    HomeStore,
    back,
    connected,
    function_of,
    function_of_many,
    loaded,
)
from tests.core.nodes import journaled

pytestmark = pytest.mark.virtual


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    return connected(caches)


@pytest.fixture
async def cache(caches: Caches, store: HomeStore) -> Cache:
    """With values by hand and of functions at each home; `b` has gone down since."""
    cache = caches(store)
    await cache.set_many({f"{home}0": "old" for home in NAMES})
    for key in KEYS:
        await function_of(cache)(key)
    await function_of_many(cache)([f"{home}2" for home in NAMES])
    store.down = {"b"}
    return cache


ALL = [f"{home}{number}" for home in NAMES for number in range(3)]


# -- reads


async def test_what_the_others_have_goes_on_hitting(cache: Cache) -> None:
    """Also once it is known that one is down."""
    one, many = function_of(cache), function_of_many(cache)
    for _ in range(10):
        assert sorted(await cache.get_many(ALL)) == [key for key in ALL if key[0] != "b"]
        loads = one.info.loads
        assert [await one(key) for key in KEYS] == ["new a1", "new b1", "new c1"]
        assert one.info.loads == loads + 1
        assert [await one.get(key) for key in KEYS] == ["new a1", MISSING, "new c1"]
        assert sorted(await many.get(["a2", "b2", "c2"])) == ["a2", "c2"]
    assert {node.name for node in cache.stats().nodes if node.is_open} == {"b"}
    assert await cache.ping()


async def test_what_others_have_room_for_is_stored_there(cache: Cache, store: HomeStore) -> None:
    """Of keys that are loaded together, too."""
    several = [f"{home}5" for home in NAMES]
    assert await cache.get_or_set_many(several, loaded) == {key: f"new {key}" for key in several}
    await function_of_many(cache)([f"{home}6" for home in NAMES])
    await function_of(cache)("c7")
    await function_of(cache)("b7")
    assert await cache.get_or_set("b8", Load().finish()) == "value 1"
    await back(store)
    names = [f"{home}{number}" for home in NAMES for number in range(5, 9)]
    assert sorted(await cache.get_many(names)) == ["a5", "a6", "c5", "c6", "c7"]


async def test_a_tag_that_lives_there_takes_along_what_carries_it(
    cache: Cache, store: HomeStore
) -> None:
    """Nobody knows whether it still stands; but for that, all is as ever."""
    store.heal()
    await cache.set_many({"a5": 1, "c5": 1}, tags=["b-tag"])
    await cache.set_many({"a6": 1, "c6": 1}, tags=["c-tag"])
    store.down = {"b"}
    assert sorted(await cache.get_many(["a5", "c5", "a6", "c6"])) == ["a6", "c6"]
    store.heal()
    assert sorted(await cache.get_many(["a5", "c5"])) == ["a5", "c5"]


# -- what is set


async def by_hand(cache: Cache) -> None:
    await cache.set_many(dict.fromkeys(ALL, "set"))


async def by_function(cache: Cache) -> None:
    await function_of_many(cache).set(dict.fromkeys(ALL, "set"))


@pytest.mark.parametrize("set_all", [by_hand, by_function])
@pytest.mark.parametrize("down", [{"b"}, {"a", "c"}, set(NAMES)], ids=len)
async def test_one_error_names_all_that_was_not_set(
    cache: Cache,
    store: HomeStore,
    set_all: Callable[[Cache], Awaitable[Any]],
    down: set[str],
) -> None:
    """And no more; the others are set."""
    store.down = down
    with pytest.raises(InvalidationError) as caught:
        await set_all(cache)
    lost = [key for key in ALL if key[0] in down]
    assert sorted(caught.value.unreached) == [f"Key({key!r})" for key in lost]
    assert cache.stats().unacknowledged == len(lost)
    there = [key for key in ALL if key[0] not in down]
    assert await cache.get_many(ALL) == dict.fromkeys(there, "set")
    await back(store)
    assert await cache.get_many(ALL) == dict.fromkeys(there, "set")
    assert journaled(cache) == 0


async def test_each_other_method_tells_of_its_own_key(cache: Cache) -> None:
    for change in (cache.set("b0", 1), cache.delete("b0"), cache.invalidate(Key("b0"))):
        with pytest.raises(InvalidationError, match=r"Key\('b0'\)"):
            await change
    assert await cache.add("b9", 1) is False
    assert await cache.touch("b2") is False
    for home in ("a", "c"):
        await cache.set(f"{home}0", 1)
        await cache.delete(f"{home}0")
        assert await cache.add(f"{home}9", 1)
        assert await cache.touch(f"{home}2")


# -- what forgets all


FORGETS: dict[str, tuple[Callable[[Cache], Awaitable[Any]], str, str]] = {
    "everything": (lambda cache: cache.clear(), "everything", "012"),
    "of a function": (lambda cache: function_of(cache).clear(), "all of f", "1"),
    "of one of many": (lambda cache: function_of_many(cache).clear(), "all of m", "2"),
}


@pytest.mark.parametrize("what", FORGETS)
@pytest.mark.parametrize("down", [{"b"}, {"a", "b"}], ids=len)
async def test_what_forgets_all_names_the_homes_that_it_has_not_reached(
    caches: Caches, cache: Cache, store: HomeStore, what: str, down: set[str]
) -> None:
    """What is at the others is gone; what is at those is once they are back, for all."""
    forget, told, gone = FORGETS[what]
    store.down = down
    with pytest.raises(InvalidationError) as caught:
        await forget(cache)
    assert caught.value.unreached == tuple(f"{told} on {home}" for home in NAMES if home in down)
    kept = [key for key in ALL if key[1] not in gone]
    assert sorted(await cache.get_many(ALL)) == [key for key in kept if key[0] not in down]
    await back(store)
    other = HomeStore(store.shelf)
    caches.backends.append(other)
    for each in (cache, caches(other)):
        assert sorted(await each.get_many(ALL)) == kept
    replayed = {node.name: node.replayed for node in cache.stats().nodes}
    assert replayed == {"HomeStore": 0, "c": 0, "a": 0, "b": 0} | dict.fromkeys(down, 1)


async def test_the_end_of_a_block_names_them_too(cache: Cache) -> None:
    async def block() -> None:
        async with cache.deferred():
            await cache.clear()
            await function_of(cache).clear()

    with pytest.raises(InvalidationError) as caught:
        await block()
    assert sorted(caught.value.unreached) == ["all of f on b", "everything on b"]


async def test_a_set_whose_tag_lives_there_harms_no_other_key(
    cache: Cache, store: HomeStore
) -> None:
    """It is not acknowledged, and forgets instead."""
    missed = 0

    async def read_on() -> None:
        nonlocal missed
        while not setting.done():
            missed += await cache.get("a0") is None
            await asyncio.sleep(0)

    async def set_on() -> None:
        for _ in range(20):
            with pytest.raises(InvalidationError):
                await cache.set("a1", 1, tags=["b-tag"])

    setting = asyncio.ensure_future(set_on())
    await asyncio.gather(setting, *(read_on() for _ in range(20)))
    assert missed == 0
    assert await cache.get("a1") is None
