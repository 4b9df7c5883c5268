"""R5: what keeps the processes from refreshing one value each, and what holds none of them up."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache
from cachekit.entry import Kind
from cachekit.policy import LEASE, PASS
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, start, ticks, time
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual

WINDOW = 60.0

SERVING: dict[str, Any] = {"stale_while_revalidate": WINDOW}
WAITING: dict[str, Any] = {"stale_if_error": WINDOW}


def ask(cache: Cache, load: Load, **options: Any) -> "asyncio.Task[str]":
    return start(cache.get_or_set("k", load, tags=["t"], **{"ttl": TTL, **options}))


async def stale(cache: Cache, **options: Any) -> None:
    await aged(cache, tags=["t"], **options)


def down() -> ConnectionError:
    return ConnectionError("the database is down")


# -- within `stale_while_revalidate` nobody waits for a claim


async def test_a_claim_keeps_other_processes_from_refreshing(fleet: list[Cache]) -> None:
    """For as long as the load takes; and nobody waits for it."""
    await stale(fleet[0], **SERVING)
    load = Load()
    assert await ask(fleet[0], load, **SERVING) == "old"
    await load.begun.wait()
    others, before = Load("too many {}".format), time()
    for cache in fleet[1:] * 5:
        assert await ask(cache, others, **SERVING) == "old"
    assert time() == before
    await asyncio.sleep(8.0)
    for cache in fleet:
        assert await ask(cache, others, **SERVING) == "old"
    await ticks()
    load.finish()
    await ticks()
    assert [await ask(cache, others, **SERVING) for cache in fleet] == ["value 1"] * 3
    assert (load.calls, others.calls) == (1, 0)


async def test_the_claim_names_the_version_it_refreshes(slow: Cache, store: SlowStore) -> None:
    await stale(slow, **SERVING)
    old = store.shelf.entry("v:test:k")
    await ask(slow, Load().finish(), **SERVING)
    await ticks()
    (claim,) = [w for w in store.sent(Kind.STUB) if w.key == "c:test:k"]
    (fill,) = [w for w in store.sent(Kind.VALUE)[1:] if w.key == "v:test:k"]
    assert claim.entry is not None
    assert old is not None
    assert dict(claim.entry.tags) == {"v:test:k": old.version}
    assert fill.expected == old.version
    assert store.shelf.entry("c:test:k") is None


async def test_a_claim_that_names_another_version_is_taken_over(
    fleet: list[Cache], caches: Caches
) -> None:
    await stale(fleet[0], **SERVING)
    first = Load("first {}".format)
    assert await ask(fleet[0], first, **SERVING) == "old"
    await first.begun.wait()
    await fleet[1].set("k", "newer", tags=["t"], ttl=0.5, stale_while_revalidate=WINDOW)
    await asyncio.sleep(0.6)
    assert await ask(fleet[1], Load("second {}".format).finish(), **SERVING) == "newer"
    await ticks()
    first.finish()
    await ticks()
    assert await fleet[2].get("k") == "second 1"
    assert fleet[0].stats().refused_fills == 1


async def test_a_claim_that_is_not_acknowledged_starts_nothing(
    slow: Cache, store: SlowStore
) -> None:
    await stale(slow, **SERVING)
    load = Load().finish()
    for switch in ("loses", "mutes"):
        setattr(store, switch, of_kind(Kind.STUB))
        assert await ask(slow, load, **SERVING) == "old"
        await ticks()
        assert load.calls == 0
        store.heal()
        await asyncio.sleep(PASS + 0.1)
    assert await ask(slow, load, **SERVING) == "old"
    await ticks()
    assert await slow.get("k") == "value 1"


async def test_a_claim_that_cannot_be_read_starts_nothing(slow: Cache, store: SlowStore) -> None:
    await stale(slow, **SERVING)
    store.silent = lambda key: key.startswith("c:")
    load = Load().finish()
    assert await ask(slow, load, **SERVING) == "old"
    await ticks()
    assert load.calls == 0


async def test_who_dies_refreshing_costs_one_lease_and_nobody_waits(caches: Caches) -> None:
    stores = [caches.slow() for _ in range(3)]
    dead, *others = [caches(store) for store in stores]
    await stale(dead, **SERVING)
    killed, load = Load("killed {}".format), Load().finish()
    await ask(dead, killed, **SERVING)
    await killed.begun.wait()
    stores[0].hang()
    died, value = time(), "old"
    while value == "old":
        before = time()
        value = [await ask(cache, load, **SERVING) for cache in others][1]
        assert time() == before
        await asyncio.sleep(0.05)
    assert (value, load.calls) == ("value 1", 1)
    assert time() - died < LEASE + 0.5
    killed.finish()
    stores[0].heal()
    await ticks()
    assert await others[0].get("k") == "value 1"


# -- within `stale_if_error` everybody does


async def test_another_processs_claim_is_waited_for(fleet: list[Cache]) -> None:
    await stale(fleet[0], **WAITING)
    load, others = Load(), Load("too many {}".format)
    leader = ask(fleet[0], load, **WAITING)
    await load.begun.wait()
    waiters = [ask(cache, others, **WAITING) for cache in fleet[1:] * 5]
    await asyncio.sleep(6)  # three leases long
    assert not any(waiter.done() for waiter in waiters)
    load.finish()
    assert await ends(leader, *waiters) == ["value 1"] * 11
    assert others.calls == 0


async def test_after_its_failure_they_have_the_old_value_untried(fleet: list[Cache]) -> None:
    """R5: a failed refresh leaves a pass in the place of its claim."""
    await stale(fleet[0], **WAITING)
    load, others = Load(), Load("too many {}".format)
    leader = ask(fleet[0], load, **WAITING)
    await load.begun.wait()
    waiters = [ask(cache, others, **WAITING) for cache in fleet[1:] * 5]
    await asyncio.sleep(1)
    load.fail(down())
    assert await ends(leader, *waiters) == ["old"] * 11
    assert others.calls == 0


async def test_without_a_pass_in_the_store_a_process_still_rests(
    slow: Cache, store: SlowStore
) -> None:
    """R5: what failed a moment ago it remembers, too."""
    await stale(slow, **WAITING)
    store.loses = of_kind(Kind.PASS)
    load = Load().fail(down())
    for _ in range(50):
        assert await ask(slow, load, **WAITING) == "old"
        await asyncio.sleep(0.1)
    assert 4 <= load.calls <= 5
    await asyncio.sleep(LEASE)  # the last claim ends by itself


async def test_who_dies_with_a_claim_costs_one_lease(caches: Caches) -> None:
    stores = [caches.slow() for _ in range(2)]
    ours, theirs = [caches(store) for store in stores]
    await stale(theirs, **WAITING)
    killed = Load("killed {}".format)
    leader = ask(theirs, killed, **WAITING)
    await killed.begun.wait()
    stores[1].hang()
    before = time()
    assert await ask(ours, Load().finish(), **WAITING) == "value 1"
    assert LEASE / 2 < time() - before < LEASE + 0.5
    killed.finish()
    stores[1].heal()
    await ends(leader)
    assert await ours.get("k") == "value 1"


async def test_past_the_first_window_they_wait_though_they_did_not_before(
    fleet: list[Cache],
) -> None:
    """That another process is at it is no failure."""
    both: dict[str, Any] = {"stale_while_revalidate": 5.0, "stale_if_error": WINDOW}
    await stale(fleet[0], **both)
    load = Load()
    assert await ask(fleet[0], load, **both) == "old"
    await asyncio.sleep(4.9)
    others = Load("too many {}".format)
    assert await ask(fleet[1], others, **both) == "old"
    await asyncio.sleep(0.15)
    waiter = ask(fleet[1], others, **both)
    await asyncio.sleep(0.5)
    assert not waiter.done()
    load.finish()
    assert await waiter == "value 1"
    assert others.calls == 0


async def test_a_failure_is_one_of_that_version_only(either: Cache) -> None:
    await stale(either, **SERVING)
    assert await ask(either, Load().fail(down()), **SERVING) == "old"
    await ticks()
    await either.set("k", "newer", tags=["t"], ttl=0.1, **SERVING)
    await asyncio.sleep(0.2)
    assert await ask(either, Load().finish(), **SERVING) == "newer"
    await ticks()
    assert await either.get("k") == "value 1"


async def test_the_soft_timeout_also_ends_the_wait_for_another_process(
    fleet: list[Cache],
) -> None:
    await stale(fleet[0], **WAITING)
    load, others = Load(), Load("too many {}".format)
    leader = ask(fleet[0], load, **WAITING)
    await load.begun.wait()
    before = time()
    waiters = [ask(cache, others, soft_timeout=0.5, **WAITING) for cache in fleet[1:] * 3]
    assert await ends(*waiters) == ["old"] * 6
    assert time() - before == pytest.approx(0.5, abs=0.1)
    load.finish()
    assert await leader == "value 1"
    assert others.calls == 0


async def test_a_load_in_a_load_waits_for_one_lease_at_most(fleet: list[Cache]) -> None:
    """R9: then it loads for itself, and has the old value if that fails."""
    await stale(fleet[0], **WAITING)
    hangs = Load()
    leader = ask(fleet[0], hangs, **WAITING)
    await hangs.begun.wait()
    inner, before = Load("inner {}".format).finish(), time()
    outer = await fleet[1].get_or_set("outer", lambda: ask(fleet[1], inner, **WAITING))
    assert (outer, inner.calls) == ("inner 1", 1)
    assert time() - before == pytest.approx(LEASE, abs=0.3)
    failing = Load().fail(down())
    again = await fleet[1].get_or_set("again", lambda: ask(fleet[1], failing, **WAITING))
    assert (again, failing.calls) == ("old", 1)
    hangs.finish()
    assert await leader == "value 1"


# -- past use, though still in the store: the anchor of its refresh


async def past_use(cache: Cache) -> Load:
    """A refresh that goes on when its value may no longer be used at all."""
    await stale(cache, stale_if_error=1.0)
    load = Load()
    leader = ask(cache, load, soft_timeout=0.1, stale_if_error=1.0)
    assert await leader == "old"
    await asyncio.sleep(1.0)
    return load


async def test_past_use_our_own_flight_is_shared(either: Cache) -> None:
    load = await past_use(either)
    caller = ask(either, Load("too many {}".format))
    await ticks()
    load.finish()
    assert await caller == "value 1"
    assert either.stats().takeovers == 0


async def test_past_use_a_claim_is_waited_for(fleet: list[Cache]) -> None:
    load, others = await past_use(fleet[0]), Load("too many {}".format)
    waiters = [ask(cache, others) for cache in fleet[1:] * 3]
    await asyncio.sleep(0.5)
    load.finish()
    assert await ends(*waiters) == ["value 1"] * 6
    assert others.calls == 0


async def test_past_use_without_a_claim_it_is_taken_over(either: Cache) -> None:
    await stale(either, stale_if_error=1.0)
    await asyncio.sleep(1.5)
    assert await ask(either, Load().finish()) == "value 1"
    assert either.stats().takeovers == 1


async def test_past_use_a_pass_is_no_reason_to_wait(either: Cache) -> None:
    await stale(either, stale_if_error=1.0)
    await asyncio.sleep(0.5)
    assert await ask(either, Load().fail(down())) == "old"
    await asyncio.sleep(0.6)
    before = time()
    assert await ask(either, Load().finish()) == "value 1"
    assert time() == before
    assert await either.get("k") == "value 1"
