"""What a loader says of how far its value goes: stale windows of its own, for one caller only."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from cachekit import Cache, ConfigurationError, current_load
from cachekit.backend import Outcome, Write
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend


async def test_a_load_has_stale_windows_of_its_own() -> None:
    clock, loads = FakeClock(), 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        if loads > 1:
            raise ConnectionError("no origin")
        current_load().ttl = 10
        current_load().stale(if_error=30)
        return loads

    async with Cache(ttl=1000, clock=clock) as cache:
        assert await cache.get_or_set("a", load) == 1
        clock.advance(35)
        assert await cache.get_or_set("a", load) == 1
        clock.advance(10)
        with pytest.raises(ConnectionError):
            await cache.get_or_set("a", load)


async def test_while_revalidate_serves_at_once_and_refreshes_behind() -> None:
    clock, loads = FakeClock(), 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        current_load().ttl = 10
        current_load().stale(while_revalidate=30)
        return loads

    async with Cache(clock=clock) as cache:
        assert await cache.get_or_set("a", load) == 1
        clock.advance(20)
        assert await cache.get_or_set("a", load) == 1
        await asyncio.sleep(0.01)
        assert await cache.get_or_set("a", load) == 2


async def test_windows_are_checked() -> None:
    def load() -> None:
        current_load().stale(if_error=-1)

    async with Cache() as cache:
        with pytest.raises(ConfigurationError, match="if_error"):
            await cache.get_or_set("a", load)


def private(gate: asyncio.Event, given: list[int]) -> Callable[[], Awaitable[int]]:
    async def load() -> int:
        given.append(len(given) + 1)
        mine = given[-1]
        if mine == 1:
            await gate.wait()
        current_load().skip(private=True)
        return mine

    return load


async def test_a_private_value_is_for_who_began_the_load_alone() -> None:
    gate, given = asyncio.Event(), list[int]()
    load = private(gate, given)
    async with Cache() as cache:
        callers = [asyncio.create_task(cache.get_or_set("a", load)) for _ in range(20)]
        await asyncio.sleep(0.01)
        assert given == [1]
        gate.set()
        assert sorted(await asyncio.gather(*callers)) == list(range(1, 21))
        assert await cache.get("a") is None


async def test_a_private_value_takes_the_old_one_away() -> None:
    clock = FakeClock()
    async with Cache(ttl=10, stale_if_error=1000, clock=clock) as cache:
        await cache.set("a", 0)
        clock.advance(20)
        gate, given = asyncio.Event(), list[int]()
        gate.set()
        load = private(gate, given)
        assert await cache.get_or_set("a", load) == 1
        assert await cache.get_or_set("a", load) == 2
        assert await cache.entry("a") is None


async def test_who_waited_for_a_private_value_falls_back_on_no_older_one() -> None:
    clock, gate, asked = FakeClock(), asyncio.Event(), list[int]()

    async def load() -> int:
        asked.append(len(asked))
        if len(asked) > 1:
            raise ConnectionError("no origin")
        await gate.wait()
        current_load().skip(private=True)
        return 1

    async with Cache(ttl=10, stale_if_error=1000, clock=clock) as cache:
        await cache.set("a", 0)
        clock.advance(20)
        callers = [asyncio.create_task(cache.get_or_set("a", load)) for _ in range(3)]
        await asyncio.sleep(0.01)
        gate.set()
        first, *others = await asyncio.gather(*callers, return_exceptions=True)
        assert first == 1
        assert [type(other) for other in others] == [ConnectionError] * 2


async def test_a_refresh_behind_everybodys_back_that_ends_private_is_nobodys() -> None:
    clock, asked = FakeClock(), list[int]()

    def load() -> int:
        asked.append(len(asked) + 1)
        if asked[-1] == 1:
            current_load().skip(private=True)
        return asked[-1]

    async with Cache(ttl=10, stale_while_revalidate=1000, clock=clock) as cache:
        await cache.set("a", 0)
        clock.advance(20)
        assert await cache.get_or_set("a", load) == 0
        await asyncio.sleep(0.01)
        assert (asked, await cache.get("a")) == ([1], None)
        assert await cache.get_or_set("a", load) == 2


async def test_a_private_load_whose_caller_is_gone_gives_nobody_its_value() -> None:
    gate, given = asyncio.Event(), list[int]()
    load = private(gate, given)
    async with Cache() as cache:
        first, other = (asyncio.create_task(cache.get_or_set("a", load)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        gate.set()
        assert await other == 2
        assert await cache.get("a") is None


async def test_a_private_load_of_many_is_for_its_caller_alone() -> None:
    gate, asked = asyncio.Event(), list[list[str]]()

    async def load(keys: list[str]) -> dict[str, str]:
        asked.append(keys)
        mine = len(asked)
        if mine == 1:
            await gate.wait()
        current_load().skip(private=True)
        return {key: f"{key}{mine}" for key in keys}

    async with Cache() as cache:
        await cache.set("c", "old")
        first = asyncio.create_task(cache.get_or_set_many(["a", "b"], load))
        await asyncio.sleep(0.01)
        other = asyncio.create_task(cache.get_or_set_many(["b", "c"], load))
        await asyncio.sleep(0.01)
        gate.set()
        assert await first == {"a": "a1", "b": "b1"}
        assert await other == {"b": "b2", "c": "old"}
        assert await cache.get_many(["a", "b", "c"]) == {"c": "old"}


async def test_a_private_load_in_a_thread_is_for_its_caller_alone() -> None:
    begun, gate, given = threading.Event(), threading.Event(), list[int]()

    def load() -> int:
        given.append(len(given) + 1)
        mine = given[-1]
        if mine == 1:
            begun.set()
            gate.wait(10)
        current_load().skip(private=True)
        return mine

    async with Cache() as cache:
        first = asyncio.create_task(asyncio.to_thread(cache.sync.get_or_set, "a", load))
        await asyncio.to_thread(begun.wait, 10)
        others = [
            asyncio.create_task(asyncio.to_thread(cache.sync.get_or_set, "a", load))
            for _ in range(3)
        ]
        await asyncio.sleep(0.01)
        gate.set()
        assert await first == 1
        assert sorted(await asyncio.gather(*others)) == [2, 3, 4]
        assert await cache.get("a") is None


class WithoutClaims(MemoryBackend):
    """Acknowledges no claim, so that what is loaded anew is loaded without a lease."""

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        if any(write.key.startswith("c:") for write in writes):
            raise ConnectionError("no claims")
        return await super().write(writes)


async def test_a_private_value_takes_the_old_one_away_though_nothing_of_it_may_be_stored() -> None:
    clock = FakeClock()
    backend = WithoutClaims(clock=clock)
    async with Cache(backend, ttl=10, stale_if_error=1000, clock=clock) as cache:
        await cache.set("a", 0)
        clock.advance(20)
        gate, given = asyncio.Event(), list[int]()
        gate.set()
        assert await cache.get_or_set("a", private(gate, given)) == 1
        assert await cache.entry("a") is None
