"""A Cluster answers, and its slots can be moved."""

import pytest
from redis.exceptions import AskError, MovedError

from tests.servers.cluster import ClusterServer, RedisCluster, SlotMove, slot_of
from tests.servers.fixtures import Starter


def test_each_master_has_a_third_of_the_slots(redis_cluster: RedisCluster, prefix: str) -> None:
    keys = [f"{prefix}{number}" for number in range(20)]
    for key in keys:
        redis_cluster.owner_of(key).command("SET", key, key)
    assert {redis_cluster.owner_of(key) for key in keys} == set(redis_cluster.servers)
    assert all(redis_cluster.owner_of(key).command("GET", key) == key.encode() for key in keys)


def test_a_key_of_a_slot_on_its_way_is_asked_for_at_its_new_master(start: Starter) -> None:
    old, key, move = begun(start(RedisCluster()))
    assert old.command("GET", key) == b"1"
    with pytest.raises(AskError):
        old.command("GET", f"{key}-none")
    move.move_keys()
    with pytest.raises(AskError):
        old.command("GET", key)


def test_a_slot_that_was_moved_is_elsewhere(start: Starter) -> None:
    cluster = start(RedisCluster())
    old, key, move = begun(cluster)
    move.move_keys()
    move.finish()
    with pytest.raises(MovedError):
        old.command("GET", key)
    assert cluster.owner_of(key).command("GET", key) == b"1"


def begun(cluster: RedisCluster) -> tuple[ClusterServer, str, SlotMove]:
    """A slot that is about to leave its master, which has the key."""
    key = "{moving}"
    old = cluster.owner_of(key)
    old.command("SET", key, 1)
    move = SlotMove(cluster, slot_of(key), next(cluster.others(old)))
    move.begin()
    return old, key, move
