"""What is where: an entry at the node of its key, with the records of that home, and its claim."""

import asyncio
import time
from typing import Any, Final

import pytest

from cachekit import Cache
from cachekit.keys import claim_of, record_key, tag_key, value_key
from cachekit.testing import FakeClock
from tests.memcached.back_door import MemcachedDoor
from tests.memcached.crowd import NAMES, Crowd, Truth, tags_of
from tests.memcached.three import SPACE, Three
from tests.servers.fixtures import ThreeMemcacheds
from tests.servers.waiting import eventually

IN_TIME: Final = 5.0


@pytest.fixture
def three(three_memcacheds: ThreeMemcacheds, prefix: str) -> Three:
    return Three(three_memcacheds, prefix)


@pytest.fixture
def door(three: Three) -> MemcachedDoor:
    return MemcachedDoor(three.servers, three.prefix)


async def test_an_entry_is_at_its_node_and_carries_the_records_of_that(
    three: Three, door: MemcachedDoor
) -> None:
    backend = three.backend(timeout=IN_TIME)
    async with Cache(backend, namespace=SPACE, deadline=IN_TIME) as cache:
        await Crowd(cache, Truth()).read_all()
        for name in NAMES[::7]:
            key, (kind, *_) = value_key(SPACE, name), name.split(":")
            server = three.server_of(key)
            function = [f"fn:{kind}"] if kind in ("calm", "busy") else []
            records = [record_key(SPACE, each, server.address) for each in ["home", *function]]
            tags = [tag_key(SPACE, tag) for tag in tags_of(name)]
            entry: Any = (await backend.read([key]))[key]
            assert entry.tags.keys() == {*records, *tags}
            assert door.places(key) == [server]
            assert [door.places(record) for record in records] == [[server]] * len(records)
            assert [door.places(tag) for tag in tags] == [[three.server_of(tag)] for tag in tags]


async def test_the_claim_of_who_refreshes_a_value_is_where_that_is(
    three: Three, door: MemcachedDoor
) -> None:
    clock, end = FakeClock(time=time.time()), asyncio.Event()
    backend = three.backend(timeout=IN_TIME, clock=clock)
    names = [next(three.keys_at(server)) for server in three.servers]
    claims = [claim_of(value_key(SPACE, name)) for name in names]

    async def load() -> str:
        await end.wait()
        return "new"

    async with Cache(backend, namespace=SPACE, clock=clock, deadline=IN_TIME) as cache:
        windows: dict[str, Any] = {"ttl": 10, "stale_while_revalidate": 60}
        await cache.set_many(dict.fromkeys(names, "old"), **windows)
        clock.advance(20)
        assert [await cache.get_or_set(name, load, **windows) for name in names] == ["old"] * 3
        await eventually(lambda: all(map(door.places, claims)), "claims")
        assert [door.places(claim) for claim in claims] == [[server] for server in three.servers]
        end.set()
        await eventually(lambda: not any(map(door.places, claims)), "refreshes")
        assert await cache.get_many(names) == dict.fromkeys(names, "new")
