"""`max_loads`: so many loads run at once in this process; the others wait in order."""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, current_load
from cachekit.runtime import ON_LOOP, drive, in_thread
from cachekit.slots import Slots
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, PickleSerializer, ends, start, ticks, time
from tests.core.test_fork import in_child
from tests.core.threads import PATIENCE, Gate, Threads, until

pytestmark = pytest.mark.virtual


class Origin:
    """Loaders that note their order, and how many run at once."""

    def __init__(self, takes: float = 1.0) -> None:
        self.takes = takes
        self.order: list[str] = []
        self.running = self.most = 0

    def load(self, key: str) -> Callable[[], Any]:
        async def load() -> str:
            self.order.append(key)
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                await asyncio.sleep(self.takes)
            finally:
                self.running -= 1
            return key

        return load

    def ask(self, cache: Cache, key: str, **options: Any) -> "asyncio.Task[str]":
        return start(cache.get_or_set(key, self.load(key), **options))


@pytest.fixture(params=["memory", "slow"])
async def capped(request: pytest.FixtureRequest, caches: Caches) -> Cache:
    """A cache of two loads at once."""
    cache = caches(caches.slow() if request.param == "slow" else None, max_loads=2)
    await cache.open()
    return cache


async def test_so_many_at_once_and_first_come_first_served(capped: Cache) -> None:
    origin, keys = Origin(), [f"k{n}" for n in range(10)]
    callers = []
    for key in keys:
        callers.append(origin.ask(capped, key))
        await ticks()
    assert await ends(*callers) == keys
    assert (origin.order, origin.most) == (keys, 2)
    assert time() == pytest.approx(5.0, abs=0.1)


async def test_one_load_is_one_however_many_wait_for_it(capped: Cache) -> None:
    origin = Origin()
    callers = [origin.ask(capped, key) for key in "ab" * 50]
    assert await ends(*callers) == [*"ab" * 50]
    assert time() == pytest.approx(1.0, abs=0.1)


async def test_many_keys_in_one_call_are_one(capped: Cache) -> None:
    async def load(keys: list[str]) -> dict[str, str]:
        await asyncio.sleep(1)
        return dict.fromkeys(keys, "value")

    tasks = [start(capped.get_or_set_many([f"{n} {m}" for m in range(9)], load)) for n in "ab"]
    await ends(*tasks)
    assert time() == pytest.approx(1.0, abs=0.1)


async def test_a_load_in_a_load_does_not_count(capped: Cache) -> None:
    """R9: else two that hold the slots would wait for a third for ever."""
    origin = Origin()

    def outer(n: int) -> Any:
        return lambda: capped.get_or_set(f"inner {n}", origin.load(f"inner {n}"))

    callers = [start(capped.get_or_set(f"outer {n}", outer(n))) for n in range(4)]
    assert await ends(*callers) == [f"inner {n}" for n in range(4)]
    assert time() == pytest.approx(2.0, abs=0.1)


async def test_one_that_another_load_waits_for_waits_for_no_slot(capped: Cache) -> None:
    """R9"""
    origin, hold = Origin(), Load()
    held = [start(capped.get_or_set(f"held {n}", hold)) for n in range(1)]
    await hold.begun.wait()
    begun = asyncio.Event()

    async def outer() -> Any:
        await begun.wait()
        return await capped.get_or_set("inner", origin.load("inner"))

    needing = start(capped.get_or_set("outer", outer))
    await ticks()
    queued = origin.ask(capped, "inner")
    await ticks()
    begun.set()
    before = time()
    assert await ends(needing, queued) == ["inner"] * 2
    assert time() - before == pytest.approx(1.0, abs=0.1)
    hold.finish()
    await ends(*held)


