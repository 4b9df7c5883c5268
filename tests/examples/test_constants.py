"""Countries are kept in this process, for good."""

import httpx

from examples.places.caching import cache, constants
from tests.examples.asking import get, queries


async def test_a_country_is_read_once_and_never_forgotten_by_age(
    client: httpx.AsyncClient,
) -> None:
    first = await get(client, "/countries/CH")
    assert first == {"code": "CH", "name": "Switzerland", "currency": "CHF"}
    before = await queries(client)
    assert await get(client, "/countries/ch") == first
    assert await queries(client) == before
    known = await constants.metadata("country:CH")
    assert known is not None
    assert known.ttl is None
    assert await cache.metadata("country:CH") is None


async def test_a_country_that_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.get("/countries/XX")).status_code == 404
