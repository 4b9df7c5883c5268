"""What docs/consistency.md promises and no other test holds by itself."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache, InvalidationError, Tag
from cachekit.testing import FakeClock, Fault, FaultyBackend, ReferenceBackend
from tests.core.conftest import Caches
from tests.core.helpers import Load, aged, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


# -- touch (R8)


async def test_touch_moves_the_end_and_nothing_else(either: Cache) -> None:
    await either.set("k", "value", ttl=10, tags=["t"])
    before = await either.entry("k")
    assert await either.touch("k", 100)
    await asyncio.sleep(50)
    after = await either.entry("k")
    assert before is not None
    assert after is not None
    assert (after.value, after.version, after.tags) == ("value", before.version, ("t",))
    await either.invalidate(Tag("t"))
    assert not await either.touch("k", 100)
    assert await either.get("k") is None


async def test_touch_revives_nothing(either: Cache) -> None:
    await aged(either)
    assert not await either.touch("k", 100)
    await either.set("k", "new")
    await either.delete("k")
    assert not await either.touch("k", 100)
    assert await either.get("k") is None


async def test_touch_leaves_what_came_meanwhile(
    caches: Caches, slow: Cache, store: SlowStore
) -> None:
    other = caches(caches.slow())
    await slow.set("k", "old")
    store.lag = 0.1  # the value is seen, and then it is another one
    touching = start(slow.touch("k", 100))
    await asyncio.sleep(0.05)
    await other.set("k", "new", ttl=1)
    assert await touching is False
    store.lag = 0
    assert await slow.get("k") == "new"
    await asyncio.sleep(2)
    assert await slow.get("k") is None


async def test_a_shortening_that_does_not_arrive_is_an_error() -> None:
    store = FaultyBackend(ReferenceBackend())
    async with Cache(store, namespace="test") as cache:
        await cache.set("k", "value", ttl=100)
        store.fail(Fault.LOST, only="write")
        with pytest.raises(InvalidationError, match="touch"):
            await cache.touch("k", 1)
        store.fail(Fault.LOST, only="write")
        assert await cache.touch("k", 1000) is False
        store.fail(Fault.LOST, only="read")
        assert await cache.touch("k", 1) is False


# -- many


async def test_each_missing_key_of_many_is_in_one_call(either: Cache) -> None:
    asked: list[str] = []

    async def load(keys: list[str]) -> dict[str, str]:
        asked.extend(keys)
        await asyncio.sleep(0.5)
        return {key: key.upper() for key in keys if key != "none"}

    await either.get_or_set_many(["a"], load)
    lists = [["a", "b"], ["b", "c", "none"], ["c", "d", "a"]]
    found = await asyncio.gather(*(either.get_or_set_many(keys, load) for keys in lists))
    assert found == [{key: key.upper() for key in keys if key != "none"} for keys in lists]
    assert sorted(asked) == ["a", "b", "c", "d", "none"]


async def test_of_many_what_is_forgotten_meanwhile_is_loaded_again(either: Cache) -> None:
    source, begun, gate = {"a": "old", "b": "old"}, asyncio.Event(), asyncio.Event()

    async def load(keys: list[str]) -> dict[str, str]:
        found = {key: source[key] for key in keys}
        begun.set()
        await gate.wait()
        return found

    first = start(either.get_or_set_many(["a", "b"], load))
    await begun.wait()
    source["a"] = "new"
    await either.delete("a")
    later = start(either.get_or_set_many(["a", "b"], load))
    await ticks()
    gate.set()
    assert await first == {"a": "old", "b": "old"}
    assert await later == {"a": "new", "b": "old"}


async def test_a_cap_on_loads(caches: Caches) -> None:
    cache, load = caches(max_loads=2), Load()
    callers = [start(cache.get_or_set(f"k{n}", load)) for n in range(10)]
    await ticks()
    assert load.running == 2
    load.finish()
    await asyncio.gather(*callers)
    assert load.calls == 10


async def test_clocks_that_differ_move_the_end_of_a_value_and_nothing_else() -> None:
    clocks = FakeClock(time=1_000_000.0), FakeClock(time=1_000_030.0)
    records: dict[str, tuple[bytes, float]] = {}
    behind, ahead = (
        Cache(ReferenceBackend(clock, records), namespace="test", clock=clock) for clock in clocks
    )
    async with behind, ahead:
        await ahead.set("ahead", 1, ttl=100, stale_while_revalidate=100)
        await behind.set("behind", 1, ttl=100, stale_while_revalidate=100)
        for clock in clocks:
            clock.advance(80)
        views = [await cache.entry(key) for cache in (behind, ahead) for key in ("ahead", "behind")]
        assert [view and view.fresh for view in views] == [True, True, True, False]
        await behind.delete("ahead")
        assert await ahead.get("ahead") is None


# -- forgetting all of a function, and other versions of it


async def test_clearing_a_function_forgets_its_calls_and_voids_its_loads(either: Cache) -> None:
    load = Load()

    @either.cached(key="one:{n}")
    async def one(n: int) -> Any:
        return await load()

    @either.cached(key="other:{n}")
    async def other(n: int) -> int:
        return n

    await other(1)
    under_way = start(one(1))
    await load.begun.wait()
    await one.clear()
    load.finish()
    assert await under_way == "value 1"
    assert await one(1) == "value 2"
    assert await one(1) == "value 2"
    await one.clear()
    assert await one(1) == "value 3"
    await other(1)
    assert other.info.loads == 1


async def test_what_another_version_has_stored_is_not_served() -> None:
    records: dict[str, tuple[bytes, float]] = {}
    for version in (1, 2, 1):
        async with Cache(ReferenceBackend(records=records), namespace="test") as cache:

            @cache.cached(key="k:{n}", version=version)
            async def function(n: int) -> int:
                return n

            await function(1)
            assert function.info.loads == 1
