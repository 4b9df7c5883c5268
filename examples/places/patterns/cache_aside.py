"""Cache-aside: look in the cache, else load and store.

`get_or_set` is that in one call. A `get`, a query and a `set` of your own would store an old place
over the update that came between them.
"""

import asyncio

from fastapi import APIRouter

from cachekit.fastapi import CacheDep
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Id, Place
from examples.places.patterns import key_naming
from examples.places.queries import select_place

router = APIRouter()


@router.get("/places/{place_id}")
async def read_place(place_id: Id, cache: CacheDep, database: UseDatabase) -> Place:
    """One place."""
    place = await cache.get_or_set(
        key_naming.place(place_id).text,
        lambda: asyncio.to_thread(select_place, database, place_id),
        ttl=60,
        none_ttl=10,  # that there is none is remembered as well
        type=Place | None,
    )
    return found(place, f"no place {place_id}")
