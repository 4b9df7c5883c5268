"""R8: `touch` gives what is there another end; it stays what it is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, InvalidationError, Tag, current_load
from cachekit.entry import Kind
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, PickleSerializer, aged, ends, start, ticks
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual


async def left(cache: Cache, key: str = "k") -> float:
    """Seconds for which it is fresh."""
    entry = await cache.entry(key)
    assert entry is not None
    assert entry.ttl is not None
    return entry.ttl - entry.age


@pytest.mark.parametrize("ttl", [30, timedelta(seconds=30), 3.0])
async def test_it_ends_so_many_seconds_from_now(either: Cache, ttl: Any) -> None:
    await aged(either, by=4)
    assert await either.touch("k", ttl)
    assert await left(either) == pytest.approx(3 if ttl == 3.0 else 30)
    await asyncio.sleep(2.9)
    assert await either.get("k") == "old"
    await asyncio.sleep(27.2)
    assert not await either.exists("k")


async def test_without_a_ttl_it_has_again_what_it_had(either: Cache) -> None:
    await aged(either, by=4)
    assert await left(either) == pytest.approx(TTL - 4)
    assert await either.touch("k")
    assert await left(either) == pytest.approx(TTL)


async def test_for_good(either: Cache) -> None:
    await aged(either, by=4)
    assert await either.touch("k", None)
    await asyncio.sleep(1e6)
    assert await either.get("k") == "old"
    assert await either.touch("k")
    assert await either.touch("k", 5)
    await asyncio.sleep(5)
    assert not await either.exists("k")


async def test_it_keeps_its_version_its_windows_and_its_tags(either: Cache) -> None:
    async def load() -> list[int]:
        current_load().tag("from the result")
        await asyncio.sleep(0.5)
        return [1]

    await either.set("other", 1, tags=["from the result"])
    await either.get_or_set("k", load, tags=["declared"], ttl=TTL, stale_while_revalidate=60.0)
    before = await either.entry("k")
    assert await either.touch("k", 20)
    after = await either.entry("k")
    assert before is not None
    assert after is not None
    for name in ("version", "value", "tags", "load_time"):
        assert getattr(after, name) == getattr(before, name)
    await asyncio.sleep(20 + 59)
    assert await either.get("k") == [1]
    for tag in ("declared", "from the result"):
        await either.get_or_set("l", load, tags=["declared"])
        assert await either.touch("l", 20)
        await either.invalidate(Tag(tag))
        assert not await either.exists("l")


async def test_what_is_not_there_is_not_touched(either: Cache) -> None:
    assert not await either.touch("k", 5)
    await either.set("k", "value", tags=["t"], ttl=5)
    await either.invalidate(Tag("t"))
    assert not await either.touch("k", 5)
    await aged(either, "l", by=TTL, stale_if_error=60.0)
    assert not await either.touch("l", 5)
    caller = start(either.get_or_set("m", load := Load()))
    await load.begun.wait()
    assert not await either.touch("m", 5)
    load.finish()
    await ends(caller)


async def test_what_is_stale_and_served_may_be_touched(either: Cache) -> None:
    await aged(either, by=TTL, stale_while_revalidate=60.0)
    assert await either.touch("k", 5)
    assert await left(either) == pytest.approx(5)


async def test_what_replaced_it_meanwhile_is_not_touched(slow: Cache, store: SlowStore) -> None:
    """It is conditional on the version."""
    await slow.set("k", "old", ttl=60)
    store.delay = 0.1
    touching = start(slow.touch("k", 5))
    await asyncio.sleep(0.15)
    store.delay = 0.0
    await slow.set("k", "new", ttl=60)
    assert not await touching
    assert await slow.get("k") == "new"
    assert await left(slow) == pytest.approx(60, abs=0.5)


async def test_a_warm_function_sees_it(either: Cache) -> None:
    @either.cached(key="k", ttl=TTL)
    async def function() -> str:
        return "value"

    for _ in range(3):
        await function()
    assert await either.touch("k", 2)
    await function()
    await asyncio.sleep(2)
    await function()
    assert function.info.loads == 2


async def test_a_refresh_under_way_fills_over_it(either: Cache) -> None:
    """Its anchor is the version, which stays."""
    await aged(either, by=TTL, stale_while_revalidate=60.0)
    load = Load()
    await either.get_or_set("k", load, stale_while_revalidate=60.0)
    await load.begun.wait()
    assert await either.touch("k", 5)
    load.finish()
    await ticks()
    assert await either.get("k") == "value 1"


# -- a shortening forgets


async def test_only_a_shortening_is_announced(slow: Cache, store: SlowStore) -> None:
    await slow.set("k", "value", ttl=60)
    await slow.touch("k", 120)
    await slow.touch("k", 30)
    await slow.touch("k", 31)
    touches = store.sent(Kind.VALUE)[1:]
    assert [write.announce for write in touches] == [False, True, False]


@pytest.mark.parametrize("switch", ["loses", "mutes"])
async def test_one_that_is_not_acknowledged_raises(
    slow: Cache, store: SlowStore, switch: str
) -> None:
    await slow.set("k", "value", ttl=60)
    setattr(store, switch, of_kind(Kind.VALUE))
    assert not await slow.touch("k", 120)
    with pytest.raises(InvalidationError, match="touch"):
        await slow.touch("k", 5)


async def test_one_whose_caller_is_cancelled_finishes(slow: Cache, store: SlowStore) -> None:
    """R10"""
    await slow.set("k", "value", ttl=60)
    store.delay = 0.1
    touching = start(slow.touch("k", 5))
    await asyncio.sleep(0.15)
    touching.cancel()
    await ends(touching)
    await asyncio.sleep(0.2)
    store.delay = 0.0
    assert await left(slow) == pytest.approx(5, abs=0.5)


async def test_in_a_deferred_block_what_is_pending_is_not_there(either: Cache) -> None:
    """R11"""
    await aged(either, by=0)
    async with either.deferred():
        assert await either.touch("k", 20)
        await either.delete("k")
        assert not await either.touch("k", 20)


# -- the rest


@pytest.mark.parametrize("ttl", [0, -1, "60", float("nan"), True])
async def test_what_is_no_ttl(either: Cache, ttl: Any) -> None:
    with pytest.raises(ConfigurationError, match="ttl"):
        await either.touch("k", ttl)


def test_those_who_block(frozen: Caches, fake_clock: FakeClock) -> None:
    cache = frozen(frozen.slow(), serializer=PickleSerializer())
    cache.sync.set("k", "value", ttl=TTL)
    fake_clock.advance(5)
    assert cache.sync.touch("k")
    fake_clock.advance(5)
    assert cache.sync.get("k") == "value"
    assert cache.sync.touch("k", 1)
    fake_clock.advance(1)
    assert not cache.sync.touch("k")
