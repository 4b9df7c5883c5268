"""Room: what a store has none for is served and not stored, and an error for who stores by hand."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from cachekit import Cache, TooLargeError
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.copies import tiered
from tests.core.helpers import TTL, Load, Loads, aged, ends, start, ticks
from tests.core.homes import HomeStore, connected
from tests.core.slow_store import Shelf

pytestmark = pytest.mark.virtual

MOST: Final = 100


class Text:
    """A value of n characters has n bytes."""

    id: Final = "text"
    fingerprint: Final = b""

    def dumps(self, value: Any) -> bytes:
        return str(value).encode()

    def loads(self, data: bytes) -> Any:
        return data.decode()


class Deflate:
    """A step that makes many bytes of the same kind few."""

    id: Final = "deflate"

    def encode(self, data: bytes, context: bytes) -> bytes:
        return zlib.compress(data)

    def decode(self, data: bytes, context: bytes, most: int) -> bytes:
        return zlib.decompress(data)


LARGE: Final = "x" * (MOST + 1)
SMALL: Final = "x" * MOST
ADVICE: Final = (
    "^the value has 101 bytes as it is stored, and HomeStore takes 100: compress it, cache parts "
    "of it, or let the server have more$"
)


@pytest.fixture
async def store(caches: Caches) -> HomeStore:
    store = connected(caches)
    store.most_bytes = MOST
    return store


@pytest.fixture(params=["alone", "copies"])
async def cache(
    request: pytest.FixtureRequest, caches: Caches, store: HomeStore, clock: Clock
) -> Cache:
    """On `store`, then on copies in front of it."""
    return caches(store if request.param == "alone" else tiered(store, clock), serializer=Text())


def values(store: HomeStore) -> list[str]:
    return sorted(key.removeprefix("v:test:") for key in store.shelf.keys(Kind.VALUE))


# -- what is loaded


async def test_it_is_for_all_who_wait(
    cache: Cache, store: HomeStore, caplog: pytest.LogCaptureFixture
) -> None:
    """One load; nothing is stored, and nobody waits for what will not be."""
    load = Load(lambda n: f"{LARGE}{n}")
    callers = [start(cache.get_or_set("a1", load)) for _ in range(5)]
    await load.begun.wait()
    await ticks()
    load.finish()
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await ends(*callers) == [f"{LARGE}1"] * 5
        assert await cache.get_or_set("a1", load) == f"{LARGE}2"
    assert values(store) == []
    assert store.shelf.keys(Kind.PASS) == ["v:test:a1"]
    stats = cache.stats()
    assert (stats.too_large, stats.loads, stats.shared, stats.fills) == (2, 2, 4, 0)
    assert (stats.not_encoded, stats.unreadable) == (0, 0)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("a value for v:test:a1 was served but not stored: the value has 102 ")


async def test_as_many_bytes_as_it_takes_are_stored(cache: Cache, store: HomeStore) -> None:
    assert await cache.get_or_set("a1", lambda: SMALL) == SMALL
    assert await cache.get_or_set("a2", lambda: LARGE) == LARGE
    assert values(store) == ["a1"]
    assert cache.stats().too_large == 1


async def test_another_process_does_not_wait_for_it(caches: Caches, store: HomeStore) -> None:
    cache, other = (caches(store, serializer=Text()) for _ in range(2))
    load = Load(lambda n: f"{LARGE}{n}")
    first = start(cache.get_or_set("a1", load))
    await load.begun.wait()
    second = start(other.get_or_set("a1", load))
    await ticks()
    load.finish()
    assert await ends(first, second) == [f"{LARGE}1", f"{LARGE}2"]
    assert values(store) == []


async def test_the_others_of_one_load_are_stored(cache: Cache, store: HomeStore) -> None:
    loads = Loads(lambda key, n: LARGE if key == "b1" else key).finish()
    keys = ["a1", "b1", "c1"]
    assert await cache.get_or_set_many(keys, loads) == {"a1": "a1", "b1": LARGE, "c1": "c1"}
    assert await cache.get_or_set_many(keys, loads) == {"a1": "a1", "b1": LARGE, "c1": "c1"}
    assert loads.asked == [keys, ["b1"]]
    assert values(store) == ["a1", "c1"]


async def test_a_function_as_well(cache: Cache, store: HomeStore) -> None:
    @cache.cached(key="{key}")
    async def function(key: str) -> Any:
        return LARGE if key == "b1" else key

    assert [await function(key) for key in ("a1", "b1")] == ["a1", LARGE]
    assert values(store) == ["a1"]
    with pytest.raises(TooLargeError, match=ADVICE):
        await function.set(LARGE, "a1")
    assert await function("a1") == "a1"


async def test_an_old_value_stays_for_its_time(cache: Cache, store: HomeStore) -> None:
    """It is served while that is allowed, and not loaded anew by each caller meanwhile."""
    await aged(cache, "a1", by=TTL + 1, stale_while_revalidate=5)
    load = Load(lambda n: LARGE).finish()
    for _ in range(3):
        assert await cache.get_or_set("a1", load) == "old"
        await ticks()
    assert (load.calls, cache.stats().too_large) == (1, 1)
    assert values(store) == ["a1"]
    await asyncio.sleep(5)
    assert await cache.get_or_set("a1", load) == LARGE


async def test_who_has_to_wait_gets_what_was_loaded(cache: Cache, store: HomeStore) -> None:
    """Of the load that came to something, not the old value that is there for errors."""
    await aged(cache, "a1", by=TTL + 1, stale_if_error=100)
    load = Load(lambda n: LARGE).finish()
    assert await cache.get_or_set("a1", load) == LARGE
    assert (load.calls, cache.stats().too_large) == (1, 1)
    assert values(store) == ["a1"]


# -- what is stored by hand


SETS: dict[str, Callable[[Cache], Awaitable[Any]]] = {
    "set": lambda cache: cache.set("b1", LARGE),
    "add": lambda cache: cache.add("b1", LARGE),
    "set_many": lambda cache: cache.set_many({"b1": LARGE}),
}


@pytest.mark.parametrize("way", SETS)
async def test_it_is_an_error(cache: Cache, store: HomeStore, way: str) -> None:
    with pytest.raises(TooLargeError, match=ADVICE):
        await SETS[way](cache)
    assert store.stored() == set()
    assert (cache.stats().unacknowledged, cache.stats().too_large) == (0, 0)


@pytest.mark.parametrize("way", ["set", "set_many"])
async def test_what_was_there_before_stays(cache: Cache, way: str) -> None:
    await cache.set("b1", "old")
    with pytest.raises(TooLargeError):
        await SETS[way](cache)
    assert await cache.get("b1") == "old"
    assert await cache.add("b1", LARGE) is False


async def test_the_others_of_many_are_set(cache: Cache) -> None:
    """At every home."""
    with pytest.raises(TooLargeError, match=ADVICE):
        await cache.set_many({"a1": 1, "b1": LARGE, "b2": 2, "c1": LARGE, "c2": SMALL})
    found = await cache.get_many(["a1", "b1", "b2", "c1", "c2"])
    assert found == {"a1": "1", "b2": "2", "c2": SMALL}


async def test_a_touch_changes_no_size(cache: Cache, store: HomeStore) -> None:
    """Not even where there is less room by now."""
    await cache.set("b1", SMALL, ttl=1)
    store.most_bytes = 10
    assert await cache.touch("b1", 100)
    await asyncio.sleep(50)
    assert await cache.get("b1") == SMALL


async def test_what_is_set_in_a_block_is_stored_by_none(cache: Cache, store: HomeStore) -> None:
    """So it may have any size."""
    async with cache.deferred():
        for set_it in SETS.values():
            await set_it(cache)
    assert store.stored() == set()


# -- which bytes


async def test_what_a_step_makes_of_it_counts(cache: Cache, store: HomeStore) -> None:
    """As it is stored."""
    many = "x" * 10 * MOST
    await cache.set("a1", many, steps=[Deflate()])
    assert await cache.get("a1", steps=[Deflate()]) == many
    assert await cache.get_or_set("b1", lambda: many, steps=[Deflate()]) == many
    assert values(store) == ["a1", "b1"]
    store.most_bytes = 5
    size = len(zlib.compress(many.encode()))
    with pytest.raises(TooLargeError, match=f"^the value has {size} bytes as it is stored, and "):
        await cache.set("a1", many, steps=[Deflate()])


async def test_what_is_too_large_for_the_cache_as_well(cache: Cache, store: HomeStore) -> None:
    """Is told once: what is to be changed first is what the cache allows."""
    with pytest.raises(TooLargeError, match="more than max_value_bytes=50"):
        await cache.set("b1", LARGE, max_value_bytes=50)
    assert await cache.get_or_set("b1", lambda: LARGE, max_value_bytes=50) == LARGE
    assert cache.stats().too_large == 1
    assert values(store) == []


async def test_stubs_and_records_need_no_room(caches: Caches, store: HomeStore) -> None:
    store.most_bytes = 0
    cache = caches(store, serializer=Text())
    assert await cache.get_or_set("a1", lambda: "", tags=["t"]) == ""
    assert await cache.get("a1") == ""
    assert await cache.get_or_set("a2", lambda: "x", tags=["t"]) == "x"
    assert values(store) == ["a1"]


async def test_where_nothing_is_said_there_is_room_for_all(caches: Caches) -> None:
    cache = caches(connected(caches), serializer=Text())
    await cache.set("a1", LARGE * 100)
    assert await cache.get("a1") == LARGE * 100


async def test_another_store_has_another_room(caches: Caches, clock: Clock) -> None:
    stores = [HomeStore(Shelf(clock)), HomeStore(Shelf(clock))]
    stores[0].most_bytes = MOST
    made = iter(stores)
    cache = Cache(lambda: next(made), namespace="test", serializer=Text(), clock=clock)
    async with cache:
        with pytest.raises(TooLargeError):
            await cache.set("a1", LARGE)
    async with cache:
        await cache.set("a1", LARGE)


def test_for_callers_that_block() -> None:
    blocking = Caches(SYSTEM)
    store = HomeStore(blocking.shelf)
    store.most_bytes = MOST
    cache = blocking(store, serializer=Text())
    assert cache.sync.get_or_set("a1", lambda: LARGE) == LARGE
    with pytest.raises(TooLargeError, match=ADVICE):
        cache.sync.set("a1", LARGE)
    assert cache.stats().too_large == 1
    blocking.end_blocking()
