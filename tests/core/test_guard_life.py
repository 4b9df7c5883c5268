"""When a guard opens and closes: its journal outlasts loops, and what is lost with it is told."""

import asyncio
import logging
import os
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, InvalidationError, Prefix
from cachekit.clock import SYSTEM
from cachekit.entry import Kind
from cachekit.guard import LAST, Guard
from tests.core.conftest import Caches
from tests.core.helpers import Load, ticks, time
from tests.core.nodes import journaled, refuse
from tests.core.slow_store import Shelf, SlowStore
from tests.core.threads import Threads, until


@pytest.mark.virtual
async def test_closing_tries_once_more(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    await slow.set("k", "old")
    refuse(store)
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    await ticks()
    store.heal()
    with caplog.at_level(logging.ERROR, "cachekit"):
        await slow.close()
    assert "closed" not in caplog.text
    assert store.shelf.keys(Kind.VALUE) == []
    async with slow:
        assert not slow._engine.store.nodes[0].journaled
        assert await slow.get_or_set("k", Load().finish()) == "value 1"


@pytest.mark.virtual
@pytest.mark.parametrize("how", ["refuses", "hangs", "hangs by prefix"])
async def test_closing_tells_what_was_not_acknowledged_and_takes_no_time(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """What it tells is left for when it opens again."""
    await slow.set("k", "old")
    refuse(store)
    target = slow.invalidate(Prefix("k")) if how == "hangs by prefix" else slow.delete("k")
    with pytest.raises(InvalidationError):
        await target
    await ticks()
    if how != "refuses":
        store.error = None
        store.hang()
    begun = time()
    with caplog.at_level(logging.ERROR, "cachekit"):
        await slow.close()
    assert time() - begun <= LAST + 0.5
    assert store.closed == 1
    assert "1 invalidations were not acknowledged by SlowStore" in caplog.text
    store.heal()
    await slow.open()
    assert await slow.get("k") is None
    assert journaled(slow) == 0


@pytest.mark.virtual
async def test_closing_what_never_opened_tells_it_too(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.open_error = ConnectionRefusedError("refused")
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    with caplog.at_level(logging.ERROR, "cachekit"):
        await slow.close()
    assert "closed while 1 invalidations" in caplog.text


@pytest.mark.virtual
@pytest.mark.parametrize("opened", [True, False])
async def test_what_a_blocking_caller_could_not_do_on_a_loop_is_done_by_the_guard(
    slow: Cache, store: SlowStore, opened: bool
) -> None:
    """It is told to await, and the value that was to go is gone."""
    await slow.set("k", "old")
    if not opened:
        await slow.close()
        slow._engine.store.closed = False
    for change in (slow.sync.delete, lambda key: slow.sync.set(key, "new")):
        with pytest.raises(InvalidationError, match="await"):
            change("k")
    assert await slow.get("k") is None
    assert await slow.get_or_set("k", Load().finish()) == "value 1"


@pytest.mark.virtual
async def test_caches_of_one_store_share_its_guard(caches: Caches, store: SlowStore) -> None:
    """What one of them could not have forgotten, no other serves."""
    one, other = caches(store), caches(store, namespace="other")
    same = caches(store)
    await other.set("k", 1)
    await one.set("k", "old")
    assert await same.get("k") == "old"
    refuse(store)
    with pytest.raises(InvalidationError):
        await one.delete("k")
    await ticks()
    store.hang()
    store.error = None
    begun = time()
    assert await same.get("k") is None
    assert await other.get("k") is None
    assert time() - begun <= 0.25
    assert other.stats().degraded == 1
    assert other.stats().unreached == 0
    await one.close()
    store.resume()
    await asyncio.sleep(1.01)
    assert await same.get("k") is None
    assert await other.get("k") == 1


@pytest.mark.virtual
async def test_a_guard_may_be_given(caches: Caches, store: SlowStore) -> None:
    """Its options hold, and what it guards is shared with others."""
    guard = Guard(store, failures=1, probe_interval=10)
    cache = caches(guard)
    await cache.open()
    refuse(store)
    assert await cache.get("k") is None
    assert guard.nodes()[0].is_open
    assert cache.stats().nodes == guard.nodes()
    await asyncio.sleep(0.1)  # it is tried once at once
    reads = len(store.reads)
    await asyncio.sleep(4.9)
    assert len(store.reads) == reads
    with pytest.raises(ConfigurationError, match="namespace"):
        Cache(guard)
    await cache.close()


def test_a_journal_outlasts_a_loop(blocking: Caches) -> None:
    """And the blocking callers that come after it."""
    store = SlowStore(Shelf(SYSTEM))
    cache = blocking(store)

    async def lose() -> None:
        await cache.set("k", "old")
        refuse(store)
        with pytest.raises(InvalidationError):
            await cache.delete("k")

    async def look() -> Any:
        return await cache.get("k")

    asyncio.run(lose())
    store.heal()
    assert asyncio.run(look()) is None
    asyncio.run(lose())
    store.heal()
    assert cache.sync.get("k") is None


def test_threads_are_told_and_get_nothing_older(blocking: Caches, threads: Threads) -> None:
    """Not even the one whose call comes right after its error."""
    store = blocking.slow()
    cache = blocking(store)
    keys = [f"k{number}" for number in range(8)]
    cache.sync.set_many(dict.fromkeys(keys, "old"))
    store.loses = lambda write: write.announce

    def lose(number: int) -> Any:
        with pytest.raises(InvalidationError):
            cache.sync.delete(keys[number])
        return cache.sync.get(keys[number])

    assert threads.race(8, lose) == [None] * 8
    store.heal()
    until(lambda: journaled(cache) == 0)
    assert cache.sync.get_many(keys) == {}


def test_what_a_thread_could_not_even_send_is_journaled(blocking: Caches) -> None:
    """Here a set, which could not read what it was to replace."""
    store = blocking.slow()
    cache = blocking(store)
    cache.sync.set("k", "old")
    refuse(store)
    with pytest.raises(InvalidationError):
        cache.sync.set("k", "new")
    store.heal()
    assert cache.sync.get("k") is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_has_a_guard_of_its_own(blocking: Caches) -> None:
    """R12: what its parent has in the journal, its parent makes good."""
    from tests.core.test_fork import in_child

    store = blocking.slow()
    cache = blocking(store, deadline=5)
    cache.sync.set("l", 1)
    refuse(store)
    with pytest.raises(InvalidationError):
        cache.sync.delete("k")

    def work() -> None:
        store.heal()
        assert cache.sync.get("l") == 1
        assert [node.journaled for node in cache.stats().nodes] == [0]
        cache.sync.set("l", 2)
        assert cache.sync.get("l") == 2
        cache.sync.close()

    in_child(work)
    assert journaled(cache) == 1
