"""R2: one load for all processes, and no process waits for a dead one."""

import asyncio

import pytest

from cachekit import Cache, Tag
from cachekit.entry import Kind
from cachekit.policy import LEASE
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual


@pytest.fixture
def stores(caches: Caches) -> list[SlowStore]:
    """The connections of three processes to one store."""
    return [caches.slow() for _ in range(3)]


@pytest.fixture
async def fleet(caches: Caches, stores: list[SlowStore]) -> list[Cache]:
    """Three processes; open."""
    fleet = [caches(store) for store in stores]
    for cache in fleet:
        await cache.open()
    return fleet


def time() -> float:
    return asyncio.get_running_loop().time()


async def led(cache: Cache, load: Load) -> "asyncio.Task[str]":
    """A caller whose load is under way."""
    leader = start(cache.get_or_set("k", load))
    await load.begun.wait()
    return leader


async def test_one_load_for_all_processes(fleet: list[Cache]) -> None:
    """R2: the others wait, and get what the leader stored."""
    load = Load()
    leader = await led(fleet[0], load)
    waiters = [start(cache.get_or_set("k", load)) for cache in fleet[1:] * 10]
    await asyncio.sleep(1.0)
    load.finish()
    assert await ends(leader, *waiters) == ["value 1"] * 21
    assert load.calls == 1
    assert [cache.stats().waits > 0 for cache in fleet] == [False, True, True]