async def test_who_waits_for_a_turn_keeps_no_other_process_from_loading(caches: Caches) -> None:
    shared = caches.slow()
    busy, idle = caches(shared, max_loads=1), caches(shared, max_loads=1)
    long, quick = Origin(takes=10.0), Origin(takes=0.1)
    first, queued = long.ask(busy, "a"), quick.ask(busy, "b")
    await ticks()
    assert await quick.ask(idle, "b") == "b"
    assert time() < 1.0
    assert await ends(first, queued) == ["a", "b"]
    assert quick.order == ["b"]  # by then it was there


async def test_a_second_load_that_waits_for_its_turn_keeps_its_stub(caches: Caches) -> None:
    cache, origin = caches(caches.slow(), max_loads=1), Origin(takes=5.0)

    async def tagged() -> str:
        current_load().tag("t")  # not met before: R7 wants a second load
        await asyncio.sleep(0.1)
        return "tagged"

    first = start(cache.get_or_set("k", tagged))
    await ticks()
    between = origin.ask(cache, "long")
    assert await ends(first, between) == ["tagged", "long"]
    await asyncio.sleep(1.0)
    assert await cache.get("k") == "tagged"
    assert cache.stats().refused_fills == 0


async def test_a_load_takes_as_long_as_its_loader_does(capped: Cache) -> None:
    origin = Origin()
    await ends(*(origin.ask(capped, f"k{n}") for n in range(8)))
    entries = [await capped.entry(f"k{n}") for n in range(8)]
    assert [entry and entry.load_time for entry in entries] == [pytest.approx(1.0)] * 8


async def test_who_gets_no_turn_in_time_has_a_timeout(capped: Cache) -> None:
    origin, hold = Origin(), Load()
    held = [start(capped.get_or_set(f"held {n}", hold)) for n in range(2)]
    await hold.begun.wait()
    await ticks()
    late = origin.ask(capped, "late", load_timeout=3)
    (error,) = await ends(late)
    assert isinstance(error, TimeoutError)
    assert "2 were under way" in str(error)
    assert time() == pytest.approx(3.0, abs=0.1)
    assert origin.order == []
    hold.finish()
    await ends(*held)
    assert await origin.ask(capped, "late") == "late"


async def test_who_waits_may_have_the_old_value_instead(capped: Cache) -> None:
    options: Any = {"ttl": TTL, "stale_if_error": 60.0}
    await capped.set("k", "old", **options)
    await asyncio.sleep(TTL)
    hold = Load()
    held = [start(capped.get_or_set(f"held {n}", hold)) for n in range(2)]
    await hold.begun.wait()
    await ticks()
    origin, before = Origin(), time()
    assert await origin.ask(capped, "k", soft_timeout=0.5, **options) == "old"
    assert time() - before == pytest.approx(0.5, abs=0.1)
    hold.finish()
    await ends(*held)
    await asyncio.sleep(1.5)
    assert await capped.get("k") == "k"


async def test_who_is_cancelled_while_it_waits_takes_no_turn(capped: Cache) -> None:
    origin = Origin()
    callers = [origin.ask(capped, key) for key in "abcde"]
    await asyncio.sleep(0.5)
    for caller in callers[2:4]:
        caller.cancel()
    assert (await ends(*callers))[4] == "e"
    assert origin.order == ["a", "b", "e"]
    assert time() == pytest.approx(2.0, abs=0.1)


async def test_who_is_cancelled_as_its_turn_comes_hands_it_on(capped: Cache) -> None:
    origin = Origin()
    for moment in range(0, 60, 3):
        callers = [origin.ask(capped, f"{key} {moment}") for key in "abcd"]
        await asyncio.sleep(1.0)
        await ticks(moment)
        callers[2].cancel()
        assert (await ends(*callers))[3] == f"d {moment}"
    assert origin.most == 2
    callers = [origin.ask(capped, key) for key in "ab"]  # both slots are there
    before = time()
    await ends(*callers)
    assert time() - before == pytest.approx(1.0, abs=0.1)


async def test_a_load_that_fails_gives_its_slot_back(capped: Cache) -> None:
    for n in range(5):
        failing = Load().fail(ConnectionError("down"))
        await ends(start(capped.get_or_set(f"k{n}", failing)))
    origin = Origin()
    await ends(*(origin.ask(capped, key) for key in "ab"))
    assert origin.most == 2


