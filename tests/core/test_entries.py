"""`cache.entry`, `version=`, and `.clear()` of a function."""

import asyncio
from dataclasses import FrozenInstanceError
from typing import Any, Final

import pytest

from cachekit import (
    MISSING,
    Cache,
    CacheClosedError,
    CacheEntry,
    EntryMetadata,
    InvalidationError,
    Tag,
    current_load,
)
from cachekit.entry import Kind
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, start, time
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual


# -- entry()


async def test_what_is_known_of_a_value(either: Cache) -> None:
    async def load() -> list[int]:
        current_load().tag("p:1")
        await asyncio.sleep(2)
        return [1]

    await either.set("other", 1, tags=["p:1"])
    await either.get_or_set("some key", load, tags=["declared"], ttl=TTL)
    await asyncio.sleep(3)
    entry = await either.entry("some key")
    assert isinstance(entry, CacheEntry)
    assert (entry.key, entry.value, entry.fresh) == ("some key", [1], True)
    assert (entry.age, entry.ttl, entry.load_time) == pytest.approx((3.0, TTL, 2.0))
    assert entry.tags == ("declared", "p:1")
    entry.value.append(2)
    assert await either.get("some key") == [1]
    with pytest.raises(FrozenInstanceError):
        entry.value = 2  # type: ignore[misc]


async def test_its_version_is_another_one_for_each_value(either: Cache) -> None:
    versions = set()
    for _ in range(3):
        await either.set("k", "same")
        for _ in range(2):
            entry = await either.entry("k")
            assert entry is not None
            versions.add(entry.version)
    assert len(versions) == 3


async def test_what_was_set_for_good(either: Cache) -> None:
    await either.set("k", None, ttl=None)
    await asyncio.sleep(1e6)
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.value, entry.ttl, entry.fresh, entry.load_time) == (None, None, True, 0.0)
    assert entry.age == pytest.approx(1e6)
    assert entry.tags == ()


@pytest.mark.parametrize("window", ["stale_while_revalidate", "stale_if_error"])
async def test_what_is_stale_is_there_for_its_windows(either: Cache, window: str) -> None:
    options: dict[str, Any] = {window: 20.0}
    await aged(either, by=TTL + 5, **options)
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.value, entry.fresh) == ("old", False)
    assert entry.age == pytest.approx(TTL + 5)
    await asyncio.sleep(15)
    assert await either.entry("k") is None


async def test_where_there_is_no_value_there_is_none(either: Cache) -> None:
    assert await either.entry("k") is None
    load = Load()
    caller = start(either.get_or_set("k", load, tags=["t"]))
    await load.begun.wait()
    assert await either.entry("k") is None
    load.finish()
    await caller
    assert await either.entry("k") is not None
    async with either.deferred():
        await either.delete("k")
        assert await either.entry("k") is None
    await either.set("k", 1, tags=["t"])
    await either.invalidate(Tag("t"))
    assert await either.entry("k") is None


async def test_it_counts_and_refreshes_nothing(either: Cache) -> None:
    await aged(either, by=TTL, stale_while_revalidate=60.0)
    await either.entry("k")
    await either.entry("none")
    stats = either.stats()
    assert (stats.hits, stats.misses, stats.refreshes) == (0, 0, 0)


async def test_its_metadata_are_what_is_known_of_it_but_for_the_value(either: Cache) -> None:
    await either.set("some key", [1], tags=["a", "b"], ttl=TTL)
    await asyncio.sleep(3)
    entry, known = await either.entry("some key"), await either.metadata("some key")
    assert entry is not None
    assert known == EntryMetadata(
        "some key", entry.version, entry.age, TTL, True, ("a", "b"), entry.load_time
    )


