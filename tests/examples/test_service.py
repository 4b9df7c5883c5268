"""What the places service answers, and that its cache never shows."""

import asyncio
import logging
import sqlite3
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cachekit import InvalidationError
from examples.places.caching import cache
from examples.places.database import Database
from examples.places.models import PlaceChange
from examples.places.places import Places

PARIS = 2988507
LYON = 2996944
NOWHERE = 1


async def get(client: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def queries(client: httpx.AsyncClient) -> int:
    return int((await get(client, "/stats"))["database_queries"])


async def rename(client: httpx.AsyncClient, name: str) -> Any:
    answer = await client.patch(f"/places/{PARIS}", json={"name": name})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_place_is_read_once(client: httpx.AsyncClient) -> None:
    first = await get(client, f"/places/{PARIS}")
    assert (first["name"], first["country"], first["version"]) == ("Paris", "FR", 0)
    before = await queries(client)
    assert await get(client, f"/places/{PARIS}") == first
    assert await queries(client) == before


async def test_that_a_place_is_missing_is_remembered(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/places/{NOWHERE}")).status_code == 404
    before = await queries(client)
    assert (await client.get(f"/places/{NOWHERE}")).status_code == 404
    assert await queries(client) == before


async def test_a_place_read_after_its_update_shows_it(client: httpx.AsyncClient) -> None:
    await get(client, f"/places/{PARIS}")
    updated = await rename(client, "Lutetia")
    assert updated["version"] == 1
    assert await get(client, f"/places/{PARIS}") == updated


@pytest.mark.parametrize("query", [{}, {"country": "FR"}, {"country": "fr"}])
async def test_lists_read_after_an_update_show_it(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    before = await get(client, "/places", **query)
    updated = (await client.patch(f"/places/{LYON}", json={"population": 50_000_000})).json()
    after = await get(client, "/places", **query)
    assert before["places"][0]["id"] != LYON
    assert after["places"][0] == updated
    assert after["version"] == updated["version"]


async def test_a_database_that_fails_does_no_harm_to_old_answers(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(database: Database, place_id: int) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    first = await get(client, f"/places/{PARIS}")
    await cache.touch(f"place:{PARIS}", 0.001)
    while (entry := await cache.entry(f"place:{PARIS}")) and entry.fresh:  # noqa: ASYNC110
        await asyncio.sleep(0)
    monkeypatch.setattr("examples.places.places.select_place", fails)
    assert await get(client, f"/places/{PARIS}") == first
    with pytest.raises(sqlite3.OperationalError):
        await client.get(f"/places/{LYON}")


async def test_lists_of_other_countries_stay_cached(client: httpx.AsyncClient) -> None:
    first = await get(client, "/places", country="DE")
    await rename(client, "Lutetia")
    before = await queries(client)
    assert await get(client, "/places", country="DE") == first
    assert await queries(client) == before


async def test_pages_follow_each_other(client: httpx.AsyncClient) -> None:
    query: dict[str, str | int] = {"country": "CH", "min_population": 50_000, "size": 5}
    pages = [await get(client, "/places", page=page, **query) for page in (1, 2, 3)]
    populations = [place["population"] for page in pages for place in page["places"]]
    assert len(populations) == pages[0]["total"]
    assert populations == sorted(populations, reverse=True)
    assert populations[-1] >= 50_000


async def test_search_by_part_of_the_name(client: httpx.AsyncClient) -> None:
    page = await get(client, "/places", q="SAN ", order="name")
    names = [place["name"] for place in page["places"]]
    assert len(names) == 20
    assert names == sorted(names)
    assert all("san " in name.lower() for name in names)


@pytest.mark.parametrize("text", ["%", "_", "'"])
async def test_search_takes_the_text_as_it_is(client: httpx.AsyncClient, text: str) -> None:
    page = await get(client, "/places", q=text)
    assert all(text in place["name"] for place in page["places"])


async def test_statistics_are_computed_once_until_an_update(client: httpx.AsyncClient) -> None:
    asked = [get(client, "/countries/FR/statistics") for _ in range(20)]
    first, *others = await asyncio.gather(*asked)
    assert all(other == first for other in others)
    assert (await get(client, "/stats"))["statistics_computed"] == 1
    change = {"population": 9_000_000}
    updated = (await client.patch(f"/places/{PARIS}", json=change)).json()
    after = await get(client, "/countries/fr/statistics")
    assert after["version"] == updated["version"]
    assert after["population"] > first["population"]
    assert after["places"] == first["places"]


async def test_statistics_of_small_and_unknown_countries(client: httpx.AsyncClient) -> None:
    vatican = await get(client, "/countries/VA/statistics")
    assert (vatican["mean_nearest_distance"], vatican["most_remote"]) == (None, None)
    assert (await client.get("/countries/XX/statistics")).status_code == 404


async def test_settings_are_defaults_then_what_was_saved_last(client: httpx.AsyncClient) -> None:
    path = "/users/7/settings"
    default = await get(client, path)
    assert (default["language"], default["page_size"], default["version"]) == ("en", 20, 0)
    for version, language in enumerate(("fr", "de"), start=1):
        saved = (await client.put(path, json={"language": language})).json()
        assert (saved["language"], saved["version"]) == (language, version)
        assert await get(client, path) == saved
    before = await queries(client)
    assert (await get(client, path))["language"] == "de"
    assert await queries(client) == before
    assert (await get(client, "/users/8/settings"))["version"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/places/0", None),
        ("GET", f"/places/{2**63}", None),
        ("GET", "/places?size=0", None),
        ("GET", "/places?country=FRA", None),
        ("PATCH", f"/places/{PARIS}", {}),
        ("PATCH", f"/places/{PARIS}", {"population": -1}),
        ("PATCH", f"/places/{PARIS}", {"name": " "}),
        ("PUT", "/users/7/settings", {"units": "furlongs"}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == 422


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
        assert (await rename(client, "Lutetia"))["name"] == "Lutetia"
    assert "was not acknowledged" in caplog.text


async def test_an_update_cancelled_half_way_still_emits(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    await get(client, f"/places/{PARIS}")
    places: Places = app.state.places
    update = asyncio.create_task(places.update(PARIS, PlaceChange(name="Lutetia")))
    await asyncio.sleep(0)
    update.cancel()
    with pytest.raises(asyncio.CancelledError):
        await update
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert (await get(client, f"/places/{PARIS}"))["name"] == "Lutetia"


async def test_health(client: httpx.AsyncClient) -> None:
    assert await get(client, "/health") == {"status": "ok"}
