"""What a call costs over its load while Redis does not answer."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from rich.table import Table

from benchmarks.measuring import table
from benchmarks.redis_clients import VALUE
from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer

DEADLINE: Final = 0.25
"""The default, in seconds."""


async def outages() -> Table:
    """Shows what the first calls cost, of a server that is stopped and of one that is gone."""
    title = "get_or_set while Redis does not answer: milliseconds over its load"
    made = table(title, ("Redis", "call"), ("ms",))
    with RedisServer() as server:
        for state, change in (("stopped (SIGSTOP)", server.freeze), ("refuses", server.kill)):
            async with _used(server) as cache:
                change()
                for call in ("first", "second"):
                    made.add_row(state, call, f"{await over_its_load(cache, call):,.1f}")
                server.thaw()
    return made


@asynccontextmanager
async def _used(server: RedisServer) -> AsyncIterator[Cache]:
    """A cache that has its connection."""
    async with Cache(RedisBackend(server.url), namespace="outage", deadline=DEADLINE) as cache:
        await cache.get("opens the connection")
        yield cache


async def over_its_load(cache: Cache, key: str) -> float:
    """Milliseconds of a `get_or_set`, but for those of the load."""
    loading = 0.0

    async def load() -> Any:
        nonlocal loading
        began = time.perf_counter()
        value = dict(VALUE)
        loading = time.perf_counter() - began
        return value

    began = time.perf_counter()
    await cache.get_or_set(key, load)
    return (time.perf_counter() - began - loading) * 1000
