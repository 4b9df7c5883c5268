"""Hits are counted by kind of key."""

import httpx

from cachekit import Cache
from examples.places.patterns.hit_rates import HitRates
from tests.examples.asking import PARIS, get


async def test_hits_and_misses_are_counted_by_kind() -> None:
    rates = HitRates()
    async with Cache(listeners=[rates]) as cache:
        for key in ("place:1", "place:1", "place:2", "rate:CHF"):
            await cache.get_or_set(key, lambda: 1)
    assert {kind: (it.hits, it.misses, it.loads) for kind, it in rates.by_kind().items()} == {
        "place": (1, 2, 2),
        "rate": (0, 1, 1),
    }
    assert rates.by_kind()["place"].hit_ratio == 1 / 3


async def test_the_service_shows_them(client: httpx.AsyncClient) -> None:
    before = await get(client, "/stats")
    for _ in range(3):
        await get(client, f"/places/{PARIS}")
        await get(client, "/places", country="FR")
    after = await get(client, "/stats")
    for kind in ("place", "page"):
        seen = before["by_kind"].get(kind, {"hits": 0, "misses": 0})
        assert after["by_kind"][kind]["hits"] - seen["hits"] == 2
        assert after["by_kind"][kind]["misses"] - seen["misses"] == 1
    assert after["hits"] - before["hits"] == 4
