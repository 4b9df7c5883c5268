"""A Cluster answers, and its slots can be moved."""

from collections.abc import Iterator

import pytest
from redis.exceptions import AskError, MovedError

from tests.servers.cluster import ClusterServer, RedisCluster, SlotMove, slot_of


@pytest.fixture(scope="module")
def own(server_installed: str) -> Iterator[RedisCluster]:
    """A Cluster of which the slots may be moved."""
    with RedisCluster() as cluster:
        yield cluster


def test_each_master_has_a_third_of_the_slots(redis_cluster: RedisCluster, prefix: str) -> None:
    keys = [f"{prefix}{number}" for number in range(20)]
    for key in keys:
        redis_cluster.owner_of(key).command("SET", key, key)
    assert {redis_cluster.owner_of(key) for key in keys} == set(redis_cluster.servers)
    assert all(redis_cluster.owner_of(key).command("GET", key) == key.encode() for key in keys)


def test_a_key_of_a_slot_on_its_way_is_asked_for_at_its_new_master(own: RedisCluster) -> None:
    key = "{asked}"
    old, move = begun(own, key)
    assert old.command("GET", key) == b"1"
    with pytest.raises(AskError):
        old.command("GET", f"{key}-none")
    move.move_keys()
    with pytest.raises(AskError):
        old.command("GET", key)


def test_a_slot_that_was_moved_is_elsewhere(own: RedisCluster) -> None:
    key = "{moved}"
    old, move = begun(own, key)
    move.move_keys()
    move.finish()
    with pytest.raises(MovedError):
        old.command("GET", key)
    assert own.owner_of(key).command("GET", key) == b"1"


def begun(cluster: RedisCluster, key: str) -> tuple[ClusterServer, SlotMove]:
    """The master that has a key, of which the slot is about to leave it."""
    old = cluster.owner_of(key)
    old.command("SET", key, 1)
    move = SlotMove(cluster, slot_of(key), next(cluster.others(old)))
    move.begin()
    return old, move
