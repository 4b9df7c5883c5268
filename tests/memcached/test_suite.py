"""What every backend must pass, on one server and on three."""

from collections.abc import Sequence

import pytest

from cachekit.backend import HOMES, MEASURE, NODES, ROOM
from cachekit.testing.backends import BackDoor, BackendSuite
from cachekit_memcached import MemcachedBackend
from tests.memcached.back_door import MemcachedDoor
from tests.memcached.moved_clock import MovedClock
from tests.servers.fixtures import ThreeMemcacheds
from tests.servers.memcached import MemcachedServer


class MemcachedSuite(BackendSuite):
    """Spans are long and in whole seconds, which is all that the servers know; and their own time
    goes on as well."""

    __test__ = False
    capabilities = frozenset({MEASURE, ROOM})
    short = 30.0
    slack = 2.0
    examples = 30

    @pytest.fixture
    def servers(self) -> Sequence[MemcachedServer]:
        """Where the entries are."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self, servers: Sequence[MemcachedServer], prefix: str) -> MovedClock:
        return MovedClock(servers, prefix)

    @pytest.fixture
    def backend(
        self, servers: Sequence[MemcachedServer], prefix: str, clock: MovedClock
    ) -> MemcachedBackend:
        return _backend(servers, prefix, clock)

    @pytest.fixture
    def another_backend(
        self, servers: Sequence[MemcachedServer], prefix: str, clock: MovedClock
    ) -> MemcachedBackend:
        return _backend(servers, prefix, clock)

    @pytest.fixture
    def back_door(self, servers: Sequence[MemcachedServer], prefix: str) -> BackDoor:
        return MemcachedDoor(servers, prefix)


class TestOneServer(MemcachedSuite):
    __test__ = True

    @pytest.fixture
    def servers(self, memcached_server: MemcachedServer) -> Sequence[MemcachedServer]:
        return [memcached_server]


class TestThreeServers(MemcachedSuite):
    __test__ = True
    capabilities = MemcachedSuite.capabilities | {NODES, HOMES}

    @pytest.fixture
    def servers(self, three_memcacheds: ThreeMemcacheds) -> Sequence[MemcachedServer]:
        return three_memcacheds


def _backend(
    servers: Sequence[MemcachedServer], prefix: str, clock: MovedClock
) -> MemcachedBackend:
    addresses = [server.address for server in servers]
    return MemcachedBackend(addresses, prefix=prefix, timeout=5.0, clock=clock)
