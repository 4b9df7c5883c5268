"""`get_or_set(accept=…)`: who does not take what is there has it loaded anew; others keep it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cachekit import MISSING, Cache, CacheEntry, Key
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend
from tests.core.helpers import PickleSerializer


class Origin:
    def __init__(self) -> None:
        self.loads = 0
        self.down = False
        self.gate: asyncio.Event | None = None

    async def __call__(self) -> int:
        self.loads += 1
        mine = self.loads
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise ConnectionError("no origin")
        return mine


def younger_than(seconds: float) -> Callable[[CacheEntry], bool]:
    return lambda there: there.age < seconds


async def test_what_is_not_taken_is_loaded_anew_and_stored_for_all() -> None:
    clock, origin = FakeClock(), Origin()
    async with Cache(ttl=60, clock=clock) as cache:
        assert await cache.get_or_set("a", origin) == 1
        clock.advance(10)
        assert await cache.get_or_set("a", origin, accept=younger_than(20)) == 1
        assert await cache.get_or_set("a", origin, accept=younger_than(5)) == 2
        assert await cache.get_or_set("a", origin) == 2
        assert origin.loads == 2


async def test_a_load_that_fails_leaves_the_old_value_to_those_who_take_it() -> None:
    clock, origin = FakeClock(), Origin()
    async with Cache(ttl=60, stale_if_error=60, clock=clock) as cache:
        await cache.get_or_set("a", origin)
        origin.down = True
        for _ in range(3):
            with pytest.raises(ConnectionError):
                await cache.get_or_set("a", origin, accept=lambda there: False)
            assert await cache.get_or_set("a", origin) == 1
        assert origin.loads == 4


async def test_those_who_take_it_wait_for_nobody_meanwhile() -> None:
    origin = Origin()
    async with Cache(ttl=60) as cache:
        await cache.get_or_set("a", origin)
        origin.gate = asyncio.Event()
        picky = asyncio.create_task(cache.get_or_set("a", origin, accept=lambda there: False))
        await asyncio.sleep(0.01)
        assert await cache.get_or_set("a", origin) == 1
        origin.gate.set()
        assert await picky == 2


async def test_many_who_do_not_take_it_share_one_load() -> None:
    origin = Origin()
    async with Cache(ttl=60) as cache:
        await cache.get_or_set("a", origin)
        picky = [cache.get_or_set("a", origin, accept=lambda there: False) for _ in range(50)]
        assert await asyncio.gather(*picky) == [2] * 50


async def test_what_is_forgotten_meanwhile_is_not_put_back() -> None:
    origin = Origin()
    async with Cache(ttl=60) as cache:
        await cache.get_or_set("a", origin)
        origin.gate = asyncio.Event()
        picky = asyncio.create_task(cache.get_or_set("a", origin, accept=lambda there: False))
        await asyncio.sleep(0.01)
        await cache.invalidate(Key("a"))
        origin.gate.set()
        assert await picky == 2
        assert await cache.get("a") is None


async def test_accept_sees_what_is_there() -> None:
    seen: list[CacheEntry] = []

    def accept(there: CacheEntry) -> bool:
        seen.append(there)
        return True

    async with Cache(ttl=60, serializer=PickleSerializer()) as cache:
        await cache.get_or_set("a", lambda: [1], tags=["t"])
        assert await cache.get_or_set("a", lambda: [2], tags=["t"], accept=accept) == [1]
        assert (seen[0].key, seen[0].value, seen[0].tags) == ("a", [1], ("t",))
        assert cache.sync.get_or_set("b", lambda: 1, accept=accept) == 1
        assert len(seen) == 1  # there was nothing to look at


async def test_in_a_deferred_block_too() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", 1)
        async with cache.deferred():
            assert await cache.get_or_set("a", lambda: 2, accept=lambda there: False) == 2
        assert await cache.get("a") == 1


@pytest.mark.parametrize("stale", [0.0, 60.0])
async def test_processes_take_turns(stale: float) -> None:
    """Two caches on one store stand for two processes: the claim of one makes the other wait."""
    store, origin, other = MemoryBackend(), Origin(), Origin()
    one = Cache(store, namespace="n", ttl=60, stale_if_error=stale)
    two = Cache(store, namespace="n", ttl=60, stale_if_error=stale)
    async with one, two:
        await one.get_or_set("a", origin)
        origin.gate = asyncio.Event()
        there = await one.entry("a")
        assert there is not None

        def newer(seen: CacheEntry) -> bool:
            return seen.version != there.version

        first = asyncio.create_task(one.get_or_set("a", origin, accept=newer))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(two.get_or_set("a", other, accept=newer))
        await asyncio.sleep(0.01)
        origin.gate.set()
        assert [await first, await second] == [2, 2]
        assert other.loads == 0


async def test_what_accept_raises_is_the_callers_and_leaves_nothing_behind() -> None:
    origin = Origin()

    def broken(there: CacheEntry) -> bool:
        raise ZeroDivisionError

    async with Cache(ttl=60) as cache:
        assert await cache.get_or_set("a", origin, accept=broken) == 1  # there was nothing
        with pytest.raises(ZeroDivisionError):
            await cache.get_or_set("a", origin, accept=broken)
        with pytest.raises(ZeroDivisionError):
            cache.sync.get_or_set("a", lambda: 3, accept=broken)
        assert await cache.get_or_set("a", origin) == 1
        assert await cache.get_or_set("a", origin, accept=lambda there: False) == 2


async def later(there: CacheEntry) -> bool:
    return False


@pytest.mark.parametrize("accept", [True, "yes", later])
async def test_what_cannot_say_yes_or_no_is_an_error_at_once(accept: Any) -> None:
    """A coroutine would be a yes to everything."""
    async with Cache() as cache:
        with pytest.raises(TypeError, match="plain function of a CacheEntry"):
            await cache.get_or_set("a", Origin(), accept=accept)


async def test_a_cache_that_is_switched_off_asks_nobody() -> None:
    origin = Origin()
    async with Cache(disabled=True) as cache:
        for number in (1, 2):
            assert await cache.get_or_set("a", origin, accept=lambda there: 1 / 0 > 0) == number


async def test_no_thread_gets_what_it_has_refused() -> None:
    loads = list[int]()

    def load() -> int:
        loads.append(len(loads) + 1)
        return len(loads)

    async with Cache(ttl=60) as cache:
        await cache.get_or_set("a", load)
        first = await cache.entry("a")
        assert first is not None

        def newer(there: CacheEntry) -> bool:
            return there.version != first.version

        asked = [
            asyncio.to_thread(cache.sync.get_or_set, "a", load, accept=newer) for _ in range(8)
        ]
        assert 1 not in await asyncio.gather(*asked)
        assert await cache.get("a") in loads[1:]


async def test_inside_a_load_who_refuses_waits_for_one_lease_at_most() -> None:
    """R9: the load of an outer key refuses what is there, while that load waits for the outer."""
    origin = Origin()
    async with Cache(ttl=60) as cache:
        await cache.set("in", 0)

        async def inner() -> int:
            return await cache.get_or_set("out", origin) + 10

        async def outer() -> int:
            return await cache.get_or_set("in", inner, accept=lambda there: False) + 100

        with pytest.raises(RecursionError):
            await cache.get_or_set("out", outer)
        assert await cache.get("in") == 0


async def test_under_a_cap_who_refuses_waits_for_its_turn() -> None:
    origin, other = Origin(), Origin()
    async with Cache(ttl=60, max_loads=1) as cache:
        await cache.set("a", 0)
        other.gate = asyncio.Event()
        slow = asyncio.create_task(cache.get_or_set("b", other))
        await asyncio.sleep(0.01)
        picky = asyncio.create_task(cache.get_or_set("a", origin, accept=lambda there: False))
        await asyncio.sleep(0.01)
        assert origin.loads == 0
        assert await cache.get_or_set("a", origin) == 0
        other.gate.set()
        assert [await slow, await picky] == [1, 1]


async def test_who_has_waited_in_vain_for_another_process_is_asked_once_more() -> None:
    store, broken, origin = MemoryBackend(), Origin(), Origin()
    one, two = Cache(store, namespace="n", ttl=60), Cache(store, namespace="n", ttl=60)
    async with one, two:
        await one.set("a", 0)
        broken.gate, broken.down = asyncio.Event(), True
        first = asyncio.create_task(one.get_or_set("a", broken, accept=lambda there: False))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(two.get_or_set("a", origin, accept=lambda there: False))
        await asyncio.sleep(0.01)
        assert origin.loads == 0
        broken.gate.set()
        with pytest.raises(ConnectionError):
            await first
        assert await second == 1


async def test_a_peeker_gives_what_peek_does() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", None)
        await cache.set("b" * 500, 2)
        glance = cache.peeker()
        assert [glance("a"), glance("b" * 500), glance("c")] == [None, 2, MISSING]
        pickled = cache.peeker(serializer=PickleSerializer())
        assert pickled("a") is MISSING  # it is written in another format
        await cache.invalidate(Key("a"))
        assert glance("a") is MISSING
