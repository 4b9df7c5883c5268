"""What caches outside are told, and the front page, which is kept as a whole answer."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from cachekit import Cache
from examples.places.caching import cache
from examples.places.patterns.cache_control import in_front_of
from tests.examples.asking import LYON, PARIS, change, queries


@pytest.fixture
async def outside(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service as it is served, behind its response cache."""
    transport = httpx.ASGITransport(in_front_of(app, cache))
    async with httpx.AsyncClient(transport=transport, base_url="http://places") as outside:
        yield outside


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", "public, max-age=10"),
        ("/countries/CH", "public, max-age=86400"),
        ("/rates/CHF", "public, max-age=60"),
        ("/users/7/settings", "no-store"),
        (f"/places/{PARIS}", "private, no-cache"),
    ],
)
async def test_each_route_says_what_caches_may_do(
    outside: httpx.AsyncClient, path: str, told: str
) -> None:
    for _ in range(2):
        assert (await outside.get(path)).headers["cache-control"] == told


async def test_an_error_is_not_given_the_lifetime_of_an_answer(outside: httpx.AsyncClient) -> None:
    refused = await outside.get("/rates/XYZ")
    assert refused.status_code == 404
    assert "cache-control" not in refused.headers


async def test_the_front_page_is_made_once_for_everyone(outside: httpx.AsyncClient) -> None:
    first = await outside.get("/")
    before = await queries(outside)
    again = await outside.get("/", headers={"cookie": "session=of-somebody"})
    assert again.text == first.text
    assert "hit" in again.headers["cache-status"]
    assert await queries(outside) == before


async def test_where_the_cache_is_off_each_page_is_made_anew(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    off = in_front_of(app, Cache(disabled=True))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(off), base_url="http://places"
    ) as outside:
        for _ in range(2):
            before = await queries(client)
            assert (await outside.get("/")).headers["cache-control"] == "public, max-age=10"
            assert await queries(client) == before + 2


async def test_only_the_front_page_is_kept(outside: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await outside.get("/countries/CH")
        assert "hit" not in answer.headers["cache-status"]


async def test_an_update_is_on_the_front_page_at_once(outside: httpx.AsyncClient) -> None:
    assert "Lyon" not in (await outside.get("/")).text
    await change(outside, LYON, name="<Lyon>", population=50_000_000)
    assert "&lt;Lyon&gt;</a> 50,000,000" in (await outside.get("/")).text


async def test_what_is_featured_is_on_the_front_page_at_once(outside: httpx.AsyncClient) -> None:
    assert f'"places/{LYON}"' not in (await outside.get("/")).text
    await outside.put("/featured", json={"places": [LYON]})
    assert f'"places/{LYON}"' in (await outside.get("/")).text
