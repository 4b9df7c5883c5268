"""A key that is filled names what a function with the template has stored."""

import httpx

from examples.places.caching import cache
from examples.places.patterns import key_naming
from tests.examples.asking import PARIS, get

PATHS = [
    f"/places/{PARIS}",
    f"/places/{PARIS}/nearby",
    "/countries/FR/statistics",
    "/users/7/settings",
    "/featured",
    "/rates/CHF",
]
KEYS = [
    f"place:{PARIS}",
    f"nearby:{PARIS}",
    "statistics:FR",
    "settings:7",
    "featured",
    "rate:CHF",
]


async def test_each_value_is_under_the_key_that_its_name_promises(
    client: httpx.AsyncClient,
) -> None:
    for path in PATHS:
        await get(client, path)
    assert [key for key in KEYS if not await cache.metadata(key)] == []
    await cache.invalidate(key_naming.place(PARIS), key_naming.rate("CHF"))
    assert [key for key in KEYS if not await cache.metadata(key)] == [KEYS[0], KEYS[-1]]


async def test_what_lists_places_carries_the_tag_of_its_country(client: httpx.AsyncClient) -> None:
    await get(client, "/countries/FR/statistics")
    known = await cache.metadata("statistics:FR")
    assert known is not None
    assert known.tags == (key_naming.places_of("FR").name,)
