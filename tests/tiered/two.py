"""Two caches with copies in front of one server; the link of the second one may be cut."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from cachekit import Cache, InvalidationError
from cachekit.invalidation import Target
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend
from tests.servers.proxy import NONE, Faults, Proxy
from tests.servers.server import RedisServer
from tests.tiered.ages import now

STALENESS: Final = 0.5
BOUND: Final = 0.55
PATIENCE: Final = 10.0
OLD, NEW = "old", "new"


def _cache(url: str, **options: Any) -> Cache:
    far = RedisBackend(url, timeout=0.4, connect_timeout=0.4, **options)
    tiers = TieredBackend(MemoryBackend(), far, max_staleness=STALENESS)
    return Cache(tiers, namespace="x", deadline=0.5)


class Watched:
    """`well` forgets, and `other`, behind the `proxy`, is watched."""

    def __init__(self, proxy: Proxy, well: Cache, other: Cache) -> None:
        self.well = well
        self.other = other
        self.seen: dict[str, float] = {}
        """When the old value of each key was last seen among the copies of `other`."""
        self._proxy = proxy

    async def warm(self, *keys: str, tags: Sequence[str] = ()) -> None:
        """Both have a copy of the old values."""
        async with asyncio.timeout(PATIENCE):
            for cache in (self.well, self.other):
                for key in keys:
                    while cache.peek(key) != OLD:
                        assert await cache.get_or_set(key, lambda: OLD, tags=tags) == OLD
                        await asyncio.sleep(0.001)

    @asynccontextmanager
    async def watched(self, *keys: str) -> AsyncGenerator[None]:
        """Meanwhile it is noted when the old values are seen."""
        task = asyncio.create_task(self._watch(keys))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _watch(self, keys: Sequence[str]) -> None:
        while True:
            for key in keys:
                if self.other.peek(key) == OLD:
                    self.seen[key] = now()
            await asyncio.sleep(0.001)

    async def forget(self, *targets: Target) -> float:
        """Have `well` forget; when that was acknowledged."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.well.invalidate(*targets)
                    return now()
                except InvalidationError:
                    await asyncio.sleep(0.01)

    async def gone(self, *keys: str, since: float) -> float:
        """Watch on until the bound is past, and say how long an old value was seen."""
        while now() < since + BOUND + 0.05:  # noqa: ASYNC110  it is time that is waited for
            await asyncio.sleep(0.01)
        return max(0.0, *(self.seen.get(key, since) - since for key in keys))

    async def cut(self) -> None:
        """No connection of `other` lives, and none that it opens."""
        self._proxy.faults = Faults(reset=1.0)
        await self._proxy.disconnect()

    def mend(self) -> float:
        self._proxy.faults = NONE
        return now()

    def hold(self) -> None:
        """All that `other` sends and is sent is late."""
        self._proxy.hold()

    def release(self) -> float:
        self._proxy.release()
        return now()

    async def is_as_before(self, *keys: str) -> float:
        """Wait until `other` looks at its copies; none is that of an old value. The moment."""
        async with asyncio.timeout(PATIENCE):
            while self.other.peek("another") != NEW:
                assert await self.other.get_or_set("another", lambda: NEW) == NEW
                await asyncio.sleep(0.001)
        moment = now()
        for key in keys:
            assert self.other.peek(key) != OLD
            assert await self.other.get_or_set(key, lambda: NEW) == NEW
        return moment


class Two(Watched):
    """The same on a Redis."""

    def __init__(self, server: RedisServer, proxy: Proxy, well: Cache, other: Cache) -> None:
        super().__init__(proxy, well, other)
        self.server = server


@asynccontextmanager
async def two(server: RedisServer, **options: Any) -> AsyncGenerator[Two]:
    """`options` are those of the backend of both."""
    async with Proxy(server.port) as proxy:
        well, other = _cache(server.url, **options), _cache(proxy.url, **options)
        async with well, other:
            yield Two(server, proxy, well, other)
