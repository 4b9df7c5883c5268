"""R5, `early_refresh`: what is in use is loaded anew before its end, by few, at various times."""

import asyncio
import os
from dataclasses import replace
from statistics import fmean
from types import SimpleNamespace

import pytest

from cachekit import Cache, policy
from cachekit.codec import Codec
from cachekit.entry import Entry, Kind
from cachekit.policy import PASS, Policy
from tests.core.conftest import Caches
from tests.core.helpers import Load, PickleSerializer, start, ticks, time

pytestmark = pytest.mark.virtual

TTL = 20.0

PICKLED = Policy(Codec(PickleSerializer()), PickleSerializer())
EARLY = replace(PICKLED, ttl=TTL, early_refresh=2.0)


class Slow:
    """A loader that takes a second, and notes when it began."""

    def __init__(self) -> None:
        self.begun: list[float] = []

    async def __call__(self) -> str:
        self.begun.append(time())
        await asyncio.sleep(1.0)
        return f"value {len(self.begun)}"


def entry(version: int | None = None) -> Entry:
    """One that took a second to load and is fresh until 100."""
    entry = Entry(Kind.VALUE, version=version)
    entry.ttl, entry.load_time, entry.fresh_until = TTL, 1.0, 100.0
    return entry


# -- the moment


def test_it_is_drawn_once_for_a_version() -> None:
    first, other = entry(7), entry(8)
    moments = {EARLY.quiet_until(first) for _ in range(10)}
    assert moments == {EARLY.quiet_until(entry(7))}
    assert EARLY.quiet_until(other) not in moments


def test_each_process_draws_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one = entry()
    moments = [EARLY.quiet_until(one)]
    monkeypatch.setattr(policy, "_SALT", 12345)
    moments.append(EARLY.quiet_until(one))
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child of a fork
    moments.append(EARLY.quiet_until(one))
    assert len(set(moments)) == 3


def test_it_is_so_many_load_times_before_the_end_on_average() -> None:
    early = [100.0 - EARLY.quiet_until(entry()) for _ in range(4000)]
    assert min(early) >= 0.0
    assert fmean(early) == pytest.approx(2.0, rel=0.15)


def test_it_is_the_end_for_what_was_no_work_or_has_no_end() -> None:
    quick, eternal = entry(), entry()
    quick.load_time = 0.0
    eternal.ttl = None
    assert EARLY.quiet_until(quick) == EARLY.quiet_until(eternal) == 100.0
    assert PICKLED.quiet_until(entry()) == 100.0


# -- what happens then


async def looks(cache: Cache, key: str, load: Slow, early_refresh: float) -> list[str]:
    """What a caller gets, four times a second until a little after the ttl; never waits."""
    await cache.get_or_set(key, load, ttl=TTL, early_refresh=early_refresh)
    values = []
    for _ in range(int(4 * TTL)):
        before = time()
        values.append(await cache.get_or_set(key, load, ttl=TTL, early_refresh=early_refresh))
        assert time() == before
        await asyncio.sleep(0.25)
    return values


async def test_nobody_waits_and_the_value_is_served_meanwhile(either: Cache) -> None:
    """At another moment for each key."""
    loads = {f"k{n}": Slow() for n in range(50)}
    seen = await asyncio.gather(*(looks(either, key, load, 4.0) for key, load in loads.items()))
    refreshed = [load.begun[1] for load in loads.values() if len(load.begun) > 1]
    assert len(refreshed) > 35
    assert len({round(moment) for moment in refreshed}) > 5
    for values in seen:
        assert values == sorted(values)
    assert either.stats().stale == 0


async def test_it_is_off_unless_asked_for(either: Cache) -> None:
    load = Slow()
    assert await looks(either, "k", load, 0.0) == ["value 1"] * 80
    assert len(load.begun) == 1


async def test_what_was_set_took_no_load(either: Cache) -> None:
    await either.set("k", "set", ttl=TTL)
    await asyncio.sleep(TTL - 0.01)
    assert await either.get_or_set("k", Load(), early_refresh=1000) == "set"
    await ticks()
    assert either.stats().refreshes == 0


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment drawn is that of the load, or long before."""
    monkeypatch.setattr(policy, "math", SimpleNamespace(log=lambda _: -1000.0))


@pytest.mark.usefixtures("at_once")
async def test_of_a_hundred_callers_one_refreshes(either: Cache) -> None:
    load = Slow()

    @either.cached(key="k", ttl=TTL, early_refresh=1.0)
    async def function() -> str:
        return await load()

    await function()
    before = time()
    assert await asyncio.gather(*(function() for _ in range(100))) == ["value 1"] * 100
    assert time() == before
    await asyncio.sleep(0.5)
    assert await function() == "value 1"
    await asyncio.sleep(0.6)
    assert (await function.get(), len(load.begun)) == ("value 2", 2)


@pytest.mark.usefixtures("at_once")
async def test_of_three_processes_one_does(fleet: list[Cache]) -> None:
    load = Slow()

    def ask(cache: Cache) -> "asyncio.Task[str]":
        return start(cache.get_or_set("k", load, ttl=TTL, early_refresh=1.0))

    await ask(fleet[0])
    for _ in range(5):
        assert [await ask(cache) for cache in fleet] == ["value 1"] * 3
        await asyncio.sleep(0.15)
    await asyncio.sleep(0.5)
    assert [await cache.get("k") for cache in fleet] == ["value 2"] * 3
    assert len(load.begun) == 2


@pytest.mark.usefixtures("at_once")
async def test_one_that_fails_is_tried_again_a_second_later(either: Cache) -> None:
    loads = 0

    @either.cached(key="k", ttl=TTL, early_refresh=1.0)
    async def function() -> int:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.1 if loads == 1 else 0)
        if loads > 1:
            raise ConnectionError("down")
        return loads

    await function()
    for _ in range(30):
        assert await function() == 1
        await asyncio.sleep(0.1)
    assert loads == 4
    assert either.stats().passes == 3
    await asyncio.sleep(PASS)


@pytest.mark.usefixtures("at_once")
async def test_in_a_deferred_block_there_is_none(caches: Caches) -> None:
    cache = caches(early_refresh=1.0, ttl=TTL)
    load = Slow()
    await cache.get_or_set("k", load)
    async with cache.deferred():
        assert await cache.get_or_set("k", load) == "value 1"
    await asyncio.sleep(2)
    assert len(load.begun) == 1
