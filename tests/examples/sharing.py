"""Services of the places on one database, that share what they have cached."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from examples.places.demo.server import serving
from tests.examples.asking import PARIS, queries

PATHS: Final = (
    f"/places/{PARIS}",
    "/places?country=FR&size=5",
    "/countries/FR/statistics",
    "/users/7/settings",
)


@asynccontextmanager
async def service(database: Path, store: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with (
        serving(database, cached=True, store=store) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30.0, trust_env=False) as client,
    ):
        yield client


async def read(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    return answer.raise_for_status().json()


async def check_that_two_share(database: Path, store: str) -> None:
    """What one has cached the other serves, and updates are seen by both at once."""
    async with service(database, store) as one, service(database, store) as other:
        first = [await read(one, path) for path in PATHS]
        assert [await read(other, path) for path in PATHS] == first
        assert await queries(other) == 0
        for population in (2_200_001, 2_200_002):
            change = {"population": population}
            updated = (await one.patch(f"/places/{PARIS}", json=change)).json()
            place, page, statistics, _ = [await read(other, path) for path in PATHS]
            assert place == page["places"][0] == updated
            assert statistics["version"] == page["version"] == updated["version"]
        saved = (await other.put("/users/7/settings", json={"language": "fr"})).json()
        assert await read(one, "/users/7/settings") == saved
