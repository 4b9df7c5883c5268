"""An update commits, then says what happened."""

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.models import PlaceChange
from examples.places.patterns.after_commit import change_place
from tests.examples.asking import NOWHERE, PARIS, change, get


async def test_a_place_read_after_its_update_shows_it(client: httpx.AsyncClient) -> None:
    await get(client, f"/places/{PARIS}")
    updated = await change(client, PARIS, name="Lutetia")
    assert updated["version"] == 1
    assert await get(client, f"/places/{PARIS}") == updated


async def test_an_update_of_nothing_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.patch(f"/places/{NOWHERE}", json={"population": 1})
    assert answer.status_code == 404


async def test_an_update_whose_invalidation_did_not_arrive_is_answered_and_logged(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def unreached(event: object) -> None:
        raise InvalidationError("emit", ["place:1"])

    monkeypatch.setattr(cache, "emit", unreached)
    with caplog.at_level(logging.WARNING):
        assert (await change(client, PARIS, name="Lutetia"))["name"] == "Lutetia"
    assert "was not acknowledged" in caplog.text


async def test_an_update_cancelled_half_way_still_emits(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    await get(client, f"/places/{PARIS}")
    database = app.state.database
    update = asyncio.create_task(
        change_place(PARIS, PlaceChange(name="Lutetia"), cache=cache, database=database)
    )
    await asyncio.sleep(0)
    update.cancel()
    with pytest.raises(asyncio.CancelledError):
        await update
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert (await get(client, f"/places/{PARIS}"))["name"] == "Lutetia"
