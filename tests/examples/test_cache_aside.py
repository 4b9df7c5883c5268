"""A place is looked up, else loaded and stored."""

import asyncio
import sqlite3

import httpx
import pytest

from cachekit import Cache
from cachekit.testing import FakeClock
from examples.places.caching import cache
from examples.places.database import Database
from tests.examples.asking import LYON, NOWHERE, PARIS, get, queries


async def test_a_place_is_read_once(client: httpx.AsyncClient) -> None:
    first = await get(client, f"/places/{PARIS}")
    assert (first["name"], first["country"], first["version"]) == ("Paris", "FR", 0)
    before = await queries(client)
    assert await get(client, f"/places/{PARIS}") == first
    assert await queries(client) == before


async def test_that_a_place_is_missing_is_remembered_for_a_while(
    client: httpx.AsyncClient, own: Cache, clock: FakeClock
) -> None:
    asked = []
    for passes in (0, 0, 9, 2):
        clock.advance(passes)
        assert (await client.get(f"/places/{NOWHERE}")).status_code == 404
        asked.append(await queries(client))
    assert asked == [1, 1, 1, 2]


async def test_a_place_is_loaded_anew_after_its_ttl(
    client: httpx.AsyncClient, own: Cache, clock: FakeClock
) -> None:
    asked = []
    for passes in (0, 59, 2):
        clock.advance(passes)
        await get(client, f"/places/{PARIS}")
        asked.append(await queries(client))
    assert asked == [1, 1, 2]


async def test_a_database_that_fails_does_no_harm_to_old_answers(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(database: Database, place_id: int) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    first = await get(client, f"/places/{PARIS}")
    await cache.touch(f"place:{PARIS}", 0.001)
    while (entry := await cache.entry(f"place:{PARIS}")) and entry.fresh:  # noqa: ASYNC110
        await asyncio.sleep(0)
    monkeypatch.setattr("examples.places.patterns.cache_aside.select_place", fails)
    assert await get(client, f"/places/{PARIS}") == first
    with pytest.raises(sqlite3.OperationalError):
        await client.get(f"/places/{LYON}")
