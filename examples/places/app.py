"""The application: its parts, its caches, its database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from fastapi import APIRouter, FastAPI

from cachekit.fastapi import add_exception_handlers, lifespan
from cachekit.http import ResponseCache
from examples.places.caching import cache, constants
from examples.places.database import Database
from examples.places.models import Health
from examples.places.patterns import (
    after_commit,
    cache_aside,
    cache_control,
    conditional_requests,
    hit_rates,
    paginated_lists,
    per_user,
    rates,
    simple_decorator,
    stampede,
    write_through,
)
from examples.places.patterns import constants as constants_of_countries
from examples.places.patterns.operations import operations_for
from examples.places.settings import Settings

ROUTERS = [
    cache_control.router,
    cache_aside.router,
    paginated_lists.router,
    after_commit.router,
    simple_decorator.router,
    conditional_requests.router,
    write_through.router,
    stampede.router,
    constants_of_countries.router,
    rates.router,
    per_user.router,
    hit_rates.router,
]

health = APIRouter()


@health.get("/health")
async def read_health() -> Health:
    """Answers when the service is up."""
    return Health()


def create_app(database: Path) -> FastAPI:
    """The service on the SQLite file `database`, which `fill` has made."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncGenerator[None]:
        with closing(Database(database)) as app.state.database:
            yield

    caches = lifespan(cache, constants=constants, inner=opened)
    app = FastAPI(title="Places", summary="The world's towns, cached.", lifespan=caches)
    for router in (*ROUTERS, health):
        app.include_router(router)
    if token := Settings().operator_token:
        app.include_router(operations_for(token), prefix="/operations/cache")
    add_exception_handlers(app)
    return app


def served(database: Path) -> ResponseCache:
    """The service as it is served: behind its response cache."""
    return cache_control.in_front_of(create_app(database), cache)
