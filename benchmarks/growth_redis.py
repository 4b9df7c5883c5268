"""A Redis with more and more keys: a get and a set, beside redis-py."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from redis.asyncio import Redis
from rich.progress import track

from benchmarks.clients import VALUE, pack, unpack
from benchmarks.growth_series import ENTRIES, Series, sizes
from benchmarks.growth_worst import LARGEST
from benchmarks.measuring import Effort
from benchmarks.results import OURS
from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.servers.program import NoServerError
from tests.servers.server import RedisServer

_GET: Final = "a get from Redis"
_SET: Final = "a set on Redis"
_PLAIN: Final = "redis.asyncio"
_ASKED: Final = 200
"""So many of the keys are asked for in one round."""
_OURS: Final = 1000
_BATCH: Final = 5000
_TTL: Final = 3600
Call = Callable[[str], Awaitable[object]]


@dataclass
class _Both:
    """Ours and the plain client of one server."""

    cache: Cache
    plain: Redis

    async def plain_get(self, key: str) -> object:
        return unpack(await self.plain.get(key))

    async def plain_set(self, key: str) -> object:
        return await self.plain.set(key, pack(VALUE), ex=_TTL)

    async def set(self, key: str) -> None:
        await self.cache.set(key, VALUE)


def on_redis(effort: Effort) -> list[Series]:
    """Milliseconds pass in the server, too: microseconds of a clock on the wall."""
    try:
        with RedisServer() as server:
            return asyncio.run(_on(server.url, effort))
    except NoServerError as error:
        return [Series(what, OURS, ENTRIES, note=str(error)) for what in (_GET, _SET)]


async def _on(url: str, effort: Effort) -> list[Series]:
    plain = Redis.from_url(url)
    async with Cache(RedisBackend(url), namespace="growth", ttl=_TTL) as cache, plain:
        both = _Both(cache, plain)
        calls: dict[tuple[str, str], Call] = {
            (_GET, _PLAIN): both.plain_get,
            (_GET, OURS): cache.get,
            (_SET, _PLAIN): both.plain_set,
            (_SET, OURS): both.set,
        }
        found = {way: Series(*way, ENTRIES, floor=way[1] == _PLAIN) for way in calls}
        there = 0
        for size in track(sizes(min(effort.most, LARGEST), _OURS), description="keys on Redis"):
            await _fill(both, there, size)
            there = size
            for _ in range(effort.rounds):
                for way, call in calls.items():
                    found[way].add(size, await _timed(way[1], call, effort.hits))
        return list(found.values())


async def _fill(both: _Both, start: int, end: int) -> None:
    """The first thousand are ours, too; what is asked for is among as many of each client."""
    if not start:
        await both.cache.set_many({f"{OURS}:{number}": VALUE for number in range(_OURS)})
    for first in range(start, end, _BATCH):
        numbers, data = range(first, min(first + _BATCH, end)), pack(VALUE)
        await both.plain.mset({f"{_PLAIN}:{number}": data for number in numbers})


async def _timed(subject: str, call: Call, hits: int) -> float:
    numbers = Random().choices(range(_OURS), k=min(hits, _ASKED))
    keys = [f"{subject}:{number}" for number in numbers]
    started = time.perf_counter()
    for key in keys:
        await call(key)
    return (time.perf_counter() - started) / len(keys) * 1e6
