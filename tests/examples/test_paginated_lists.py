"""Pages of searches: each cached by itself, forgotten together."""

import httpx
import pytest

from tests.examples.asking import LYON, PARIS, change, get, queries


@pytest.mark.parametrize("query", [{}, {"country": "FR"}, {"country": "fr"}])
async def test_lists_read_after_an_update_show_it(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    before = await get(client, "/places", **query)
    updated = await change(client, LYON, population=50_000_000)
    after = await get(client, "/places", **query)
    assert before["places"][0]["id"] != LYON
    assert after["places"][0] == updated
    assert after["version"] == updated["version"]


async def test_an_update_forgets_all_pages(client: httpx.AsyncClient) -> None:
    pages = [await get(client, "/places", country="FR", size=1, page=page) for page in (1, 2)]
    await change(client, LYON, population=50_000_000)
    moved = [await get(client, "/places", country="FR", size=1, page=page) for page in (1, 2)]
    assert moved[0]["places"][0]["id"] == LYON
    assert moved[1]["places"][0] == pages[0]["places"][0]


async def test_lists_of_other_countries_stay_cached(client: httpx.AsyncClient) -> None:
    first = await get(client, "/places", country="DE")
    await change(client, PARIS, name="Lutetia")
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
