"""What goes wrong in a Cluster: slots on their way, and a master that does not answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TypeAlias

import pytest

from cachekit import Cache, InvalidationError, Prefix
from cachekit.guard import Guard
from cachekit_redis import RedisBackend
from tests.servers.cluster import ClusterServer, RedisCluster, SlotMove, slot_of
from tests.servers.fixtures import Starter
from tests.stores.calls import FORGETS, Story, all_of, asked_again, guarded

Stories: TypeAlias = Mapping[str, Story]

IN_TIME: Final = 5.0
IN_A_MOMENT: Final = 0.2


@pytest.fixture
def cluster(start: Starter) -> RedisCluster:
    return start(RedisCluster())


@asynccontextmanager
async def caches(cluster: RedisCluster, deadline: float) -> AsyncGenerator[dict[str, Cache]]:
    """One for each way of forgetting, each with a guard: what one loses shuts its own."""
    guards = {way: guarded(RedisBackend(cluster.url, timeout=deadline)) for way in FORGETS}
    caches = {way: Cache(guards[way], namespace=way, deadline=deadline) for way in FORGETS}
    try:
        yield caches
    finally:
        await all_of(cache.close() for cache in caches.values())


@asynccontextmanager
async def stories(cluster: RedisCluster, deadline: float) -> AsyncGenerator[Stories]:
    """All is stored; in the end another process looks, too."""
    async with caches(cluster, deadline) as made, caches(cluster, IN_TIME) as others:
        told = {way: Story(cache) for way, cache in made.items()}
        await all_of(story.recovers() for story in told.values())
        yield told
        await all_of(asked_again(story.cache) for story in told.values())
        assert max(await all_of(story.recovers() for story in told.values())) < 5
        for way, story in told.items():
            await Story(others[way], story.origin, story.wrong).read()
        assert {way: story.wrong for way, story in told.items() if story.wrong} == {}


async def change_and_read(told: Stories) -> set[str]:
    """What raised."""
    done = await all_of(story.change(FORGETS[way]) for way, story in told.items())
    await all_of(story.read() for story in told.values())
    return {way for way, acknowledged in zip(told, done, strict=True) if not acknowledged}


def moves(cluster: RedisCluster) -> list[SlotMove]:
    """One for each slot that holds something, to the next of the masters."""
    to = dict(zip(cluster.servers, [*cluster.servers[1:], cluster.servers[0]], strict=True))
    keys = [key for server in cluster.servers for key in server.command("KEYS", "*")]
    slots = {slot_of(key) for key in keys}
    return [SlotMove(cluster, slot, to[cluster.owner(slot)]) for slot in sorted(slots)]


async def test_slots_that_move_lose_nothing(cluster: RedisCluster) -> None:
    """ASK and MOVED are followed. What goes by prefix may raise: it meets keys on their way."""
    raised: list[set[str]] = []
    async with stories(cluster, IN_TIME) as told:
        moving = moves(cluster)
        assert len(moving) > 50
        for move in moving:
            move.begin()
        raised.append(await change_and_read(told))
        for move in moving[::2]:
            move.move_keys()
        raised.append(await change_and_read(told))
        for move in moving:
            move.move_keys()
        raised.append(await change_and_read(told))
        for move in moving:
            move.finish()
        await all_of(asked_again(story.cache) for story in told.values())
        raised.append(await change_and_read(told))
    assert raised[0] == raised[-1] == set()
    assert raised[1] | raised[2] <= {"prefix"}


async def test_a_master_that_hangs(cluster: RedisCluster) -> None:
    """What is on the others is forgotten as ever; what is on it raises."""
    async with stories(cluster, IN_A_MOMENT) as told:
        server = cluster.owner_of("ck:v:key:k")
        server.freeze()
        raised = await change_and_read(told)
        raised |= await change_and_read(told)
        server.thaw()
    assert {"key", "prefix"} <= raised


def on(server: ClusterServer, name: str) -> str:
    """What to fill into `name`, so that `server` has that key."""
    return next(text for n in count() if server.has(slot_of(name.format(text := f"x{n}"))))


FAILURES: Final = 5
"""So many in a row, and a node is asked no more."""
NEVER: Final = 600.0


async def load() -> str:
    return "loaded"


async def test_a_breaker_is_of_one_node(cluster: RedisCluster) -> None:
    """Keys of the other masters are served as ever; those of the hung one cost it nothing more."""
    stream = cluster.owner_of("ck:~changes")
    hung, other = cluster.others(stream)
    space = on(stream, "ck:t:{}~home")
    lost, *kept = (on(server, f"ck:v:{space}:{{}}") for server in (hung, stream, other))
    guard = Guard(RedisBackend(cluster.url, timeout=0.5), probe_interval=NEVER)
    async with Cache(guard, namespace=space, deadline=IN_TIME) as cache:
        await cache.set_many(dict.fromkeys([lost, *kept], "old"))
        hung.freeze()
        await fail(cache, lost)
        unreached = cache.stats().unreached
        for number in range(20):
            assert await cache.get_many([lost, *kept]) == dict.fromkeys(kept, number or "old")
            assert await cache.get_or_set(lost, load) == "loaded"
            with pytest.raises(InvalidationError, match="is not asked"):
                await cache.delete(lost)
            await cache.delete(kept[0])
            await cache.set_many(dict.fromkeys(kept, number + 1))
        stats = cache.stats()
        assert stats.unreached == unreached
        shut, *others = sorted(stats.nodes, key=lambda node: not node.is_open)
        probe = 1  # it was tried at once, and then no more
        assert (shut.failures, shut.skipped >= 60, shut.journaled) == (FAILURES + probe, True, 1)
        assert [(node.failures, node.skipped) for node in others] == [(0, 0)] * len(others)
        with pytest.raises(InvalidationError, match="is not asked"):  # a prefix is of all of them
            await cache.invalidate(Prefix("another"))
        assert await cache.get_many(kept) == {}
        hung.thaw()
    assert not hung.command("EXISTS", f"ck:v:{space}:{lost}")
    assert sum(node.journaled for node in guard.nodes()) == 0


async def fail(cache: Cache, lost: str) -> None:
    """So often that the breaker of its node opens; several at once, not to wait for each."""
    reads: list[asyncio.Task[object]] = []
    for _ in range(FAILURES):
        assert not any(node.is_open for node in cache.stats().nodes)
        reads.append(asyncio.ensure_future(cache.get(lost)))
        await asyncio.sleep(0.01)
    assert await all_of(reads) == [None] * FAILURES
    assert sum(node.is_open for node in cache.stats().nodes) == 1


@pytest.mark.long
async def test_a_master_that_comes_back(cluster: RedisCluster) -> None:
    """It serves nothing for two seconds, and has lost everything."""
    async with stories(cluster, IN_TIME) as told:
        server = cluster.owner_of("ck:v:key:k")
        server.kill()
        raised = await change_and_read(told)
        server.start()
        raised |= await change_and_read(told)
        cluster.wait()
    assert {"key", "prefix"} <= raised
