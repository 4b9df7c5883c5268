"""What goes wrong with a server: never a wrong value, and what forgets is done or raises."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import pytest

from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.redis.faults import FAULTS, SETTINGS, Fault, replica_of_nobody
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.stores.calls import FORGETS, SlowLoad, Story, all_of, asked_again, guarded

Stories: TypeAlias = Mapping[str, Story]

IN_TIME: Final = 5.0
"""Seconds for an answer: none is late but on a machine that has much else to do."""

IN_A_MOMENT: Final = 0.2


@pytest.fixture
def server(start: Starter) -> RedisServer:
    return start(RedisServer(settings=SETTINGS))


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> Fault:
    return FAULTS[request.param]


@asynccontextmanager
async def caches(url: str, deadline: float) -> AsyncGenerator[dict[str, Cache]]:
    """One for each way of forgetting, each with a guard: what one loses shuts its own."""
    guards = {way: guarded(RedisBackend(url, timeout=deadline)) for way in FORGETS}
    caches = {way: Cache(guards[way], namespace=way, deadline=deadline) for way in FORGETS}
    try:
        yield caches
    finally:
        await all_of(cache.close() for cache in caches.values())


@pytest.fixture
async def stories(server: RedisServer, fault: Fault) -> AsyncIterator[Stories]:
    """What becomes of each of those caches; all is stored."""
    url = f"redis://{fault.login}{server.address}"
    async with caches(url, IN_A_MOMENT if fault.hangs else IN_TIME) as made:
        stories = {way: Story(cache) for way, cache in made.items()}
        await all_of(story.recovers() for story in stories.values())
        yield stories


async def begin_slow_loads(stories: Stories) -> dict[str, SlowLoad]:
    loads = {name: SlowLoad(story.cache, story.origin) for name, story in stories.items()}
    await all_of(load.begun() for load in loads.values())
    return loads


async def change(stories: Stories) -> set[str]:
    """What raised."""
    told = await all_of(story.change(FORGETS[name]) for name, story in stories.items())
    return {name for name, done in zip(stories, told, strict=True) if not done}


async def read(stories: Stories) -> None:
    await all_of(story.read() for story in stories.values())


async def read_elsewhere(server: RedisServer, stories: Stories) -> None:
    """What another process sees."""
    async with caches(server.url, IN_TIME) as made:
        await read(
            {way: Story(made[way], story.origin, story.wrong) for way, story in stories.items()}
        )


async def test_a_fault_is_a_miss_and_passes(
    server: RedisServer, stories: Stories, fault: Fault
) -> None:
    """Twice, with reads between and a load all along: what forgets is the first to meet it."""
    loads = await begin_slow_loads(stories)
    with fault.bring(server):
        told: list[set[str]] = []
        for _ in range(2):
            told.append(await change(stories))
            await read(stories)
    await all_of(asked_again(story.cache) for story in stories.values())
    rounds = await all_of(story.recovers() for story in stories.values())
    await all_of(stories[name].end_slow_load(load) for name, load in loads.items())
    await read_elsewhere(server, stories)
    assert {name: story.wrong for name, story in stories.items() if story.wrong} == {}
    assert max(rounds) < 5
    assert fault.raising is None or told == [fault.raising, fault.raising]


async def test_who_turned_out_to_be_readonly_is_not_read_either(server: RedisServer) -> None:
    """Nothing that another one forgets now reaches it."""
    async with Cache(RedisBackend(server.url, timeout=IN_TIME), namespace="x") as cache:
        story = Story(cache)
        await story.recovers()
        with replica_of_nobody(server):
            assert await cache.get("k") == 1
            assert not await story.change(FORGETS["key"])
            assert await cache.get("k") is None
            assert server.command("EXISTS", "ck:v:x:k")
