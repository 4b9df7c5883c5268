"""Many callers of one cold key: one load, and nobody's fate is another's."""

import asyncio
import gc

import pytest

from cachekit import Cache
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, leftovers, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

Callers = list["asyncio.Task[object]"]


async def calling(cache: Cache, load: Load, count: int = 5) -> Callers:
    """So many callers that wait for one load, the first of them its leader."""
    callers = [start(cache.get_or_set("k", load)) for _ in range(count)]
    await load.begun.wait()
    await ticks()
    return callers


def cancelled(results: list[object]) -> list[bool]:
    return [isinstance(result, asyncio.CancelledError) for result in results]


async def test_a_thousand_callers_make_one_load(either: Cache) -> None:
    load = Load()
    callers = await calling(either, load, 1000)
    load.finish()
    assert set(await ends(*callers)) == {"value 1"}
    assert load.calls == 1
    assert either.stats().shared == 999


async def test_a_thousand_callers_read_the_store_once(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    load = Load().finish()
    values = await asyncio.gather(*(slow.get_or_set("k", load) for _ in range(1000)))
    assert set(values) == {"value 1"}
    assert len(store.reads) == 1


async def test_a_thousand_callers_of_a_cache_that_is_not_open_yet(
    slow: Cache, store: SlowStore
) -> None:
    store.delay = 0.01
    load = Load().finish()
    values = await asyncio.gather(*(slow.get_or_set("k", load) for _ in range(1000)))
    assert set(values) == {"value 1"}
    assert (load.calls, store.opened) == (1, 1)


async def test_hundreds_of_keys_travel_together(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    keys = [f"k{n}" for n in range(500)]
    await asyncio.gather(*(slow.get(key) for key in keys))
    assert len(store.reads) == 1


async def test_who_comes_during_the_load_shares_it(either: Cache) -> None:
    load = Load()
    callers = await calling(either, load, 1)
    callers += await calling(either, load, 1)
    load.finish()
    assert await ends(*callers) == ["value 1", "value 1"]
    assert load.calls == 1


@pytest.mark.parametrize("leaving", [[0], [2], [0, 1, 2], [1, 2, 3, 4]])
async def test_who_is_cancelled_leaves_the_load_to_the_others(
    either: Cache, leaving: list[int]
) -> None:
    load = Load()
    callers = await calling(either, load)
    for number in leaving:
        callers[number].cancel()
    await ticks()
    load.finish()
    results = await ends(*callers)
    assert cancelled(results) == [number in leaving for number in range(5)]
    assert {r for r in results if isinstance(r, str)} == {"value 1"}
    assert (load.calls, load.cancelled) == (1, 0)
    assert await either.get("k") == "value 1"


async def test_when_all_are_cancelled_so_is_the_load(either: Cache) -> None:
    load = Load()
    callers = await calling(either, load)
    for caller in callers:
        caller.cancel()
    assert all(cancelled(await ends(*callers)))
    await ticks()
    assert (load.calls, load.cancelled, load.running) == (1, 1, 0)
    assert await either.get("k") is None


async def test_after_all_were_cancelled_the_next_one_loads_at_once(either: Cache) -> None:
    load = Load()
    (caller,) = await calling(either, load, 1)
    caller.cancel()
    await ends(caller)
    again = Load().finish()
    assert await asyncio.wait_for(either.get_or_set("k", again), 0.3) == "value 1"
    assert await either.get("k") == "value 1"


async def test_cancelled_before_the_load_began(slow: Cache, store: SlowStore) -> None:
    store.delay = 0.01
    await slow.open()
    load = Load()
    for moment in range(1, 60):
        caller = start(slow.get_or_set("k", load))
        await asyncio.sleep(moment / 1000)
        caller.cancel()
        await ends(caller)
        await asyncio.sleep(0.1)
        assert leftovers([slow], [store]) == []
    assert load.running == 0


async def test_a_load_that_fails_after_its_leader_left_is_tried_once_more(either: Cache) -> None:
    """R3: its leader may have taken with it what the load needed."""
    load = Load()
    leader, *others = await calling(either, load)
    leader.cancel()
    await ends(leader)
    load.fail(ConnectionError("the leader's session is closed"), calls=1)
    assert await ends(*others) == ["value 2"] * 4
    assert load.calls == 2
    assert either.stats().passes == 0


async def test_a_loader_that_raises_cancelled_cancels_only_its_leader(either: Cache) -> None:
    """R3: the leader gets the error, its waiters look again and one of them leads."""
    load = Load()
    leader, *others = await calling(either, load)
    load.fail(asyncio.CancelledError("from a loader"), calls=1)
    assert cancelled(await ends(leader)) == [True]
    assert await ends(*others) == ["value 2"] * 4
    assert load.calls == 2
    assert leader.cancelling() == 0


class Interrupt(BaseException):
    """Like `KeyboardInterrupt`, but no event loop gives it a special treatment."""


async def test_a_base_exception_is_the_leaders_alone(either: Cache) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    load = Load()
    leader, *others = await calling(either, load)
    load.fail(Interrupt(), calls=1)
    (error,) = await ends(leader)
    assert isinstance(error, Interrupt)
    assert await asyncio.wait_for(asyncio.gather(*others), 0.5) == ["value 2"] * 4
    assert load.calls == 2
    del error, leader, others, load
    gc.collect()
    assert complaints == []


async def test_a_leader_that_is_cancelled_between_two_processes(caches: Caches) -> None:
    here, there = caches(caches.slow()), caches(caches.slow())
    load = Load()
    (leader,) = await calling(here, load, 1)
    waiter = start(there.get_or_set("k", load))
    await asyncio.sleep(0.1)
    leader.cancel()
    await ends(leader)
    load.finish()
    assert await asyncio.wait_for(waiter, 0.5) == "value 2"
    assert (load.calls, load.cancelled) == (2, 1)
