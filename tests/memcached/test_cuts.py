"""A connection that ends at any moment: one piece of what passes is harmed, each in its turn."""

import pytest

from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer
from tests.stores.calls import WITHOUT_PREFIX
from tests.stores.cutter import HARMS, PATIENCE, Connect, check_forgetting, check_loading


@pytest.fixture
def connect(prefix: str) -> Connect:
    return lambda address: MemcachedBackend([address], prefix=prefix, timeout=PATIENCE)


@pytest.mark.parametrize("way", WITHOUT_PREFIX)
async def test_a_connection_that_ends_while_something_is_forgotten(
    memcached_server: MemcachedServer, connect: Connect, way: str
) -> None:
    await check_forgetting(memcached_server.port, connect, way)


@pytest.mark.parametrize("harm", HARMS)
async def test_a_connection_that_ends_while_something_is_loaded(
    memcached_server: MemcachedServer, connect: Connect, harm: str
) -> None:
    await check_loading(memcached_server.port, connect, harm)
