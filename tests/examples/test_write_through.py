"""What is featured is written, and warm for whoever reads it next."""

import asyncio
import logging
import threading

import httpx
import pytest

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.database import Database
from examples.places.models import Featured, FeaturedChange
from examples.places.queries import save_featured
from tests.examples.asking import LYON, NOWHERE, PARIS, get, queries


async def test_who_reads_after_a_write_finds_it_warm(client: httpx.AsyncClient) -> None:
    assert await get(client, "/featured") == {"places": []}
    written = await client.put("/featured", json={"places": [PARIS, LYON]})
    before = await queries(client)
    assert await get(client, "/featured") == written.json() == {"places": [PARIS, LYON]}
    assert await queries(client) == before


async def test_a_writer_who_is_held_up_after_its_commit_does_not_bring_its_list_back(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_committed, goes_on = threading.Event(), threading.Event()

    def held_up(database: Database, change: FeaturedChange) -> Featured | None:
        saved = save_featured(database, change)
        if change.places == (PARIS,):
            is_committed.set()
            assert goes_on.wait(10)
        return saved

    monkeypatch.setattr("examples.places.patterns.write_through.save_featured", held_up)
    first = asyncio.create_task(client.put("/featured", json={"places": [PARIS]}))
    await asyncio.to_thread(is_committed.wait, 10)
    await client.put("/featured", json={"places": [LYON]})
    goes_on.set()
    assert (await first).json() == {"places": [PARIS]}
    assert await get(client, "/featured") == {"places": [LYON]}


async def test_a_place_that_is_not_there_cannot_be_featured(client: httpx.AsyncClient) -> None:
    await client.put("/featured", json={"places": [PARIS]})
    refused = await client.put("/featured", json={"places": [LYON, NOWHERE]})
    assert refused.status_code == 404
    assert (await client.put("/featured", json={"places": [LYON, LYON]})).status_code == 422
    assert await get(client, "/featured") == {"places": [PARIS]}


async def test_a_write_whose_invalidation_did_not_arrive_is_answered_and_logged(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def unreached(*targets: object) -> None:
        raise InvalidationError("invalidate", ["feature"])

    monkeypatch.setattr(cache, "invalidate", unreached)
    with caplog.at_level(logging.WARNING):
        assert (await client.put("/featured", json={"places": [PARIS]})).status_code == 200
    assert "the front page is changed: it is committed, but" in caplog.text