async def test_metadata_are_there_of_what_get_cannot_read(either: Cache) -> None:
    class Unreadable:
        id: Final = "unreadable"
        fingerprint: Final = b""

        def dumps(self, value: Any) -> bytes:
            return b"bytes"

        def loads(self, data: bytes) -> Any:
            raise AssertionError("nobody asked for the value")

    await either.set("k", 1, serializer=Unreadable(), version=7, tags=["t"])
    assert await either.entry("k") is None
    known = await either.metadata("k")
    assert known is not None
    assert (known.tags, known.fresh) == (("t",), True)


async def test_there_are_metadata_as_long_as_there_is_an_entry(either: Cache) -> None:
    assert await either.metadata("k") is None
    await aged(either, by=TTL + 5, stale_if_error=20.0)
    known = await either.metadata("k")
    assert known is not None
    assert not known.fresh
    assert known.age == pytest.approx(TTL + 5)
    async with either.deferred():
        await either.delete("k")
        assert await either.metadata("k") is None
    await either.set("k", 1, tags=["t"])
    await either.invalidate(Tag("t"))
    assert await either.metadata("k") is None


# -- ping()


async def test_a_store_that_answers_a_ping_is_there(either: Cache) -> None:
    assert await either.ping()
    await either.close()
    with pytest.raises(CacheClosedError):
        await either.ping()


async def test_one_that_fails_or_hangs_does_not_answer(slow: Cache, store: SlowStore) -> None:
    store.error = OSError("down")
    assert not await slow.ping()
    store.heal()
    assert await slow.ping()
    store.hang()
    began = time()
    assert not await slow.ping()
    assert time() - began < 1.0


def test_those_who_block_may_ask_both(frozen: Caches) -> None:
    cache = frozen()
    cache.sync.set("k", "value", tags=["t"])
    known = cache.sync.metadata("k")
    assert known is not None
    assert known.tags == ("t",)
    assert cache.sync.ping()


def test_those_who_block_may_look_too(frozen: Caches, fake_clock: FakeClock) -> None:
    cache = frozen()
    cache.sync.set("k", "value", ttl=TTL, tags=["t"])
    fake_clock.advance(4)
    entry = cache.sync.entry("k")
    assert entry is not None
    assert (entry.value, entry.age, entry.tags) == ("value", 4.0, ("t",))
    assert cache.sync.entry("none") is None


# -- version=


def versioned(cache: Cache, version: Any, loads: list[Any]) -> Any:
    """One function, as an older or newer release has it."""

    @cache.cached(key="k", name="f", version=version, ttl=TTL, stale_while_revalidate=60.0)
    async def function() -> str:
        loads.append(version)
        return f"by {version}"

    return function


@pytest.mark.parametrize("window", [0.0, TTL])
async def test_what_another_version_stored_is_not_served(caches: Caches, window: float) -> None:
    """Stale neither, and it is taken over like anything invalid."""
    loads: list[Any] = []
    old, new = [versioned(caches(caches.slow()), version, loads) for version in (1, "2 of july")]
    assert await old() == "by 1"
    await asyncio.sleep(window)
    assert await new.get() is MISSING
    assert await new() == "by 2 of july"
    assert await new() == "by 2 of july"
    assert loads == [1, "2 of july"]
    assert await old.get() is MISSING
    assert await old() == "by 1"


async def test_the_same_version_is_served(caches: Caches) -> None:
    loads: list[Any] = []
    for version in (3, "3"):
        assert await versioned(caches(caches.slow()), version, loads)() == "by 3"
    assert loads == [3]


async def test_direct_calls_may_have_versions(either: Cache) -> None:
    await either.set("k", "one", version=1)
    assert await either.get("k") == "one"  # who has none takes any
    assert await either.get_or_set("k", Load().finish(), version=1) == "one"
    assert await either.get_or_set("k", Load("two {}".format).finish(), version=2) == "two 1"
    assert await either.get("k") == "two 1"


