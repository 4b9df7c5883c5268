"""How long a value serves."""

import asyncio
from datetime import timedelta

import pytest

from cachekit import Cache, ConfigurationError
from cachekit.policy import LEASE
from tests.core.conftest import Caches
from tests.core.helpers import Load, PickleSerializer
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


async def test_a_value_serves_for_its_ttl(either: Cache) -> None:
    load = Load().finish()
    await either.get_or_set("k", load, ttl=10)
    await asyncio.sleep(9.99)
    assert await either.get_or_set("k", load, ttl=10) == "value 1"
    await asyncio.sleep(0.02)
    assert await either.get("k") is None
    assert not await either.exists("k")
    assert await either.get_or_set("k", load, ttl=10) == "value 2"


async def test_also_if_it_was_set(either: Cache) -> None:
    await either.set("a", 1, ttl=10)
    await either.set_many({"b": 2}, ttl=20)
    await either.add("c", 3, ttl=timedelta(seconds=30))
    for left in ({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 3}, {"c": 3}, {}):
        assert await either.get_many([*"abc"]) == left
        await asyncio.sleep(10)


async def test_the_cache_has_a_ttl_of_its_own(either: Cache) -> None:
    await either.set("k", 1)
    await asyncio.sleep(299.9)
    assert await either.get("k") == 1
    await asyncio.sleep(0.2)
    assert await either.get("k") is None


async def test_none_is_for_good(either: Cache) -> None:
    await either.set("k", 1, ttl=None)
    await asyncio.sleep(40 * 86400.0)
    assert await either.get("k") == 1


async def test_a_cache_for_good(caches: Caches) -> None:
    cache = caches(ttl=None)
    await cache.set("k", 1)
    await cache.set("l", 1, ttl=1)
    await asyncio.sleep(40 * 86400.0)
    assert await cache.get_many([*"kl"]) == {"k": 1}


async def test_a_function_has_a_ttl_of_its_own(either: Cache) -> None:
    @either.cached(key="k", ttl=timedelta(minutes=1))
    async def function() -> object:
        return object

    for expected in (1, 1, 2):
        await function()
        assert function.info.loads == expected
        await asyncio.sleep(40)


async def test_a_warm_function_sees_the_time_pass(either: Cache) -> None:
    """On the shortest path, too."""

    @either.cached(key="k", ttl=10)
    async def function() -> object:
        return object

    for _ in range(3):
        await function()
    await asyncio.sleep(10)
    await function()
    assert function.info.loads == 2


async def test_the_ttl_begins_when_the_load_ends_up_stored(either: Cache) -> None:
    async def load() -> str:
        await asyncio.sleep(8)
        return "value"

    await either.get_or_set("k", load, ttl=10)
    await asyncio.sleep(9)
    assert await either.get("k") == "value"


@pytest.mark.parametrize("jitter", [0.1, 0.5, 0.99])
async def test_jitter_only_shortens(caches: Caches, jitter: float) -> None:
    cache = caches(ttl=100, jitter=jitter)
    keys = [f"k{n}" for n in range(200)]
    await cache.set_many(dict.fromkeys(keys, 1))
    for key in keys:
        await cache.get_or_set(f"loaded {key}", Load().finish())
    keys += [f"loaded {key}" for key in keys]
    await asyncio.sleep(100 * (1 - jitter) - 0.01)
    assert len(await cache.get_many(keys)) == 400
    await asyncio.sleep(100 * jitter / 2)
    assert 100 < len(await cache.get_many(keys)) < 300
    await asyncio.sleep(100 * jitter / 2 + 0.02)
    assert await cache.get_many(keys) == {}


async def test_jitter_may_be_the_functions_own(cache: Cache) -> None:
    @cache.cached(key="of:{n}", ttl=100, jitter=0.5)
    async def function(n: int) -> int:
        return n

    for n in range(100):
        await function(n)
    await asyncio.sleep(75)
    left = await cache.get_many(f"of:{n}" for n in range(100))
    assert 20 < len(left) < 80


async def test_the_store_keeps_a_value_one_lease_longer(slow: Cache, store: SlowStore) -> None:
    """As the anchor of its refresh."""
    await slow.set("k", 1, ttl=10)
    await slow.get_or_set("l", Load().finish(), ttl=10)
    await asyncio.sleep(10 + LEASE - 0.1)
    assert store.shelf.entry("v:test:k") is not None
    assert store.shelf.entry("v:test:l") is not None
    assert await slow.get_many([*"kl"]) == {}
    await asyncio.sleep(0.2)
    assert store.shelf.entry("v:test:k") is None


async def test_a_value_past_its_time_is_loaded_once(caches: Caches) -> None:
    fleet = [caches(caches.slow()) for _ in range(3)]
    await fleet[0].set("k", "old", ttl=10)
    await asyncio.sleep(10)
    load = Load().finish()
    values = await asyncio.gather(*(cache.get_or_set("k", load) for cache in fleet * 10))
    assert set(values) == {"value 1"}
    assert load.calls == 1


@pytest.mark.parametrize(
    "ttl", [0, -1, float("nan"), float("inf"), 1e12, timedelta(0), True, "60", object()]
)
async def test_what_is_no_ttl(cache: Cache, ttl: object) -> None:
    with pytest.raises(ConfigurationError, match="ttl"):
        await cache.set("k", 1, ttl=ttl)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="ttl"):
        await cache.get_or_set("k", Load(), ttl=ttl)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="ttl"):
        cache.cached(ttl=ttl)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="ttl"):
        Cache(ttl=ttl, serializer=PickleSerializer())  # type: ignore[arg-type]


@pytest.mark.parametrize("jitter", [-0.1, 1, 1.5, float("nan"), True, "0.1"])
def test_what_is_no_jitter(jitter: object) -> None:
    with pytest.raises(ConfigurationError, match="jitter"):
        Cache(jitter=jitter, serializer=PickleSerializer())  # type: ignore[arg-type]
