"""What has copies in its process before a Redis, or has none; each as its docs use it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from cachetools import TTLCache
from redis.asyncio import Redis

from benchmarks.clients import OURS, TTL, Close
from benchmarks.read_through import Load, by_hand, key, named
from cachekit import Cache
from cachekit.backend import Backend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend

NO_COPIES: Final = "cachekit, no copies"
CASHEWS: Final = "cashews, client side"
PLAIN: Final = "redis.asyncio by hand"
COPIES: Final = "cachetools before redis.asyncio"

NOTES: Final = {CASHEWS: "with protocol=2, since with RESP3 it does not hear of changes"}

_COPIES: Final = 10_000
"""So many are kept in a process; cashews has no other number."""


@dataclass(frozen=True)
class Tiers:
    """One of them, on one event loop."""

    get: Callable[[int], Awaitable[Any]]
    """Of a number: the copy, or what Redis has, or what was loaded."""
    forget: Callable[[int], Awaitable[object]]
    close: Close


Maker = Callable[[str, Load], Awaitable[Tiers]]
"""Makes one, on a database of a Redis, and with what loads a number."""


async def ours(url: str, load: Load) -> Tiers:
    near = f"memory://?max_entries={_COPIES}"
    return _ours(TieredBackend(near, RedisBackend(url)), load)


async def no_copies(url: str, load: Load) -> Tiers:
    return _ours(RedisBackend(url), load)


def _ours(backend: Backend, load: Load) -> Tiers:
    cache = Cache(backend, namespace="tiered", ttl=TTL)
    get = cache.cached(key="item:{number}")(named(load))
    return Tiers(get, get.invalidate, cache.close)


async def cashews(url: str, load: Load) -> Tiers:
    from cashews import Cache as Cashews

    cache = Cashews()
    cache.setup(url, client_side=True, protocol=2)

    async def forget(number: int) -> object:
        return await cache.delete(key(number))

    get = cache.cache(ttl=TTL, key="item:{number}")(named(load))
    return Tiers(get, forget, cache.close)


async def plain(url: str, load: Load) -> Tiers:
    client = Redis.from_url(url)

    async def forget(number: int) -> object:
        return await client.delete(key(number))

    return Tiers(by_hand(client, load), forget, client.aclose)


async def copies(url: str, load: Load) -> Tiers:
    """Nobody tells the others."""
    behind = await plain(url, load)
    near: TTLCache[int, Any] = TTLCache(_COPIES, TTL)

    async def get(number: int) -> Any:
        value = near.get(number)
        if value is None:
            value = near[number] = await behind.get(number)
        return value

    async def forget(number: int) -> object:
        near.pop(number, None)
        return await behind.forget(number)

    return Tiers(get, forget, behind.close)


MAKERS: Final[dict[str, Maker]] = {
    COPIES: copies,
    OURS: ours,
    CASHEWS: cashews,
    PLAIN: plain,
    NO_COPIES: no_copies,
}


async def made(name: str, server: str, load: Load) -> Tiers:
    """The one of that name, in a database of its own; none is in the first."""
    return await MAKERS[name](f"{server}/{list(MAKERS).index(name) + 1}", load)
