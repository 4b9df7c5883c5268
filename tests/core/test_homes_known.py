"""From when on a cache knows the homes of its store, and for how long."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cachekit import Cache, CacheClosedError, InvalidationError
from cachekit.backend import Backend
from cachekit.clock import SYSTEM, Clock
from tests.core.conftest import Caches
from tests.core.helpers import Load, PickleSerializer
from tests.core.homes import (
    KEYS,
    NAMES,
    HomeStore,
    connected,
    function_of,
    function_of_many,
    loaded,
    record,
    records,
)
from tests.core.slow_store import Shelf, SlowStore

virtual = pytest.mark.virtual


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    return connected(caches)


@pytest.fixture
async def cache(caches: Caches, store: HomeStore) -> Cache:
    return caches(store)


# -- a backend that is made


class Maker:
    """Makes the stores that it is given, one after the other."""

    def __init__(self, *stores: Backend) -> None:
        self.stores = stores
        self.made = 0

    def __call__(self) -> Backend:
        self.made += 1
        return self.stores[self.made - 1]


FIRST: dict[str, Callable[[Cache], Awaitable[Any]]] = {
    "get": lambda cache: cache.get("b1"),
    "set": lambda cache: cache.set("b1", 1),
    "set_many": lambda cache: cache.set_many({"b1": 1}),
    "add": lambda cache: cache.add("b1", 1),
    "get_or_set": lambda cache: cache.get_or_set("b1", Load().finish()),
    "get_or_set_many": lambda cache: cache.get_or_set_many(["b1"], loaded),
    "function": lambda cache: function_of(cache)("b1"),
    "function.get": lambda cache: function_of(cache).get("b1"),
    "function of many": lambda cache: function_of_many(cache)(["b1"]),
    "clear": lambda cache: cache.clear(),
    "function.clear": lambda cache: function_of(cache).clear(),
    "ping": lambda cache: cache.ping(),
    "open": lambda cache: cache.open(),
}


@virtual
@pytest.mark.parametrize("call", FIRST)
async def test_the_first_call_knows_the_homes(caches: Caches, store: HomeStore, call: str) -> None:
    """Not before it is made, and it is made once."""
    maker = Maker(store)
    cache = Cache(maker, namespace="test", clock=caches.clock)
    caches.made.append(cache)
    function_of(cache)
    assert maker.made == 0
    await FIRST[call](cache)
    await cache.set("b2", 1)
    assert maker.made == 1
    assert store.tags("b2") == {record("b")}
    assert own(store) <= {*records(), *records("fn:f"), *records("fn:m")}


PICKLED = PickleSerializer()


async def use(cache: Cache, function: Any) -> None:
    """All that remembers something by the key."""
    for key in KEYS:
        await cache.get(key)
        await cache.get(key, serializer=PICKLED)
        await cache.exists(key)
        await function(key)
        await cache.set(f"{key}-set", 1)
    await cache.get_many(KEYS)


def own(store: SlowStore) -> set[str]:
    """The framework's own records that a store was asked for."""
    read = {key for batch in store.reads for key in batch}
    written = {write.key for batch in store.writes for write in batch}
    return {key for key in read | written if "~" in key}


@virtual
@pytest.mark.parametrize("others", [("c", "b", "x"), ()], ids=["others", "none"])
async def test_another_store_has_other_homes(clock: Clock, others: tuple[str, ...]) -> None:
    """Nothing of those before is known any more, whoever has asked for what, and when."""
    first = HomeStore(Shelf(clock))
    second = HomeStore(Shelf(clock), others) if others else SlowStore(Shelf(clock))
    cache = Cache(Maker(first, second), namespace="test", serializer=PICKLED, clock=clock)
    function = function_of(cache)
    await use(cache, function)
    await cache.clear()
    assert own(first) == {*records(), *records("fn:f")}
    await cache.close()
    with pytest.raises(CacheClosedError):
        await use(cache, function)
    await cache.open()
    await use(cache, function)
    await cache.clear()
    await function.clear()
    assert await cache.ping()
    homes = others or ("",)
    assert own(second) == {record(home, name) for home in homes for name in ("home", "fn:f")}
    await cache.close()


@virtual
async def test_the_same_store_has_the_same(cache: Cache, store: HomeStore) -> None:
    for _ in range(2):
        async with cache:
            assert await cache.get_or_set_many(KEYS, loaded)
            assert {key: store.tags(key) for key in KEYS} == {key: {record(key[0])} for key in KEYS}
    await cache.open()
    assert sorted(await cache.get_many(KEYS)) == sorted(KEYS)


# -- no loop, no store


def test_for_callers_that_block() -> None:
    blocking = Caches(SYSTEM)
    store = HomeStore(blocking.shelf)
    cache = blocking(store)

    @cache.cached(key="{key}", name="f")
    def function(key: str) -> str:
        return f"new {key}"

    sync = cache.sync
    assert [function(key) for key in KEYS] == [f"new {key}" for key in KEYS]
    sync.set_many({f"{home}2": 1 for home in NAMES})
    assert store.tags("b1") == {record("b"), record("b", "fn:f")}
    assert store.tags("c2") == {record("c")}
    store.down = {"b"}
    with pytest.raises(InvalidationError, match="not acknowledged for: all of f on b "):
        function.clear()
    assert sync.get_many(["a1", "b1", "c1", "a2", "b2", "c2"]) == {"a2": 1, "c2": 1}
    with pytest.raises(InvalidationError, match="not acknowledged for: everything on b "):
        sync.clear()
    assert sync.get_many(["a2", "c2"]) == {}
    assert sync.ping()
    blocking.end_blocking()


@virtual
async def test_a_cache_that_is_disabled_makes_none(store: HomeStore) -> None:
    maker = Maker(store)
    cache = Cache(maker, namespace="test", disabled=True)
    for _ in range(2):
        for call in FIRST.values():
            await call(cache)
        await cache.close()
        await cache.open()
    assert maker.made == 0
    assert cache.sync.get_or_set("a1", lambda: "new") == "new"
    await cache.close()


# -- whether it answers


@virtual
@pytest.mark.parametrize("down", [set(), {"a"}, {"c", "b"}], ids=len)
async def test_it_answers_while_one_home_does(
    cache: Cache, store: HomeStore, down: set[str]
) -> None:
    store.down = down
    for _ in range(10):
        assert await cache.ping()


@virtual
@pytest.mark.parametrize("how", ["each is down", "all refuse"])
async def test_it_does_not_when_none_does(cache: Cache, store: HomeStore, how: str) -> None:
    if how == "each is down":
        store.down = set(NAMES)
    else:
        store.error = ConnectionRefusedError("refused")
    for _ in range(10):
        assert not await cache.ping()
