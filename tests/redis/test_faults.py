"""What goes wrong with a server: never a wrong value, and what forgets is done or raises."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeAlias

import pytest

from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.redis.calls import FORGETS, SlowLoad, Story, all_of
from tests.redis.faults import FAULTS, SETTINGS
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

Stories: TypeAlias = Mapping[str, Story]


@pytest.fixture
def server(start: Starter) -> RedisServer:
    return start(RedisServer(settings=SETTINGS))


@pytest.fixture
async def stories(server: RedisServer) -> AsyncIterator[Stories]:
    """A cache for each way of forgetting, on one backend; all is stored."""
    backend = RedisBackend(server.url)
    stories = {name: Story(Cache(backend, namespace=name)) for name in FORGETS}
    await all_of(story.warm() for story in stories.values())
    yield stories
    await all_of(story.cache.close() for story in stories.values())


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
    backend = RedisBackend(server.url)
    others = {
        name: Story(Cache(backend, namespace=name), story.origin, story.wrong)
        for name, story in stories.items()
    }
    await read(others)
    await all_of(other.cache.close() for other in others.values())


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_a_miss_and_passes(
    server: RedisServer, stories: Stories, fault: str
) -> None:
    """Twice, with reads between and a load all along: what forgets is the first to meet it."""
    loads = await begin_slow_loads(stories)
    with FAULTS[fault].bring(server):
        told: list[set[str]] = []
        for _ in range(2):
            told.append(await change(stories))
            await read(stories)
    rounds = await all_of(story.recovers() for story in stories.values())
    await all_of(stories[name].end_slow_load(load) for name, load in loads.items())
    await read_elsewhere(server, stories)
    assert {name: story.wrong for name, story in stories.items() if story.wrong} == {}
    assert max(rounds) < 5
    raising = FAULTS[fault].raising
    assert raising is None or told == [raising, raising]
