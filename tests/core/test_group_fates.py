"""Of several keys in one load each has its own waiters, its own stub and its own soft timeout."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, Loads, ends, start, stubs, ticks, time, values
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

WAITING: dict[str, Any] = {"ttl": TTL, "stale_if_error": 60.0}


def many(cache: Cache, keys: list[str], load: Any, **options: Any) -> "asyncio.Task[Any]":
    return start(cache.get_or_set_many(keys, load, **options))


async def begun_for_both(cache: Cache, load: Loads) -> "tuple[asyncio.Task[Any], Loads]":
    """A load of `a` and `b` under way, and who leads it."""
    leader = many(cache, ["a", "b"], load, **WAITING)
    await load.begun.wait()
    await ticks()
    return leader, load


async def gets_at_once(cache: Cache, key: str) -> None:
    before = time()
    assert await cache.get_or_set(key, Load("own {}".format).finish()) == "own 1"
    assert time() == before


# -- R2: who gives a load up removes its stub


async def test_a_key_that_nobody_waits_for_any_longer_has_no_stub(either: Cache) -> None:
    """Though the load goes on for another."""
    leader, load = await begun_for_both(either, Loads())
    single = start(either.get_or_set("a", Load()))
    await ticks()
    leader.cancel()
    await ends(leader)
    await ticks()
    await gets_at_once(either, "b")
    load.finish()
    assert await single == "a 1"
    assert await either.get_many(["a", "b"]) == {"a": "a 1", "b": "own 1"}


async def test_also_if_the_load_goes_on_for_what_is_stale(either: Cache) -> None:
    """Its refresh finishes, whoever is cancelled."""
    await either.set("a", "old", **WAITING)
    await asyncio.sleep(TTL)
    leader, load = await begun_for_both(either, Loads())
    leader.cancel()
    await ends(leader)
    await ticks()
    await gets_at_once(either, "b")
    load.finish()
    await ticks()
    assert await either.get_many(["a", "b"]) == {"a": "a 1", "b": "own 1"}


async def test_also_if_it_was_given_up_before_the_load_began(slow: Cache, store: SlowStore) -> None:
    """While its stub was on its way."""
    await slow.open()
    load = Loads()
    store.delay = 0.1
    leader = many(slow, ["a", "b"], load)
    await asyncio.sleep(0.05)
    single = start(slow.get_or_set("a", Load()))
    await asyncio.sleep(0.2)
    assert [write.key for write in store.writes[-1]] == ["v:test:a", "v:test:b"]
    leader.cancel()
    await ends(leader)
    await load.begun.wait()
    store.delay = 0.0
    await asyncio.sleep(0.2)
    assert (load.asked, stubs(store)) == ([["a"]], ["v:test:a"])
    await gets_at_once(slow, "b")
    load.finish()
    assert await single == "a 1"
    assert await slow.get_many(["a", "b"]) == {"a": "a 1", "b": "own 1"}


# -- soft timeouts


async def test_the_soft_timeout_counts_once_for_all(either: Cache) -> None:
    keys = [f"k{n}" for n in range(10)]
    await either.set_many(dict.fromkeys(keys, "old"), **WAITING)
    await asyncio.sleep(TTL)
    load, before = Loads(), time()
    callers = [many(either, keys, load, soft_timeout=0.5, **WAITING) for _ in range(3)]
    assert await ends(*callers) == [dict.fromkeys(keys, "old")] * 3
    assert time() - before == pytest.approx(0.5, abs=0.01)
    load.finish()
    await ticks()
    assert await either.get_many(keys) == values(keys)


async def test_the_soft_timeout_is_not_for_what_is_missing(either: Cache) -> None:
    await either.set("a", "old", **WAITING)
    await asyncio.sleep(TTL)
    load = Loads()
    caller = many(either, ["a", "b"], load, soft_timeout=0.5, **WAITING)
    await asyncio.sleep(2)
    assert not caller.done()
    load.finish()
    assert (await caller)["b"] == "b 1"


# -- how long the poll of another process's stub goes on


async def test_the_poll_goes_on_when_who_began_it_has_had_enough(caches: Caches) -> None:
    """Those without a soft timeout wait for as long as the other process loads."""
    ours, theirs = caches(caches.slow()), caches(caches.slow())
    await ours.set("k", "old", **WAITING)
    await asyncio.sleep(TTL)
    load, own = Load(), Load("own {}".format).finish()
    leader = start(theirs.get_or_set("k", load, **WAITING))
    await load.begun.wait()

    impatient = start(ours.get_or_set("k", own, soft_timeout=0.1, **WAITING))
    await ticks()
    patient = [start(ours.get_or_set("k", own, **WAITING)) for _ in range(5)]
    await asyncio.sleep(8)
    assert await impatient == "old"
    assert ours.stats().waits == 6  # nobody had to look again
    load.finish()
    assert await ends(*patient) == ["value 1"] * 5
    assert (await leader, load.calls, own.calls) == ("value 1", 1, 0)
