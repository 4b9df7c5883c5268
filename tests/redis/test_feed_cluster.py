"""The feed where the master of the stream may change: what may have been lost by that is said."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from cachekit_redis import RedisBackend
from tests.redis.following import Follower, announce
from tests.redis.place import PATIENCE, Place
from tests.servers.cluster import RedisCluster, SlotMove, slot_of
from tests.servers.fixtures import Starter
from tests.servers.sentinel import RedisSentinel
from tests.servers.waiting import until
from tests.stores.scripted import told

STREAM: Final = "ck:~changes"


@pytest.fixture
def cluster(start: Starter) -> RedisCluster:
    return start(RedisCluster())


@pytest.fixture
async def backend(cluster: RedisCluster) -> AsyncIterator[RedisBackend]:
    backend = RedisBackend(cluster.url, timeout=PATIENCE, connect_timeout=PATIENCE)
    await backend.open()
    yield backend
    await backend.close()


@pytest.fixture
async def follower(backend: RedisBackend) -> Follower:
    follower = Follower(backend)
    await follower.begin()
    return follower


async def hears(follower: Follower, backend: RedisBackend, key: str) -> None:
    """Of a change, once it could be made: who makes it may still think of the master that was."""
    async with asyncio.timeout(10):
        while isinstance(await told(announce(backend, [key])), Exception):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert await follower.news() == [key]


async def has_lost(follower: Follower) -> None:
    """Once there is an answer, it is that; until then there is an error."""
    async with asyncio.timeout(10):
        while isinstance(await told(follower.ask()), Exception):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert (follower.losses, follower.heard) == (1, [])
    assert await follower.news() == []


# -- slots that move


@pytest.fixture(scope="module")
def moving(server_installed: str) -> Iterator[RedisCluster]:
    """A Cluster whose slots are moved; each test keeps to its prefix."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.mark.parametrize("trust_restart", [False, True])
async def test_a_stream_that_moves_is_followed_at_its_new_place(
    moving: RedisCluster, prefix: str, trust_restart: bool
) -> None:
    """While it is on its way nobody says that all is known."""
    place = Place(moving, prefix)
    backend = place.backend(trust_restart=trust_restart)
    follower = Follower(backend)
    await follower.begin()
    stream = place.name("~changes")
    move = SlotMove(moving, slot_of(stream), next(moving.others(moving.owner_of(stream))))
    move.begin()
    await hears(follower, backend, "v:begun")
    move.move_keys()
    await announce(backend, ["v:under way"])
    assert "on its way to another server" in str(await told(follower.ask()))
    move.finish()
    await has_lost(follower)
    await hears(follower, backend, "v:moved")
    await backend.close()


async def test_a_stream_that_moves_while_the_question_waits(
    moving: RedisCluster, prefix: str
) -> None:
    place = Place(moving, prefix)
    backend = place.backend()
    follower = Follower(backend)
    await follower.begin()
    stream = place.name("~changes")
    owner = moving.owner_of(stream)
    asking = await follower.waits(owner)
    moving.move(slot_of(stream), next(moving.others(owner)))
    await announce(backend, ["v:k"])
    answer = await told(asking)
    assert isinstance(answer, Exception) or (follower.losses, follower.heard) == (1, [])
    follower.losses, follower.position = 0, None
    await has_lost(follower)
    await hears(follower, backend, "v:moved")
    await backend.close()


# -- masters that are replaced


async def test_a_replica_that_takes_over_may_not_have_heard_of_all(
    cluster: RedisCluster, backend: RedisBackend, follower: Follower
) -> None:
    """The entry that was read last is there, and what came after it was lost."""
    master = cluster.owner_of(STREAM)
    replica = cluster.add_replica(master)
    assert (await follower.ask()).lost  # the first replica is another life
    await hears(follower, backend, "v:heard")
    follower.losses = 0
    master.command("WAIT", 1, 5000)
    replica.part()
    await announce(backend, ["v:lost"])
    master.kill()
    replica.take_over()
    await has_lost(follower)
    await hears(follower, backend, "v:next")


async def test_a_master_that_becomes_a_replica_while_the_question_waits(
    cluster: RedisCluster, backend: RedisBackend, follower: Follower
) -> None:
    """It sends on who asks of the stream, and still answers who it is."""
    master = cluster.owner_of(STREAM)
    replica = cluster.add_replica(master)
    await has_lost(follower)
    asking = await follower.waits(master)
    replica.take_over()
    until(master.is_linked, "a master that is a replica now")
    answer = await told(asking)
    assert isinstance(answer, Exception) or follower.losses == 2
    follower.losses, follower.position = 0, None
    await has_lost(follower)
    await hears(follower, backend, "v:next")


async def test_a_master_that_is_gone_raises(
    cluster: RedisCluster, backend: RedisBackend, follower: Follower
) -> None:
    asking = await follower.waits(cluster.owner_of(STREAM))
    cluster.owner_of(STREAM).kill()
    for question in (asking, follower.ask(), follower.ask()):
        assert isinstance(await told(question), Exception)
    assert follower.losses == 0


async def test_a_failover_by_sentinels(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachekit_redis.sentinels.CHECKED", 0.0)
    service = start(RedisSentinel())
    backend = RedisBackend(service.url, timeout=PATIENCE)
    follower = Follower(backend)
    await follower.begin()
    await hears(follower, backend, "v:heard")
    service.part()
    await announce(backend, ["v:lost"])
    service.master.kill()
    service.wait()
    await has_lost(follower)
    await hears(follower, backend, "v:next")
    await backend.close()
