"""What a warm hit costs that is answered from copies: a few Python-level calls, and no I/O."""

import asyncio
from typing import Any, Final

import pytest

from cachekit import Cache, Tag
from cachekit.clock import SYSTEM
from cachekit.recent_keys import EACH
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend
from tests.core.test_calls import calls_of, drive, functions
from tests.servers.server import RedisServer
from tests.tiered.stores import Far, Feed

MOST: Final = 8
WARM: Final = EACH + 1
"""Calls: one loads, one reads what the bytes hold, one keeps that; the next is warm."""

KINDS: Final = functions(Cache(MemoryBackend()), None)


class Front:
    """A cache whose copies are known to be right."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.far = Far(SYSTEM, feed=self.feed)
        tiers = TieredBackend(MemoryBackend(), self.far, max_staleness=60.0)
        self.cache = Cache(tiers, namespace="x")

    @property
    def operations(self) -> int:
        return self.far.reads + self.far.writes


@pytest.mark.parametrize("value", [7, ("a", (1, 2)), [1, {"a": [2]}]], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_warm_hit_costs_few_calls_and_asks_nobody(kind: str, value: Any) -> None:
    front = Front()
    async with front.cache:
        await front.feed.begin()
        hit = functions(front.cache, value)[kind]
        for _ in range(WARM):
            await hit()
        operations, tasks = front.operations, asyncio.all_tasks()
        names = calls_of(hit)
        assert len(names) <= MOST, names
        assert drive(hit()) == value
        assert (front.operations, asyncio.all_tasks()) == (operations, tasks)
        near, far = front.cache.stats().tiers
        assert (near.name, far.name) == ("MemoryBackend", "Far")
        assert near.hits >= 2


async def test_it_is_a_hit_that_a_tag_forgets() -> None:
    front, loads = Front(), list[int]()

    async def function(n: int) -> int:
        loads.append(n)
        return len(loads)

    async with front.cache as cache:
        await front.feed.begin()
        cached = cache.cached(key="k:{n}", tags=["of:{n}"])(function)
        for _ in range(WARM):
            assert await cached(1) == 1
        assert len(calls_of(lambda: cached(1))) <= MOST
        await cache.invalidate(Tag("of:1"))
        assert await cached(1) == 2


async def test_of_a_real_server_it_asks_nothing(redis_server: RedisServer, prefix: str) -> None:
    far = RedisBackend(redis_server.url, prefix=prefix, timeout=5.0)
    tiers = TieredBackend(MemoryBackend(), far, max_staleness=60.0)
    async with Cache(tiers, namespace="x", deadline=5.0) as cache:

        @cache.cached(key="k:{n}", tags=["a", "b"])
        async def function(n: int) -> dict[str, int]:
            return {"n": n}

        while cache.stats().tiers[0].hits < 3:
            assert await function(1) == {"n": 1}
        before = redis_server.command("INFO", "commandstats")
        for _ in range(100):
            assert drive(function(1)) == {"n": 1}
        after = redis_server.command("INFO", "commandstats")
        assert len(calls_of(lambda: function(1))) <= MOST
    for name in ("cmdstat_mget", "cmdstat_get", "cmdstat_set"):
        assert after.get(name, {}).get("calls") == before.get(name, {}).get("calls")
