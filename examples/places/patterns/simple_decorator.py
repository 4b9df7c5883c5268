"""Simple decorator: nothing forgets this, it just gets old.

Good for what may be an hour old, or does not change: places do not move.
"""

import asyncio

from fastapi import APIRouter

from cachekit.fastapi import cached
from examples.places.caching import cache
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Id, Neighbour
from examples.places.patterns import key_naming
from examples.places.queries import select_neighbours

router = APIRouter()


@router.get("/places/{place_id}/nearby")
@cached(cache, ttl=3600, key=key_naming.NEARBY, ignore=["database"])
async def read_nearby(place_id: Id, database: UseDatabase) -> list[Neighbour]:
    """The nearest places, nearest first."""
    nearby = await asyncio.to_thread(select_neighbours, database, place_id)
    return found(nearby, f"no place {place_id}")
