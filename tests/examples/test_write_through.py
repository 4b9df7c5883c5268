"""What is featured is written, and warm for whoever reads it next."""

import asyncio
import logging

import httpx
import pytest

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.patterns.write_through import featured_of
from tests.examples.asking import LYON, NOWHERE, PARIS, get, queries


async def test_who_reads_after_a_write_finds_it_warm(client: httpx.AsyncClient) -> None:
    assert await get(client, "/featured") == {"places": []}
    written = await client.put("/featured", json={"places": [PARIS, LYON]})
    before = await queries(client)
    assert await get(client, "/featured") == written.json() == {"places": [PARIS, LYON]}
    assert await queries(client) == before


async def test_of_writers_at_once_readers_see_who_committed_last(
    client: httpx.AsyncClient,
) -> None:
    lists = [[PARIS], [LYON], [PARIS, LYON], [LYON, PARIS], []]
    await asyncio.gather(*(client.put("/featured", json={"places": each}) for each in lists))
    cached = await get(client, "/featured")
    await featured_of.clear()
    assert await get(client, "/featured") == cached


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
