"""Places: cached reads, and an update that says what happened."""

import asyncio
import logging
import threading

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.database import Database
from examples.places.events import PlaceUpdated
from examples.places.models import Place, PlaceChange, PlacePage, PlaceQuery, Statistics
from examples.places.queries import search_places, select_place, select_towns, update_place
from examples.places.statistics import compute

log = logging.getLogger(__name__)


class Places:
    """One per process, so `self` stays out of the keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counting = threading.Lock()
        self.statistics_computed = 0

    @cache.cached(ttl=60, key="place:{place_id}", ignore_self=True)
    async def place(self, place_id: int) -> Place | None:
        """The place with that id. That there is none is cached as well."""
        return await asyncio.to_thread(select_place, self._database, place_id)

    @cache.cached(ttl=60, tags=["country:{query.area}"], ignore_self=True)
    async def search(self, query: PlaceQuery) -> PlacePage:
        """One page of what `query` finds."""
        return await asyncio.to_thread(search_places, self._database, query)

    @cache.cached(ttl=600, key="statistics:{country}", tags=["country:{country}"], ignore_self=True)
    def statistics(self, country: str) -> Statistics | None:
        """Figures of one country, or `None` if no place is in it. Slow: call it from a thread."""
        towns, version = select_towns(self._database, country)
        if not towns:
            return None
        with self._counting:
            self.statistics_computed += 1
        return compute(country, towns, version)

    async def update(self, place_id: int, change: PlaceChange) -> Place | None:
        """Change a place and return it as it is now; `None` if there is none.

        Shielded: a cancelled request must not get between the commit and the event.
        """
        return await asyncio.shield(self._update(place_id, change))

    async def _update(self, place_id: int, change: PlaceChange) -> Place | None:
        place = await asyncio.to_thread(update_place, self._database, place_id, change)
        if place is not None:
            await self._emit(PlaceUpdated(id=place.id, country=place.country))
        return place

    async def _emit(self, event: PlaceUpdated) -> None:
        try:
            await cache.emit(event)
        except InvalidationError as error:  # it is committed, so the request has not failed
            log.warning("%s: %s", event, error)
