"""What every backend must pass: without a feed, and in front of a server."""

from typing import Any

import pytest

from cachekit.backend import FENCE, FORGET_PREFIX, MEASURE, PEEK, TIERS, Backend
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit.testing.reference import Records, ReferenceBackend
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend
from tests.redis.back_door import RedisDoor
from tests.redis.moved_clock import MovedClock
from tests.servers.server import RedisServer
from tests.testing.doors import RecordsDoor


class TestWithoutAFeed(BackendSuite):
    capabilities = frozenset({FORGET_PREFIX, PEEK, FENCE, TIERS})
    examples = 20

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def records(self) -> Records:
        return {}

    @pytest.fixture
    def backend(self, clock: FakeClock, records: Records) -> TieredBackend:
        return tiered(ReferenceBackend(clock, records), clock, max_staleness=60.0)

    @pytest.fixture
    def another_backend(self, clock: FakeClock, records: Records) -> TieredBackend:
        return tiered(ReferenceBackend(clock, records), clock, max_staleness=60.0)

    @pytest.fixture
    def back_door(self, records: Records) -> BackDoor:
        return RecordsDoor(records)


class TestOnRedis(BackendSuite):
    """Spans are long, since the server's own time goes on as well."""

    capabilities = frozenset({FORGET_PREFIX, PEEK, FENCE, TIERS, MEASURE})
    short = 30.0
    slack = 1.0
    examples = 20

    @pytest.fixture
    def clock(self, redis_server: RedisServer, prefix: str) -> MovedClock:
        return MovedClock([redis_server], prefix)

    @pytest.fixture
    def backend(self, redis_server: RedisServer, prefix: str, clock: MovedClock) -> TieredBackend:
        return self.on_redis(redis_server, prefix, clock)

    @pytest.fixture
    def another_backend(
        self, redis_server: RedisServer, prefix: str, clock: MovedClock
    ) -> TieredBackend:
        return self.on_redis(redis_server, prefix, clock)

    @pytest.fixture
    def back_door(self, redis_server: RedisServer, prefix: str) -> BackDoor:
        return RedisDoor(redis_server.command, prefix)

    def on_redis(self, server: RedisServer, prefix: str, clock: MovedClock) -> TieredBackend:
        return tiered(RedisBackend(server.url, prefix=prefix, timeout=5.0, clock=clock), clock)


def tiered(far: Backend, clock: FakeClock, **options: Any) -> TieredBackend:
    return TieredBackend(MemoryBackend(clock=clock), far, clock=clock, **options)
