"""What a server carries out after its caller has given it up: it brings nothing back."""

from typing import Any, Final

import pytest

from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer
from tests.stores.late import WORK, check_late

CONNECTIONS: Final = 1

SHORT: Final = ("get_or_set", "add", "touch", "set", "delete", "tag", "clear")
"""The others are of these."""


def _param(work: str, way: str) -> Any:
    is_short = work in SHORT and way == "key"
    return pytest.param(work, way, marks=[] if is_short else [pytest.mark.long])


@pytest.mark.parametrize(
    ("work", "way"), [_param(work, way) for work in WORK for way in ("key", "tag")]
)
async def test_what_is_late_brings_nothing_back(
    memcached_server: MemcachedServer, prefix: str, work: str, way: str
) -> None:
    def connect(address: str, timeout: float) -> MemcachedBackend:
        return MemcachedBackend([address], prefix=prefix, timeout=timeout)

    await check_late(memcached_server.port, connect, CONNECTIONS, WORK[work], way)
