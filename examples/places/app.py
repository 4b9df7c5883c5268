"""The endpoints."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request

from examples.places.caching import cache
from examples.places.database import Database
from examples.places.models import (
    CountryCode,
    Health,
    Id,
    Place,
    PlaceChange,
    PlacePage,
    PlaceQuery,
    ServiceStats,
    SettingsChange,
    Statistics,
    UserSettings,
)
from examples.places.places import Places
from examples.places.users import Users

T = TypeVar("T")

router = APIRouter()


def create_app(database: Path) -> FastAPI:
    """The service on the SQLite file `database`, which `fill` has made."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        with closing(Database(database)) as opened:
            app.state.database = opened
            app.state.places = Places(opened)
            app.state.users = Users(opened)
            async with cache:
                yield

    app = FastAPI(title="Places", summary="The world's towns, cached.", lifespan=lifespan)
    app.include_router(router)
    return app


def the_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def the_places(request: Request) -> Places:
    places: Places = request.app.state.places
    return places


def the_users(request: Request) -> Users:
    users: Users = request.app.state.users
    return users


UseDatabase = Annotated[Database, Depends(the_database)]
UsePlaces = Annotated[Places, Depends(the_places)]
UseUsers = Annotated[Users, Depends(the_users)]


@router.get("/places/{place_id}")
async def read_place(place_id: Id, places: UsePlaces) -> Place:
    """One place."""
    return found(await places.place(place_id), f"no place {place_id}")


@router.get("/places")
async def search_places(query: Annotated[PlaceQuery, Query()], places: UsePlaces) -> PlacePage:
    """Places by country, population and name, page by page."""
    return await places.search(query)


@router.patch("/places/{place_id}")
async def update_place(place_id: Id, change: PlaceChange, places: UsePlaces) -> Place:
    """Change the name or the population of a place. Whoever asks after the answer sees it."""
    return found(await places.update(place_id, change), f"no place {place_id}")


@router.get("/countries/{code}/statistics")
def read_statistics(code: CountryCode, places: UsePlaces) -> Statistics:
    """Figures of a country that take a while to work out."""
    return found(places.statistics(code), f"no country {code}")


@router.get("/users/{user}/settings")
def read_settings(user: Id, users: UseUsers) -> UserSettings:
    """The settings of a user, or the defaults."""
    return users.settings(user)


@router.put("/users/{user}/settings")
def save_settings(user: Id, change: SettingsChange, users: UseUsers) -> UserSettings:
    """Save the settings of a user."""
    return users.save(user, change)


@router.get("/health")
async def health() -> Health:
    """Answers when the service is up."""
    return Health()


@router.get("/stats")
async def stats(database: UseDatabase, places: UsePlaces) -> ServiceStats:
    """What the cache and the database did since the start."""
    seen = cache.stats()
    return ServiceStats(
        hits=seen.hits,
        misses=seen.misses,
        loads=seen.loads,
        hit_ratio=seen.hit_ratio,
        database_queries=database.queries,
        statistics_computed=places.statistics_computed,
    )


def found(thing: T | None, otherwise: str) -> T:
    """`thing`, or 404."""
    if thing is None:
        raise HTTPException(404, otherwise)
    return thing
