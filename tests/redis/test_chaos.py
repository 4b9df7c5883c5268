"""A bad network and callers who give up: nobody is given the answer to another's question."""

from collections.abc import Sequence

import pytest
from redis import RedisError

from cachekit.backend import Backend
from cachekit_redis import RedisBackend
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.stores.storm import PATIENCE, Store, check_storm


def connect(addresses: Sequence[str]) -> Backend:
    url = f"redis://{addresses[0]}"
    return RedisBackend(url, timeout=PATIENCE, connect_timeout=PATIENCE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("operations", [6000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_no_value_of_another_key_and_nothing_left_over(
    start: Starter, operations: int
) -> None:
    server = start(RedisServer())
    store = Store([server.port], connect, (ConnectionError, TimeoutError, RedisError))
    await check_storm(store, operations)
    assert len(server.command("CLIENT", "LIST").splitlines()) == 1
