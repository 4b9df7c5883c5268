"""How often a server is asked: counted there."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cachekit import Cache, Key, Tag
from cachekit_redis import RedisBackend
from tests.redis.counting import Counter
from tests.redis.place import PATIENCE, Place
from tests.redis.scripted import ScriptedServer, bulk, many, scripted
from tests.stores.scripted import silent, until

pytestmark = pytest.mark.usefixtures("once")


@pytest.fixture
def counter(place: Place) -> Counter:
    return Counter(place.servers)


@pytest.fixture
async def cache(place: Place, counter: Counter) -> AsyncIterator[Cache]:
    """On one connection to each server; they are open, and its own record is known."""
    backend = place.backend(connections=1)
    async with Cache(backend, namespace="n", deadline=PATIENCE) as cache:
        await backend.read([f"v:warm:{n}" for n in range(50)])
        await cache.set("warm", 1, ttl=60)
        assert await cache.get("warm") == 1
        counter.look()
        yield cache


async def load() -> int:
    return 1


def reads(place: Place, keys: int) -> dict[str, int]:
    """The commands that read so many keys."""
    return {"mget": 1} if len(place.servers) == 1 else {"get": keys}


async def test_a_hit_is_one_trip(place: Place, cache: Cache, counter: Counter) -> None:
    """The record of the namespace is asked for with it."""
    for ask in (
        lambda: cache.get("warm"),
        lambda: cache.get_or_set("warm", load),
        lambda: cache.get("none"),
        lambda: cache.exists("warm"),
    ):
        await ask()
        commands, trips = counter.look()
        assert commands == reads(place, 2)
        assert max(trips) == 1


async def test_a_hit_with_declared_tags_is_one_trip(
    place: Place, cache: Cache, counter: Counter
) -> None:
    await cache.get_or_set("k", load, ttl=60, tags=["t", "u"])
    counter.look()
    assert await cache.get_or_set("k", load, ttl=60, tags=["t", "u"]) == 1
    commands, trips = counter.look()
    assert commands == reads(place, 4)
    assert max(trips) == 1


async def test_a_miss_is_three_trips(place: Place, cache: Cache, counter: Counter) -> None:
    """A read, the lease, and the fill, which keeps the record of the namespace alive."""
    await cache.get_or_set("k", load, ttl=60)
    commands, trips = counter.look()
    fill = {"evalsha": 1, "getrange": 1, "set": 2, "pexpire": 1}
    assert commands == {**reads(place, 2), **fill}
    assert max(trips) == 3


async def test_a_miss_with_tags_is_three_trips_or_a_fourth_if_they_are_new(
    place: Place, cache: Cache, counter: Counter
) -> None:
    await cache.get_or_set("a", load, ttl=60, tags=["t"])
    commands, trips = counter.look()
    fill = {"evalsha": 1, "getrange": 1, "pexpire": 2}
    assert commands == {**reads(place, 3), **fill, "set": 3}
    assert max(trips) <= 4
    await cache.get_or_set("b", load, ttl=60, tags=["t"])
    commands, trips = counter.look()
    assert commands == {**reads(place, 3), **fill, "set": 2}
    assert max(trips) == 3


async def test_what_is_read_in_one_tick_is_one_trip(
    place: Place, cache: Cache, counter: Counter
) -> None:
    await asyncio.gather(*(cache.get(f"k{n}") for n in range(100)))
    commands, trips = counter.look()
    assert commands == reads(place, 101)
    assert max(trips) == 1
    await cache.get_many([f"k{n}" for n in range(100)])
    commands, trips = counter.look()
    assert commands == reads(place, 101)
    assert max(trips) == 1


async def test_misses_of_one_tick_go_together(cache: Cache, counter: Counter) -> None:
    """Read, leased and filled at once, so long as they take as long to load."""
    await asyncio.gather(*(cache.get_or_set(f"k{n}", load, ttl=60) for n in range(20)))
    commands, trips = counter.look()
    assert (commands["set"], commands["evalsha"], commands["pexpire"]) == (40, 20, 1)
    assert max(trips) == 3


async def test_what_is_written_in_one_tick_is_one_trip(
    place: Place, cache: Cache, counter: Counter
) -> None:
    """On a Cluster announced in a second one, once each node has answered."""
    await asyncio.gather(*(cache.delete(f"k{n}") for n in range(20)))
    commands, trips = counter.look()
    assert (commands["del"], commands["xadd"]) == (20, 20)
    assert max(trips) == (1 if len(place.servers) == 1 else 2)


async def test_an_invalidation_is_one_trip(place: Place, cache: Cache, counter: Counter) -> None:
    alone = len(place.servers) == 1
    for target in (Tag("t"), Key("k")):
        await cache.invalidate(target)
        commands, trips = counter.look()
        assert commands["xadd"] == 1
        assert sum(trips) == (1 if alone else 2)
    await cache.clear()
    commands, trips = counter.look()
    assert commands["xadd"] == 1
    assert sum(trips) == (1 if alone else 2)


async def test_a_set_is_two_trips_or_three_where_nothing_was(
    place: Place, cache: Cache, counter: Counter
) -> None:
    """R4: a read, and the value; if there is nothing yet, a stub before it."""
    more = 0 if len(place.servers) == 1 else 1
    await cache.set("k", 1, ttl=60)
    commands, trips = counter.look()
    assert commands["xadd"] == 2
    assert max(trips) <= 3 + 2 * more
    await cache.set("k", 2, ttl=60)
    commands, trips = counter.look()
    assert commands["xadd"] == 1
    assert max(trips) <= 2 + more


@pytest.fixture
async def nodes() -> AsyncIterator[list[ScriptedServer]]:
    """Two nodes that tell how they share the slots, and answer nothing else."""
    async with scripted(silent) as first, scripted(silent) as second:
        nodes = [first, second]
        slots = many(slot_range(0, 8191, first), slot_range(8192, 16383, second))
        for node in nodes:
            node.say = lambda asked: slots if asked[0] == b"CLUSTER" else b""
        yield nodes


def slot_range(first: int, last: int, node: ScriptedServer) -> bytes:
    owner = many(bulk(b"127.0.0.1"), b":%d\r\n" % node.port, bulk(b"id"))
    return many(b":%d\r\n" % first, b":%d\r\n" % last, owner)


async def test_the_nodes_of_a_cluster_are_asked_at_once(nodes: list[ScriptedServer]) -> None:
    """One that hangs does not hold up the others, and two that hang cost no more than one."""
    backend = RedisBackend(f"{nodes[0].url}?cluster=true", timeout=60.0)
    reading = asyncio.ensure_future(backend.read([f"v:{n}" for n in range(20)]))
    await until(lambda: all(b"GET" in (asked[0] for asked in node.asked) for node in nodes))
    reading.cancel()
    await backend.close()
