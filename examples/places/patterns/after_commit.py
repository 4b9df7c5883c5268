"""Event-based invalidation: an update commits, then says what happened.

What an event makes old is told once, here. Neither the update nor the endpoints that cache know of
each other.
"""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter

from cachekit import Cache, EventMap, Target
from cachekit.fastapi import CacheDep, committed
from examples.places.database import Database
from examples.places.dependencies import UseDatabase, found
from examples.places.models import Id, Place, PlaceChange
from examples.places.patterns import key_naming
from examples.places.queries import update_place

router = APIRouter()
events = EventMap()


@dataclass(frozen=True)
class PlaceUpdated:
    """The name or the population of a place was changed, and that is committed."""

    id: int
    country: str


@events.on(PlaceUpdated)
def made_old(event: PlaceUpdated) -> list[Target]:
    """The place itself, and whatever counts or lists the places of its country."""
    return [
        key_naming.place(event.id),
        key_naming.places_of(event.country),
        key_naming.ALL_PLACES,
    ]


@router.patch("/places/{place_id}")
async def change_place(
    place_id: Id, change: PlaceChange, cache: CacheDep, database: UseDatabase
) -> Place:
    """Change the name or the population of a place. Whoever asks after the answer sees it."""
    # Shielded: a request that is cancelled must not end between the commit and the event.
    place = await asyncio.shield(_changed(database, cache, place_id, change))
    return found(place, f"no place {place_id}")


async def _changed(
    database: Database, cache: Cache, place_id: int, change: PlaceChange
) -> Place | None:
    place = await asyncio.to_thread(update_place, database, place_id, change)
    if place is not None:
        with committed(f"place {place_id} is changed"):  # a store that is down does not undo that
            await cache.emit(PlaceUpdated(id=place.id, country=place.country))
    return place
