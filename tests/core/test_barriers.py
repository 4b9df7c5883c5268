"""`barrier=` and `on_unacked=`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, InvalidationError, Key, Prefix, Tag
from cachekit.clock import Clock
from cachekit.invalidation import Target
from tests.core.conftest import Caches
from tests.core.copies import Told, tiered
from tests.core.helpers import time
from tests.core.nodes import journaled, refuse

pytestmark = pytest.mark.virtual

STALENESS = 3.0


def named(event: Any) -> list[Target]:
    return [Key(event)]


@pytest.fixture
async def store(caches: Caches) -> Told:
    store = Told(caches.shelf)
    caches.backends.append(store)
    return store


@pytest.fixture
async def cache(caches: Caches, store: Told, clock: Clock) -> AsyncIterator[Cache]:
    """With copies."""
    backend = tiered(store, clock, max_staleness=STALENESS, outage_staleness=1.0)
    cache = caches(backend, invalidators=named)
    await cache.open()
    yield cache
    store.heal()
    await asyncio.sleep(1.01)
    await cache.close()


CALLS: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "delete": lambda cache: cache.delete("k", barrier=True),
    "delete_many": lambda cache: cache.delete_many(["k", "l"], barrier=True),
    "invalidate": lambda cache: cache.invalidate(Tag("t"), Prefix("p"), barrier=True),
    "emit": lambda cache: cache.emit("k", barrier=True),
    "clear": lambda cache: cache.clear(barrier=True),
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_barrier_waits_from_the_acknowledgement_on(
    cache: Cache, store: Told, call: str
) -> None:
    """Until no process has a copy from before."""
    store.lag = 0.2
    begun, batches = time(), store.operations
    await CALLS[call](cache)
    assert store.operations == batches + 1
    sent = 2 if call == "invalidate" else 1
    assert time() - begun == pytest.approx(sent * 0.2 + STALENESS)


async def test_a_barrier_lasts_as_long_as_copies_may_in_an_outage(
    caches: Caches, store: Told, clock: Clock
) -> None:
    cache = caches(tiered(store, clock, max_staleness=STALENESS, outage_staleness=60.0))
    begun = time()
    await cache.delete("k", barrier=True)
    assert time() - begun == pytest.approx(60.0)
    await cache.close()


@pytest.mark.parametrize("call", CALLS)
async def test_where_there_are_no_copies_there_is_nothing_to_wait_for(
    caches: Caches, call: str
) -> None:
    for cache in (caches(caches.slow(), invalidators=named), caches(invalidators=named)):
        begun = time()
        await CALLS[call](cache)
        assert time() == begun


@pytest.mark.parametrize("call", CALLS)
async def test_in_a_deferred_block_there_is_no_barrier(cache: Cache, call: str) -> None:
    """At its end it is too late to wait for."""
    await cache.set("k", 1)
    async with cache.deferred():
        with pytest.raises(ConfigurationError, match="barrier=True"):
            await CALLS[call](cache)
    assert await cache.get("k") == 1


async def test_what_is_not_acknowledged_is_not_waited_for(cache: Cache, store: Told) -> None:
    refuse(store)
    begun = time()
    with pytest.raises(InvalidationError):
        await cache.delete("k", barrier=True)
    assert time() == begun


CHANGES: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "delete": lambda cache: cache.delete("k"),
    "set": lambda cache: cache.set("k", "newer"),
    "set_many": lambda cache: cache.set_many({"k": "newer", "l": "newer"}),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "emit": lambda cache: cache.emit("k"),
    "clear": lambda cache: cache.clear(),
}


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("change", CHANGES)
async def test_who_is_content_with_the_journal_gets_a_line_in_the_log(
    caches: Caches,
    store: Told,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    copies: bool,
    change: str,
) -> None:
    """And no older value."""
    backend = tiered(store, clock) if copies else store
    cache = caches(backend, on_unacked="journal", invalidators=named)
    await cache.set("k", "old", tags=["t"])
    refuse(store)
    with caplog.at_level(logging.WARNING, "cachekit"):
        await CHANGES[change](cache)
    assert "was not acknowledged for" in caplog.text
    assert "tried again" in caplog.text
    assert cache.stats().unacknowledged == (2 if change == "set_many" else 1)
    for _ in range(4):
        assert await cache.get("k") is None
        await asyncio.sleep(0.3)
    store.heal()
    await asyncio.sleep(1.01)
    assert await cache.get("k") is None
    assert journaled(cache) == 0
    await cache.close()


async def test_a_touch_that_shortens_may_be_journaled(
    caches: Caches, store: Told, caplog: pytest.LogCaptureFixture
) -> None:
    cache = caches(store, on_unacked="journal")
    await cache.set("k", "old", ttl=100)
    store.loses = lambda write: True
    assert await cache.touch("k", 50) is False
    assert "touch was not acknowledged" in caplog.text
    assert journaled(cache) == 1


async def test_a_block_that_ends_is_journaled(caches: Caches, store: Told) -> None:
    cache = caches(store, on_unacked="journal")
    await cache.set("k", "old")
    async with cache.deferred():
        await cache.delete("k")
        refuse(store)
    assert journaled(cache) == 1


@pytest.mark.parametrize("given", ["log", "", None, True])
def test_on_unacked_is_one_of_two(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_unacked.*'raise'.*'journal'"):
        Cache(on_unacked=given)
