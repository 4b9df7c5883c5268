"""What every backend must pass, on one server and on a Cluster."""

from collections.abc import Sequence
from typing import Any

import pytest

from cachekit.backend import FEED, FORGET_PREFIX, MEASURE, NODES
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit_redis import RedisBackend
from tests.redis.back_door import RedisDoor
from tests.redis.moved_clock import MovedClock
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer


class RedisSuite(BackendSuite):
    """Spans are long, since the servers' own time goes on as well."""

    __test__ = False
    capabilities = frozenset({FORGET_PREFIX, MEASURE, FEED})
    short = 30.0
    slack = 1.0
    examples = 30

    @pytest.fixture
    def url(self) -> str:
        """Where the servers are."""
        raise NotImplementedError

    @pytest.fixture
    def servers(self) -> Sequence[RedisServer]:
        """All that have keys."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self, servers: Sequence[RedisServer], prefix: str) -> MovedClock:
        return MovedClock(servers, prefix)

    @pytest.fixture
    def backend(self, url: str, prefix: str, clock: MovedClock) -> RedisBackend:
        return RedisBackend(url, prefix=prefix, timeout=5.0, clock=clock)

    @pytest.fixture
    def another_backend(self, url: str, prefix: str, clock: MovedClock) -> RedisBackend:
        return RedisBackend(url, prefix=prefix, timeout=5.0, clock=clock)


class TestOneServer(RedisSuite):
    __test__ = True

    @pytest.fixture
    def url(self, redis_server: RedisServer) -> str:
        return redis_server.url

    @pytest.fixture
    def servers(self, redis_server: RedisServer) -> Sequence[RedisServer]:
        return [redis_server]

    @pytest.fixture
    def back_door(self, redis_server: RedisServer, prefix: str) -> BackDoor:
        return RedisDoor(redis_server.command, prefix)


class TestCluster(RedisSuite):
    __test__ = True
    capabilities = RedisSuite.capabilities | {NODES}

    @pytest.fixture
    def url(self, redis_cluster: RedisCluster) -> str:
        return redis_cluster.url

    @pytest.fixture
    def servers(self, redis_cluster: RedisCluster) -> Sequence[RedisServer]:
        return redis_cluster.servers

    @pytest.fixture
    def back_door(self, redis_cluster: RedisCluster, prefix: str) -> BackDoor:
        def command(name: str, key: bytes, *rest: Any) -> Any:
            return redis_cluster.owner_of(key).command(name, key, *rest)

        return RedisDoor(command, prefix)
