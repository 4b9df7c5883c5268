"""Many ask at once for figures that nobody has."""

import asyncio

import httpx

from tests.examples.asking import PARIS, change, get, loads


async def test_statistics_are_worked_out_once_until_an_update(client: httpx.AsyncClient) -> None:
    before = await loads(client, "statistics")
    first, *others = await asyncio.gather(
        *(get(client, "/countries/FR/statistics") for _ in range(20))
    )
    assert all(other == first for other in others)
    assert await loads(client, "statistics") == before + 1
    updated = await change(client, PARIS, population=9_000_000)
    after = await get(client, "/countries/fr/statistics")
    assert after["version"] == updated["version"]
    assert after["population"] > first["population"]
    assert after["places"] == first["places"]


async def test_statistics_of_small_and_unknown_countries(client: httpx.AsyncClient) -> None:
    vatican = await get(client, "/countries/VA/statistics")
    assert (vatican["mean_nearest_distance"], vatican["most_remote"]) == (None, None)
    assert (await client.get("/countries/XX/statistics")).status_code == 404