async def test_without_a_cap_all_run(either: Cache) -> None:
    origin = Origin()
    await ends(*(origin.ask(either, f"k{n}") for n in range(50)))
    assert origin.most == 50


# -- those who block


def test_threads_wait_in_order_too(blocking: Caches, threads: Threads) -> None:
    cache, order = blocking(max_loads=1), list[int]()
    gate = Gate()
    first = threads.run(lambda: cache.sync.get_or_set("first", gate))
    gate.begun.wait(10)

    def load(number: int) -> int:
        order.append(number)
        return number

    def get(number: int) -> int:
        return cache.sync.get_or_set(f"k{number}", partial(load, number))

    def queue() -> int:
        return len(cache._engine._slots._queue)

    waiting = []
    for number in range(5):
        waiting.append(threads.run(partial(get, number)))
        until(partial(lambda length: queue() == length, number + 1))
    assert order == []
    gate.finish()
    assert first.result(10) == "value 1"
    assert [future.result(10) for future in waiting] == order == [*range(5)]


async def test_a_thread_and_a_task_share_the_slots(caches: Caches, threads: Threads) -> None:
    cache, gate = caches(max_loads=1), Gate()
    thread = threads.run(lambda: cache.sync.get_or_set("thread", gate))
    gate.begun.wait(10)
    task = start(cache.get_or_set("task", lambda: "value", load_timeout=3))
    assert isinstance((await ends(task))[0], TimeoutError)
    gate.finish()
    assert thread.result(10) == "value 1"
    assert await cache.get_or_set("task", lambda: "value") == "value"


async def test_a_blocking_call_beside_a_running_loop_does_not_wait(caches: Caches) -> None:
    """R9"""
    cache, hold = caches(max_loads=1), Load()
    held = start(cache.get_or_set("held", hold))
    await hold.begun.wait()
    assert cache.sync.get_or_set("k", lambda: "value") == "value"
    hold.finish()
    await ends(held)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_one_that_hangs_past_its_time_gives_its_slot_to_others(
    frozen: Caches, threads: Threads, fake_clock: FakeClock
) -> None:
    cache, gate = frozen(max_loads=1, load_timeout=5), Gate()
    hangs = threads.run(lambda: cache.sync.get_or_set("k", gate))
    assert gate.begun.wait(PATIENCE)
    fake_clock.advance(10.0)
    assert cache.sync.get_or_set("j", lambda: 1) == 1
    gate.finish()
    assert hangs.result(PATIENCE) == "value 1"


def test_one_whose_loop_was_closed_under_it_gives_its_slot_to_others() -> None:
    slots, loop = Slots(1, FakeClock().monotonic), asyncio.new_event_loop()
    held = slots.one(ON_LOOP, 1.0, 9.0, [], counts=True)
    loop.run_until_complete(held.__aenter__())
    waits = slots.one(in_thread(), 0.001, 9.0, [], counts=True)
    loop.close()
    drive(waits.__aenter__())
    drive(waits.__aexit__(None, None, None))
    drive(held.__aexit__(None, None, None))


def test_the_child_of_a_fork_has_all_slots(blocking: Caches, threads: Threads) -> None:
    """R12: what its parent is loading it is not."""
    cache, gate = blocking(max_loads=1), Gate()
    parent = threads.run(lambda: cache.sync.get_or_set("parent", gate))
    gate.begun.wait(10)

    def child() -> None:
        assert cache.sync.get_or_set("child", lambda: "value", load_timeout=1) == "value"

    in_child(child)
    gate.finish()
    assert parent.result(10) == "value 1"


@pytest.mark.parametrize("max_loads", [0, -1, 1.5, True, "2", float("inf")])
def test_what_is_no_cap(max_loads: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_loads must be a whole number above 0"):
        Cache(max_loads=max_loads, serializer=PickleSerializer())
