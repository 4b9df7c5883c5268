"""A connection that ends at any moment: one piece of what passes is harmed, each in its turn."""

import pytest

from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer
from tests.stores.calls import FORGETS
from tests.stores.cutter import HARMS, PATIENCE, Connect, check_forgetting, check_loading


@pytest.fixture
def connect(prefix: str) -> Connect:
    return lambda address: RedisBackend(f"redis://{address}", prefix=prefix, timeout=PATIENCE)


@pytest.mark.parametrize("way", FORGETS)
async def test_a_connection_that_ends_while_something_is_forgotten(
    redis_server: RedisServer, connect: Connect, way: str
) -> None:
    await check_forgetting(redis_server.port, connect, way)


@pytest.mark.parametrize("harm", HARMS)
async def test_a_connection_that_ends_while_something_is_loaded(
    redis_server: RedisServer, connect: Connect, harm: str
) -> None:
    await check_loading(redis_server.port, connect, harm)
