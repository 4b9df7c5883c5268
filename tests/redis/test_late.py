"""What a server carries out after its caller has given it up: it brings nothing back."""

from typing import Final

import pytest

from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer
from tests.stores.calls import FORGETS
from tests.stores.late import WORK, changing, check_late

ALL_WORK: Final = {**WORK, "prefix": (changing(FORGETS["prefix"]), False)}
CONNECTIONS: Final = 2


@pytest.mark.parametrize("way", ["key", pytest.param("tag", marks=pytest.mark.long)])
@pytest.mark.parametrize("work", ALL_WORK)
async def test_what_is_late_brings_nothing_back(
    redis_server: RedisServer, prefix: str, work: str, way: str
) -> None:
    def connect(address: str, timeout: float) -> RedisBackend:
        return RedisBackend(f"redis://{address}", prefix=prefix, timeout=timeout)

    await check_late(redis_server.port, connect, CONNECTIONS, ALL_WORK[work], way)
