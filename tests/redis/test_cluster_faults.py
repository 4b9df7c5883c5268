"""What goes wrong in a Cluster: slots on their way, and a master that does not answer."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import pytest

from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.redis.calls import FORGETS, Story, all_of
from tests.servers.cluster import RedisCluster, SlotMove, slot_of
from tests.servers.fixtures import Starter

Stories: TypeAlias = Mapping[str, Story]

IN_TIME: Final = 5.0
IN_A_MOMENT: Final = 0.2


@pytest.fixture
def cluster(start: Starter) -> RedisCluster:
    return start(RedisCluster())


@asynccontextmanager
async def caches(cluster: RedisCluster, deadline: float) -> AsyncGenerator[dict[str, Cache]]:
    """One for each way of forgetting, on one backend."""
    backend = RedisBackend(cluster.url, timeout=deadline)
    caches = {way: Cache(backend, namespace=way, deadline=deadline) for way in FORGETS}
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
