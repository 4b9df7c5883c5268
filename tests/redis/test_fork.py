"""After `os.fork` each process has connections of its own (R12)."""

import os
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cachekit import Cache, Tag
from cachekit_redis import RedisBackend
from tests.core.test_fork import in_child
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer
from tests.servers.waiting import until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_a_child_and_its_parent_speak_on_connections_of_their_own(
    redis_server: RedisServer, prefix: str
) -> None:
    cache = Cache(
        RedisBackend(redis_server.url, prefix=prefix, timeout=5.0), namespace="x", deadline=5.0
    )

    def pid() -> int:
        return cache.sync.get_or_set("pid", os.getpid, ttl=60, tags=["t"])

    def child() -> None:
        assert [pid() for _ in range(50)] == [parent] * 50
        cache.sync.set("child", os.getpid())
        cache.sync.invalidate(Tag("t"))
        cache.sync.close()

    parent = pid()
    assert parent == os.getpid()
    in_child(child)
    assert cache.sync.get("pid") is None
    assert cache.sync.get("child") not in (None, parent)
    assert cache.stats().unreached == 0
    cache.sync.close()


def connections(server: RedisServer, name: str) -> set[bytes]:
    """Those with this client name, as the server numbers them."""
    client: Any = server.client()  # not the one that a child shares with its parent
    with client:
        listed: bytes = client.execute_command("CLIENT", "LIST")
    return {line.split()[0] for line in listed.splitlines() if f"name={name} ".encode() in line}


@pytest.mark.parametrize("rounds", [1, 5])
def test_the_connections_of_a_parent_outlive_its_children(
    redis_server: RedisServer, prefix: str, rounds: int
) -> None:
    """A child neither uses nor closes them, and what it opens it closes."""
    name = prefix.strip(":")
    url = f"{redis_server.url}?client_name={name}&connections=1"
    cache = Cache(RedisBackend(url, prefix=prefix, timeout=5.0), namespace="x", deadline=5.0)
    cache.sync.set("k", "the parent's")
    parents = connections(redis_server, name)

    def child() -> None:
        assert cache.sync.get("k") == "the parent's"
        mine = connections(redis_server, name) - parents
        assert len(mine) == 1
        assert connections(redis_server, name) >= parents
        cache.sync.close()
        until(lambda: not connections(redis_server, name) & mine, "a connection to be closed")

    assert len(parents) == 1
    for _ in range(rounds):
        in_child(child)
        assert cache.sync.get("k") == "the parent's"
        assert connections(redis_server, name) == parents
    cache.sync.close()
    until(lambda: not connections(redis_server, name), "the last connection to be closed")


def test_a_child_of_a_cache_on_a_cluster(redis_cluster: RedisCluster, prefix: str) -> None:
    cache = Cache(
        RedisBackend(redis_cluster.url, prefix=prefix, timeout=5.0), namespace="x", deadline=5.0
    )
    keys = [f"{n}" for n in range(20)]

    def child() -> None:
        assert cache.sync.get_many(keys) == dict.fromkeys(keys, "the parent's")
        cache.sync.set_many(dict.fromkeys(keys, "the child's"))
        cache.sync.close()

    cache.sync.set_many(dict.fromkeys(keys, "the parent's"))
    in_child(child)
    assert cache.sync.get_many(keys) == dict.fromkeys(keys, "the child's")
    cache.sync.close()


def test_a_child_of_a_cache_on_a_ready_client(redis_server: RedisServer, prefix: str) -> None:
    client = Redis(
        host="127.0.0.1",
        port=redis_server.port,
        retry=Retry(NoBackoff(), 0),
    )
    cache = Cache(RedisBackend(client, prefix=prefix, timeout=5.0), namespace="x", deadline=5.0)

    def child() -> None:
        assert cache.sync.get("k") == "the parent's"
        cache.sync.set("k", "the child's")
        cache.sync.close()

    cache.sync.set("k", "the parent's")
    in_child(child)
    assert cache.sync.get("k") == "the child's"
    cache.sync.close()
