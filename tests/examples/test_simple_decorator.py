"""Nearby places are worked out once."""

import httpx

from tests.examples.asking import NOWHERE, PARIS, get, queries


async def test_what_is_nearby_is_worked_out_once(client: httpx.AsyncClient) -> None:
    first = await get(client, f"/places/{PARIS}/nearby")
    distances = [each["distance"] for each in first]
    assert len(first) == 10
    assert distances == sorted(distances)
    assert 0 < distances[0] < 10
    before = await queries(client)
    assert await get(client, f"/places/{PARIS}/nearby") == first
    assert await queries(client) == before


async def test_nothing_is_near_a_place_that_is_not_there(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/places/{NOWHERE}/nearby")).status_code == 404
