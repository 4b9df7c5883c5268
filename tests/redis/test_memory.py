"""A server that is full: it evicts what it likes, or takes nothing more."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from random import Random
from secrets import token_hex
from typing import Final

import pytest

from cachekit import Cache, Key, Prefix, Tag
from cachekit_redis import RedisBackend
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.stores.calls import FORGETS, READ, SLOW, SlowLoad, Story, asked_again

PATIENCE: Final = 5.0
KEYS: Final = [f"key:{n}" for n in range(600)]
RANDOM: Final = {"maxmemory": "3mb", "maxmemory-policy": "allkeys-random"}

FULL, ENOUGH = 1, 3_000_000

STREAM: Final = "ck:~changes"
TAG, HOME = "ck:t:x:t", "ck:t:x~home"


@asynccontextmanager
async def cache_on(server: RedisServer) -> AsyncGenerator[Cache]:
    backend = RedisBackend(server.url, timeout=PATIENCE)
    async with Cache(backend, namespace="x", deadline=PATIENCE) as cache:
        yield cache


@pytest.fixture
def server(start: Starter) -> RedisServer:
    return start(RedisServer())


@pytest.fixture
async def story(server: RedisServer) -> AsyncIterator[Story]:
    async with cache_on(server) as cache:
        story = Story(cache)
        assert await story.recovers() < 5
        yield story
        await story.recovers()
        assert story.wrong == []


async def fill(cache: Cache, number: int, names: Iterable[str]) -> None:
    """Each value names its key and a number, and is a kilobyte."""

    async def load(missing: list[str]) -> dict[str, str]:
        return {key: f"{number} {key}".ljust(1000) for key in missing}

    await cache.get_or_set_many(names, load, tags=["t"], ttl=60)


async def found(cache: Cache) -> dict[str, int]:
    """The number of each value that there is."""
    values = await cache.get_many(KEYS)
    assert all(value.split()[1] == key for key, value in values.items())
    return {key: int(value.split()[0]) for key, value in values.items()}


def crowd(server: RedisServer, kilobytes: int) -> None:
    """Others store so much more, for which something has to go."""
    names = (f"other:{token_hex(8)}" for _ in range(kilobytes // 5))
    server.together(*(("SET", name, "x" * 5000) for name in names))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wanted", [1000, pytest.param(20_000, marks=pytest.mark.long)])
async def test_what_has_a_tag_is_gone_however_much_is_evicted(start: Starter, wanted: int) -> None:
    """Most of it is there before; the record of the tag is evicted now and then, too."""
    server = start(RedisServer(settings=RANDOM))
    crowd(server, 2000)
    hits = rounds = 0
    async with cache_on(server) as cache, cache_on(server) as other:
        while hits < wanted:
            rounds += 1
            await fill(cache, rounds, KEYS)
            crowd(server, 200)
            hits += len(await found(other))
            await cache.invalidate(Tag("t"))
            assert await found(other) == {}
            await fill(other, rounds + 1, KEYS[:50])  # who needs the record makes one
            crowd(server, 100)
            assert set((await found(cache)).values()) <= {rounds + 1}
            await cache.invalidate(Tag("t"))
    assert server.command("INFO")["evicted_keys"] > 100 * rounds


def limit(server: RedisServer, bytes: int) -> None:
    """It evicts nothing: it refuses what needs room."""
    server.command("CONFIG", "SET", "maxmemory", bytes)


def announced(server: RedisServer, count: int) -> list[dict[bytes, bytes]]:
    """The last changes in the stream, the oldest first."""
    return [
        fields
        for _, fields in reversed(server.command("XREVRANGE", STREAM, "+", "-", "COUNT", count))
    ]


async def test_a_tag_record_for_which_there_is_no_room_is_deleted(
    server: RedisServer, story: Story
) -> None:
    limit(server, FULL)
    assert await story.change(FORGETS["tag"])
    assert not server.command("EXISTS", TAG)
    assert server.command("EXISTS", HOME)
    assert announced(server, 1) == [{b"k": TAG.encode().removeprefix(b"ck:")}]
    await story.read()
    limit(server, ENOUGH)


async def test_what_forgets_is_announced_when_there_is_no_room(
    server: RedisServer, story: Story
) -> None:
    limit(server, FULL)
    await story.cache.invalidate(Key("k"))
    await story.cache.invalidate(Prefix("of:"))
    await story.cache.clear()
    assert announced(server, 3) == [{b"k": b"v:x:k"}, {b"p": b"v:x:of:"}, {b"k": b"t:x~home"}]
    assert await story.cache.get_many([*READ, "of:1"]) == {}
    limit(server, ENOUGH)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", [100, pytest.param(3000, marks=pytest.mark.long)])
async def test_no_invalidation_is_lost_while_a_server_is_full_now_and_then(
    start: Starter, rounds: int
) -> None:
    server = start(RedisServer())
    random = Random(1)
    done: dict[str, list[bool]] = {name: [] for name in FORGETS}
    async with cache_on(server) as cache, cache_on(server) as elsewhere:
        story = Story(cache)
        other = Story(elsewhere, story.origin, story.wrong)
        for _ in range(rounds):
            limit(server, random.choice([FULL, ENOUGH]))
            way = random.choice(list(FORGETS))
            done[way].append(await story.change(FORGETS[way]))
            limit(server, random.choice([FULL, ENOUGH]))
            await story.read()
            await other.read()
    assert story.wrong == []
    assert {name for name, told in done.items() if not all(told)} == {"set", "set_many"}
    hits = cache.stats().hits + elsewhere.stats().hits
    assert hits > rounds
    assert any(done["set"])


@pytest.mark.parametrize("evicted", [f"ck:v:x:{SLOW}", TAG, HOME])
async def test_what_a_load_stands_on_is_evicted(
    server: RedisServer, story: Story, evicted: str
) -> None:
    """Its caller has its value, and nobody else has."""
    load = await SlowLoad(story.cache, story.origin).begun()
    assert server.command("DEL", evicted)
    story.origin.now += 1
    assert await load.end() == 1
    assert await story.cache.get(SLOW) is None
    await story.end_slow_load(load)
    assert await story.cache.get(SLOW) == 2


async def test_the_fill_of_an_evicted_stub_is_refused(server: RedisServer, story: Story) -> None:
    load = await SlowLoad(story.cache, story.origin).begun()
    server.command("DEL", f"ck:v:x:{SLOW}")
    await load.end()
    assert story.cache.stats().refused_fills == 1


async def test_a_stream_that_is_evicted_begins_anew(server: RedisServer, story: Story) -> None:
    server.command("DEL", STREAM)
    assert await story.change(FORGETS["key"])
    assert {b"k": b"v:x:k"} in announced(server, 10)


async def test_a_stream_in_whose_place_is_something_else(server: RedisServer, story: Story) -> None:
    """What forgets raises, for it was not announced; it is done all the same.

    Each of them is the first of its cache, whose guard asks for nothing more then.
    """
    server.together(("DEL", STREAM), ("RPUSH", STREAM, "item"))
    for way in FORGETS:
        async with cache_on(server) as cache:
            assert not await Story(cache, story.origin, story.wrong).change(FORGETS[way])
    story.origin.floor = story.origin.now
    await story.read()
    server.command("DEL", STREAM)
    await asked_again(story.cache)  # a `touch` among what was read may have been a shortening
    assert await story.change(FORGETS["key"])
