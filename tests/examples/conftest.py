"""The places service in this process, on a copy of a small filled database."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cachekit import Cache
from cachekit.fastapi import get_cache
from cachekit.testing import FakeClock
from examples.places.app import create_app
from examples.places.caching import cache, constants
from examples.places.fill import fill
from examples.places.patterns.after_commit import events


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("places") / "filled.db"
    assert fill(path, smallest=15_000) > 20_000
    return path


@pytest.fixture
def app(filled: Path, tmp_path: Path) -> FastAPI:
    return create_app(Path(shutil.copy(filled, tmp_path / "places.db")))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://places") as client,
    ):
        await cache.clear()
        await constants.clear()
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def own(app: FastAPI, clock: FakeClock) -> AsyncIterator[Cache]:
    """What endpoints that ask for the cache get instead of the service's: time is told to pass."""
    async with Cache(clock=clock, invalidators=[events]) as fresh:
        app.dependency_overrides[get_cache] = lambda: fresh
        yield fresh
