"""Paginated lists: each page is a value of its own, and a tag forgets all of them at once.

Nobody can tell on which pages of which searches a place is, and which ones it comes to.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from cachekit.fastapi import cached
from examples.places.caching import cache
from examples.places.dependencies import UseDatabase
from examples.places.models import PlacePage, PlaceQuery
from examples.places.patterns import key_naming
from examples.places.queries import search_places

router = APIRouter()


@router.get("/places")
@cached(
    cache,
    ttl=60,
    name=key_naming.PAGE,
    tags=[key_naming.places_of("{query.area}").name],
    ignore=["database"],
)
async def read_places(query: Annotated[PlaceQuery, Query()], database: UseDatabase) -> PlacePage:
    """Places by country, population and name, page by page."""
    return await asyncio.to_thread(search_places, database, query)
