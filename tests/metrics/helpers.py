"""What the tests of the metrics share."""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace

from cachekit import Cache, CacheError, NodeStats, Stats, TierStats

CANARY = "canary"
"""In every key, tag and value, and in what is raised: it may be in no label."""

NEAR, FAR = TierStats("memory", 7, 3, 1), TierStats("redis", 2, 1, 0)
DOWN = NodeStats("store:6379", True, 5, 40, 3, 2, 1)


class Tiered(Cache):
    """Says that its store has two tiers and a node that is down."""

    def stats(self) -> Stats:
        return replace(super().stats(), tiers=(NEAR, FAR), nodes=(DOWN,))


async def used(cache: Cache) -> None:
    """Of the function `price` 2 hits, 2 misses and 2 loads, of which one fails; one direct miss."""

    @cache.cached(name="price", tags=[f"{CANARY}:{{product}}"])
    async def price(product: str) -> str:
        if product != CANARY:
            raise LookupError(product)
        return product

    for _ in range(3):
        await price(CANARY)
    await failing(price(f"no {CANARY}"))
    await cache.get(f"other {CANARY}")
    await cache.delete(f"other {CANARY}")


async def failing(call: Awaitable[object]) -> None:
    """Await what may raise what a load raises, or a cache that is closed or gets no answer."""
    with suppress(LookupError, CacheError):
        await call


def raises() -> int:
    raise LookupError("none")
