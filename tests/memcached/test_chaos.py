"""A bad network and callers who give up: nobody is given the answer to another's question."""

from collections.abc import Sequence

import pytest

from cachekit.backend import Backend
from cachekit_memcached import MemcachedBackend
from tests.memcached.guests import all_gone
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.storm import PATIENCE, Store, check_storm


def connect(addresses: Sequence[str]) -> Backend:
    return MemcachedBackend(addresses, timeout=PATIENCE, connect_timeout=PATIENCE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("nodes", "operations"),
    [
        (1, 6000),
        pytest.param(1, 100_000, marks=pytest.mark.long),
        pytest.param(3, 100_000, marks=pytest.mark.long),
    ],
)
async def test_no_value_of_another_key_and_nothing_left_over(
    start: Starter, nodes: int, operations: int
) -> None:
    servers = [start(MemcachedServer()) for _ in range(nodes)]
    await check_storm(Store([server.port for server in servers], connect), operations)
    for server in servers:
        all_gone(server)
