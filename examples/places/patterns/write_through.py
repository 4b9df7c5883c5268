"""Write-through: write to the database, then have the cache load what is there now.

The front page shows the featured places to everyone, so nobody is to wait for them. `refresh`
forgets and loads. To `set` what was written would let two editors leave the older list in the
cache: they may come to it in another order than to the database.
"""

import asyncio

from fastapi import APIRouter

from cachekit import Cache
from cachekit.fastapi import CacheDep, committed
from examples.places.caching import cache as the_cache
from examples.places.database import Database
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Featured, FeaturedChange
from examples.places.patterns import key_naming
from examples.places.queries import save_featured, select_featured

router = APIRouter()


@the_cache.cached(ttl=3600, key=key_naming.FEATURED, ignore=["database"])
async def featured_of(database: Database) -> Featured:
    """What is featured now."""
    return await asyncio.to_thread(select_featured, database)


@router.get("/featured")
async def read_featured(database: UseDatabase) -> Featured:
    """The places on the front page."""
    return await featured_of(database)


@router.put("/featured")
async def write_featured(
    change: FeaturedChange, cache: CacheDep, database: UseDatabase
) -> Featured:
    """Choose the places on the front page."""
    saved = await asyncio.shield(_written(database, cache, change))
    return found(saved, "one of these places is not there")


async def _written(database: Database, cache: Cache, change: FeaturedChange) -> Featured | None:
    saved = await asyncio.to_thread(save_featured, database, change)
    if saved is not None:
        with committed("what is featured is changed"):
            await featured_of.refresh(database)
        with committed("the front page is changed"):
            await cache.invalidate(key_naming.FEATURE)
    return saved
