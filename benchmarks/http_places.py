"""The service that is measured: two endpoints of the places service, over its SQLite file.

With a cache or without one, the SQL is the same, and counted.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response

from examples.places.database import Database
from examples.places.models import CountryCode, Id, Place, PlacePage, PlaceQuery
from examples.places.queries import search_places, select_place

TTL: Final = 3600
"""Seconds: nothing is loaded anew while it is measured."""
ETAG: Final = '"1"'
STATEMENTS: Final = "/statements"
"""Where a service says how many statements it ran so far."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Decorate = Callable[[Any], Any]


def places(database: Database, decorate: Decorate = lambda endpoint: endpoint) -> APIRouter:
    """The endpoints, each within `decorate`."""
    router = APIRouter()

    @router.get("/places/{place_id}")
    @decorate
    async def read_place(place_id: Id) -> Place:
        place = await asyncio.to_thread(select_place, database, place_id)
        if place is None:
            raise HTTPException(404, f"no place {place_id}")
        return place

    @router.get("/places")
    @decorate
    async def read_page(country: CountryCode, page: int = 1) -> PlacePage:
        query = PlaceQuery(country=country, page=page)
        return await asyncio.to_thread(search_places, database, query)

    return router


def counts(database: Database) -> APIRouter:
    """Tells how many statements were run; never from a cache."""
    router = APIRouter(dependencies=[sends(cache_control="no-store")])

    @router.get(STATEMENTS)
    async def read_statements() -> int:
        return database.queries

    return router


def service(database: Database, decorate: Decorate = lambda endpoint: endpoint) -> FastAPI:
    """As it is without a response cache."""
    return app_of(places(database, decorate), counts(database))


def public_service(database: Database) -> FastAPI:
    """The same whose answers say that they may be kept, and once more where they vary."""
    router, app = places(database), FastAPI()
    public = {"cache_control": f"public, max-age={TTL}", "etag": ETAG}
    app.include_router(router, dependencies=[sends(**public)])
    varied = sends(**public, vary="Accept-Language", cache_groups='"places", "countries"')
    app.include_router(router, prefix="/varied", dependencies=[varied])
    app.include_router(counts(database))
    return app


def app_of(*routers: APIRouter) -> FastAPI:
    """An app of these alone."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    return app


def sends(**headers: str) -> Any:
    """A dependency that adds these headers to an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def add(response: Response) -> None:
        response.headers.update(named)

    return Depends(add)