async def test_two_versions_load_at_the_same_time_each_for_itself(caches: Caches) -> None:
    """R2: the one that is refused its fill still serves those who asked."""
    fleet = [caches(caches.slow()) for _ in range(2)]
    loads = [Load(f"{version} {{}}".format) for version in (1, 2)]
    await fleet[0].set("k", "zero", version=0)
    callers = [
        start(cache.get_or_set("k", load, version=n + 1))
        for n, (cache, load) in enumerate(zip(fleet, loads, strict=True))
    ]
    await asyncio.sleep(0.1)
    for load in loads:
        load.finish()
    assert await ends(*callers) == ["1 1", "2 1"]


# -- .clear()


async def test_clear_forgets_all_of_one_function(either: Cache) -> None:
    @either.cached(key="one:{n}", name="one", tags=["t"], ttl=TTL, stale_while_revalidate=60.0)
    async def one(n: int) -> int:
        return n

    @either.cached(key="other:{n}", name="other", tags=["t"])
    async def other(n: int) -> int:
        return n

    for n in range(20):
        await one(n)
        await other(n)
    await either.set("k", 1)
    await one.clear()
    assert [await one.get(n) for n in range(20)] == [MISSING] * 20
    assert [await other.get(n) for n in range(20)] == [*range(20)]
    assert await either.get("k") == 1
    await one(1)
    assert await one.get(1) == 1
    await asyncio.sleep(TTL)
    await one.clear()
    assert await one.get(1) is MISSING


async def test_also_what_it_is_just_loading(either: Cache) -> None:
    """R1"""
    load = Load()

    @either.cached(key="k", name="f")
    async def function() -> Any:
        return await load()

    before = start(function())
    await load.begun.wait()
    await function.clear()
    after = start(function())
    await asyncio.sleep(0.1)
    load.finish()
    assert await ends(before, after) == ["value 1", "value 2"]
    assert await function.get() == "value 2"


async def test_in_all_processes(caches: Caches) -> None:
    functions = []
    for _ in range(3):

        @caches(caches.slow()).cached(key="k", name="f")
        async def function() -> str:
            return "value"

        functions.append(function)
    for function in functions:
        await function()
    await functions[0].clear()
    assert [await function.get() for function in functions] == [MISSING] * 3
    assert [function.info.loads for function in functions] == [1, 0, 0]


async def test_methods_are_cleared_for_all_objects(either: Cache) -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.name = name

        def cache_key(self) -> str:
            return self.name

        @either.cached(name="price")
        async def price(self, n: int) -> int:
            return n

        @either.cached(name="stock")
        async def stock(self, n: int) -> int:
            return n

    shops = [Shop("here"), Shop("there")]
    for shop in shops:
        await shop.price(1)
        await shop.stock(1)
    await shops[0].price.clear()
    assert [await shop.price.get(1) for shop in shops] == [MISSING] * 2
    assert [await shop.stock.get(1) for shop in shops] == [1, 1]
    await Shop.stock.clear()
    assert [await shop.stock.get(1) for shop in shops] == [MISSING] * 2


async def test_a_clear_that_is_not_acknowledged_raises(slow: Cache, store: SlowStore) -> None:
    @slow.cached(key="k", name="f")
    async def function() -> int:
        return 1

    await function()
    store.loses = of_kind(Kind.TAG)
    with pytest.raises(InvalidationError, match="all of f"):
        await function.clear()


async def test_in_a_deferred_block_it_waits_for_the_end(either: Cache) -> None:
    """R11"""

    @either.cached(key="k", name="f")
    async def function() -> int:
        return 1

    await function()
    async with either.deferred():
        await function.clear()
        assert await function.get() is MISSING
        assert await either.get("k") is None
    assert await function.get() is MISSING


def test_a_plain_def_is_cleared(frozen: Caches) -> None:
    cache = frozen(frozen.slow())

    @cache.cached(key="of:{n}", name="f")
    def function(n: int) -> int:
        return n

    assert [function(n) for n in range(3)] == [0, 1, 2]
    function.clear()
    assert [function.get(n) for n in range(3)] == [MISSING] * 3
