"""A replica of a Cluster takes over: the map is drawn anew, and what was lost is absent."""

import pytest

from cachekit import Key
from cachekit.backend import ANY, DONE, Write
from cachekit.entry import Entry, Kind
from tests.redis.lives import NAME, STORED, using
from tests.servers.cluster import ClusterServer, RedisCluster
from tests.servers.fixtures import Starter
from tests.servers.waiting import until


class Pair:
    """A Cluster, and those of its servers that have `k`."""

    def __init__(self, cluster: RedisCluster) -> None:
        self.cluster = cluster
        self.master = cluster.owner_of(STORED)
        self.replica = cluster.add_replica(self.master)

    def lose_the_rest(self) -> None:
        """What the master does from here on, the replica hears no more of."""
        self.master.command("WAIT", 1, 5000)
        self.replica.part()


@pytest.fixture
def pair(start: Starter) -> Pair:
    return Pair(start(RedisCluster()))


def has(server: ClusterServer) -> bool:
    """Whether it has anything under `k`."""
    return bool(server.command("EXISTS", STORED))


async def test_a_failover_that_loses_what_was_forgotten_serves_none_of_it(pair: Pair) -> None:
    async with using(pair.cluster) as user, using(pair.cluster) as other:
        await user.fill()
        assert await other.get() == "old"
        pair.lose_the_rest()
        user.origin.now = other.origin.now = "new"
        await user.cache.invalidate(Key("k"))
        pair.master.kill()
        pair.replica.take_over()
        assert has(pair.replica)
        assert [await each.get() for each in (user, other)] == [None, None]
        assert await user.get_or_set() == "new"
        assert await other.get() == "new"


async def test_who_asks_the_old_master_is_sent_on_and_nothing_fails(pair: Pair) -> None:
    async with using(pair.cluster) as user:
        await user.fill()
        pair.replica.take_over()
        until(pair.master.is_linked, "a master that is a replica now")
        assert await user.backend.read([NAME]) == {}
        assert await user.backend.write([Write(NAME, Entry(Kind.STUB), ANY)]) == [DONE]
        assert set(await user.backend.read([NAME])) == {NAME}
        assert has(pair.replica)


@pytest.mark.usefixtures("every_time")
async def test_a_master_that_is_replaced_and_comes_back_serves_nothing_of_before(
    start: Starter,
) -> None:
    cluster = start(RedisCluster())
    async with using(cluster) as user, using(cluster) as other:
        await user.fill()
        pair = Pair(cluster)
        assert await user.backend.read([NAME]) == {}  # the first replica is a new life, at once
        await user.fill()
        assert await other.get() == "old"
        pair.replica.take_over()
        until(pair.master.is_linked, "a master that is a replica now")
        assert await other.get() is None
        pair.master.take_over()
        until(pair.replica.is_linked, "a replica that is one again")
        assert has(pair.master)
        assert [await each.get() for each in (user, other)] == [None, None]
        user.origin.now = "new"
        assert await user.get_or_set() == "new"
        assert await other.get() == "new"