async def test_the_waiters_of_a_process_poll_as_one(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: the load on the store does not grow with who waits."""
    load = Load()
    leader = await led(fleet[0], load)
    waiters = [start(fleet[1].get_or_set("k", load)) for _ in range(100)]
    await asyncio.sleep(1.0)
    assert len(stores[1].reads) < 20
    load.finish()
    await ends(leader, *waiters)


async def test_a_waiter_that_is_cancelled_leaves_the_poll_to_the_others(
    fleet: list[Cache],
) -> None:
    load = Load()
    leader = await led(fleet[0], load)
    waiters = [start(fleet[1].get_or_set("k", load)) for _ in range(3)]
    await asyncio.sleep(0.1)
    waiters[0].cancel()
    await asyncio.sleep(0.1)
    load.finish()
    assert (await ends(leader, *waiters))[2:] == ["value 1", "value 1"]


async def test_when_all_waiters_are_cancelled_the_poll_ends(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    load = Load()
    leader = await led(fleet[0], load)
    waiters = [start(fleet[1].get_or_set("k", load)) for _ in range(3)]
    await asyncio.sleep(0.1)
    for waiter in waiters:
        waiter.cancel()
    await ends(*waiters)
    await ticks()
    reads = len(stores[1].reads)
    await asyncio.sleep(1.0)
    assert len(stores[1].reads) == reads
    load.finish()
    assert await leader == "value 1"


async def test_a_killed_leader_costs_one_more_load(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: its lease is not renewed any longer; the waiters outwait it and lease again."""
    killed, load = Load("killed {}".format), Load()
    leader = await led(fleet[0], killed)
    stores[0].hang()
    begun = time()
    waiters = [start(cache.get_or_set("k", load)) for cache in fleet[1:] * 5]
    await load.begun.wait()
    await asyncio.sleep(0.5)
    load.finish()
    assert await ends(*waiters) == ["value 1"] * 10
    assert load.calls == 1
    assert time() - begun < 2 * LEASE
    leader.cancel()
    await ends(leader)


async def test_a_waiter_of_a_killed_leader_waits_for_the_next_one(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: a stub that lived for most of a lease did not vanish because of an invalidation."""
    killed, load = Load("killed {}".format), Load()
    leader = await led(fleet[0], killed)
    stores[0].hang()
    waiters = [start(cache.get_or_set("k", load)) for cache in fleet[1:]]
    await asyncio.sleep(2 * LEASE)
    assert load.calls == 1
    load.finish()
    assert await ends(*waiters) == ["value 1"] * 2
    assert sum(cache.stats().unstored for cache in fleet) == 0
    leader.cancel()
    await ends(leader)


async def test_a_long_load_keeps_its_lease(fleet: list[Cache]) -> None:
    """R2: renewed at a third of it."""
    load = Load()
    leader = await led(fleet[0], load)
    waiter = start(fleet[1].get_or_set("k", load))
    await asyncio.sleep(10.0)
    load.finish()
    assert await ends(leader, waiter) == ["value 1"] * 2
    assert load.calls == 1
    assert 13 <= fleet[0].stats().renewals <= 15


async def test_one_lost_renewal_does_no_harm(fleet: list[Cache], stores: list[SlowStore]) -> None:
    """R2"""
    load = Load()
    leader = await led(fleet[0], load)
    waiter = start(fleet[1].get_or_set("k", load))
    await asyncio.sleep(LEASE / 2)
    stores[0].loses = of_kind(Kind.STUB)
    await asyncio.sleep(LEASE / 3)
    stores[0].heal()
    await asyncio.sleep(LEASE)
    load.finish()
    assert await ends(leader, waiter) == ["value 1"] * 2
    assert load.calls == 1


async def test_a_lease_ends_with_its_load_timeout(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: a hung loader does not hang the other processes."""
    load = Load()
    leader = await led(fleet[0], load)
    waiter = start(fleet[1].get_or_set("k", Load("other {}".format).finish()))
    assert await waiter == "other 1"
    assert time() == pytest.approx(30.0, abs=0.5)
    assert isinstance((await ends(leader))[0], TimeoutError)


async def test_of_two_that_lease_at_once_one_is_refused(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: put where there is nothing, atomically."""
    for store in stores:
        store.delay = 0.01
    load = Load()
    callers = [start(cache.get_or_set("k", load)) for cache in fleet]
    await load.begun.wait()
    await asyncio.sleep(0.1)
    load.finish()
    assert await ends(*callers) == ["value 1"] * 3
    assert load.calls == 1
    assert sum(cache.stats().refused_leases for cache in fleet) == 2


@pytest.mark.parametrize("executed", [False, True])
async def test_an_unacknowledged_lease_is_no_anchor(
    fleet: list[Cache], stores: list[SlowStore], executed: bool
) -> None:
    """R2: nothing is stored, and a stub that got there all the same is removed."""
    setattr(stores[0], "mutes" if executed else "loses", of_kind(Kind.STUB))
    load = Load()
    leader = await led(fleet[0], load)
    await ticks()
    assert stores[0].shelf.keys(Kind.STUB) == []
    load.finish()
    assert await leader == "value 1"
    assert await fleet[1].get("k") is None
    assert stores[0].sent(Kind.VALUE) == []


async def test_who_came_before_an_unacknowledged_lease_shares_its_load(
    slow: Cache, store: SlowStore
) -> None:
    """R2: only for later callers it is none."""
    await slow.open()
    store.loses = of_kind(Kind.STUB)
    store.delay = 0.01
    load = Load().finish()
    callers = [start(slow.get_or_set("k", load)) for _ in range(5)]
    assert await ends(*callers) == ["value 1"] * 5


async def test_what_is_invalid_is_taken_over(fleet: list[Cache], stores: list[SlowStore]) -> None:
    """R2: the condition of the lease is the version of the invalid thing that was seen."""
    await fleet[0].set("k", "old", tags=["t"])
    await fleet[0].invalidate(Tag("t"))
    for store in stores:
        store.delay = 0.01
    load = Load()
    callers = [start(cache.get_or_set("k", load, tags=["t"])) for cache in fleet]
    await load.begun.wait()
    await asyncio.sleep(0.1)
    load.finish()
    assert await ends(*callers) == ["value 1"] * 3
    assert load.calls == 1
    assert sum(cache.stats().takeovers for cache in fleet) == 1
    assert sum(cache.stats().refused_leases for cache in fleet) == 2


async def test_a_waiter_whose_stub_vanished_does_not_wait_again(fleet: list[Cache]) -> None:
    """R2: one unstored load for each process, else callers starve where keys are forgotten fast."""
    first, second, own = Load(), Load(), Load("own {}".format).finish()
    leader = await led(fleet[0], first)
    waiters = [start(fleet[1].get_or_set("k", own)) for _ in range(5)]
    await asyncio.sleep(0.1)
    await fleet[2].delete("k")
    next_leader = await led(fleet[2], second)
    assert await asyncio.wait_for(asyncio.gather(*waiters), 0.5) == ["own 1"] * 5
    assert fleet[1].stats().unstored == 1
    first.finish()
    second.finish()
    assert await ends(leader, next_leader) == ["value 1", "value 1"]


async def test_nobody_starves_where_a_key_is_forgotten_faster_than_it_loads(
    fleet: list[Cache],
) -> None:
    """R2"""
    begun = time()

    async def load() -> str:
        await asyncio.sleep(0.5)
        return "value"

    async def forget() -> None:
        while True:
            await fleet[0].delete("k")
            await asyncio.sleep(0.1)

    forgetting = start(forget())
    callers = [start(cache.get_or_set("k", load)) for cache in fleet * 5]
    assert await asyncio.gather(*callers) == ["value"] * 15
    assert time() - begun < 3.0
    forgetting.cancel()
    await ends(forgetting)


async def test_call_sites_with_different_tags_do_not_evict_each_other(either: Cache) -> None:
    """R6: what takes over something valid covers the tags of both."""
    load = Load().finish()
    sites = (["a"], ["b"])
    for _ in range(3):
        for tags in sites:
            await either.get_or_set("k", load, tags=tags)
    assert load.calls == 2
    for tag in "ab":
        await either.invalidate(Tag(tag))
        assert await either.get("k") is None
        for tags in sites * 2:
            await either.get_or_set("k", load, tags=tags)
    assert load.calls == 6


async def test_call_sites_with_different_tags_at_once(either: Cache) -> None:
    """R6: who needs a tag that a load under way does not cover starts one that covers both."""
    one, both = Load("one {}".format), Load("both {}".format)
    first = start(either.get_or_set("k", one, tags=["a"]))
    await one.begun.wait()
    second = start(either.get_or_set("k", both, tags=["b"]))
    await both.begun.wait()
    third = start(either.get_or_set("k", both, tags=["a"]))
    await ticks()
    one.finish()
    both.finish()
    assert await ends(first, second, third) == ["one 1", "both 1", "both 1"]
    assert await either.get_or_set("k", both, tags=["a", "b"]) == "both 1"
    stats = either.stats()
    assert (stats.shared, stats.waits, stats.refused_fills) == (1, 0, 1)


async def test_call_sites_with_different_tags_before_the_load_begins(either: Cache) -> None:
    """R6: what both have got is forgotten with either's tag."""
    load = Load().finish()
    sites = [["a"], ["b"], ["a"], ["b"]]
    await asyncio.gather(*(either.get_or_set("k", load, tags=tags) for tags in sites))
    assert load.calls <= 2
    await either.invalidate(Tag("b"))
    assert await either.get("k") is None


async def test_a_lease_that_is_given_up_is_removed_only_if_it_is_still_there(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    """R2: by its version; what replaced it stays."""
    load = Load()
    leader = await led(fleet[0], load)
    await fleet[1].set("k", "set")
    leader.cancel()
    await ends(leader)
    await ticks()
    assert await fleet[1].get("k") == "set"


async def test_stubs_carry_no_more_than_they_must(slow: Cache, store: SlowStore) -> None:
    """R2: a stub is put under the key itself, where there is nothing, for one lease."""
    await slow.get_or_set("k", Load().finish(), tags=["t"])
    (stub,) = store.sent(Kind.STUB)
    assert stub.entry is not None
    assert (stub.key, stub.entry.keep) == ("v:test:k", LEASE)
    assert set(stub.entry.tags) == {"t:test:t", "t:test~home"}


async def test_a_fill_is_conditional_on_its_stub(slow: Cache, store: SlowStore) -> None:
    """R1, R2"""
    await slow.get_or_set("k", Load().finish())
    (stub,), (fill,) = store.sent(Kind.STUB), store.sent(Kind.VALUE)
    assert stub.entry is not None
    assert fill.expected == stub.entry.version
