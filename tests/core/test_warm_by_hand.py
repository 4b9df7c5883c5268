"""A warm hit by hand skips all checks but those that time and tags ask for: never too many."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from cachekit import MISSING, Cache, Key, Tag
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend
from tests.core.helpers import PickleSerializer

Ask = Callable[..., Any]


async def anew() -> str:
    return "new"


@pytest.fixture(params=["async", "sync"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asking(cache: Cache, way: str) -> Ask:
    """`get_or_set` of "a", awaited or not."""

    async def awaited(**options: Any) -> Any:
        return await cache.get_or_set("a", anew, **options)

    async def at_once(**options: Any) -> Any:
        return cache.sync.get_or_set("a", lambda: "new", **options)

    return awaited if way == "async" else at_once


async def warm(cache: Cache) -> None:
    """Three hits of each kind, after which nobody looks further."""
    for _ in range(3):
        assert await cache.get("a") == "old"
        assert cache.sync.get("a") == "old"
        assert await cache.get_or_set("a", anew) == "old"


@pytest.mark.parametrize(
    "options",
    [{"tags": ["t"]}, {"accept": lambda entry: False}, {"version": 2}],
    ids=["tags", "accept", "version"],
)
async def test_who_asks_for_more_looks_himself(way: str, options: dict[str, Any]) -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        assert await asking(cache, way)(**options) == "new"


async def test_other_options_that_ask_for_no_other_value_hit(way: str) -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        for options in ({"ttl": 5}, {"stale_while_revalidate": 5}, {"share": True}):
            assert await asking(cache, way)(**options) == "old"
            await warm(cache)


async def test_a_serializer_of_its_own_is_another_value(way: str) -> None:
    pickled = PickleSerializer()
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        assert await cache.get("a", MISSING, serializer=pickled) is MISSING
        assert cache.sync.get("a", MISSING, serializer=pickled) is MISSING
        assert await asking(cache, way)(serializer=pickled) == "new"


async def test_what_is_forgotten_is_not_there(way: str) -> None:
    async with Cache(ttl=60) as cache:
        for target in (Key("a"), Tag("t")):
            await cache.set("a", "old", tags=["t"])
            await warm(cache)
            await cache.invalidate(target)
            assert await cache.get("a") is None
            assert cache.sync.get("a") is None
            assert await asking(cache, way)() == "new"


async def test_what_is_to_be_forgotten_is_not_read_in_its_block(way: str) -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        async with cache.deferred():
            await cache.invalidate(Key("a"))
            assert await cache.get("a") is None
            assert cache.sync.get("a") is None
            assert await asking(cache, way)() == "new"


async def test_its_time_ends_to_the_second(way: str) -> None:
    clock = FakeClock()
    async with Cache(ttl=60, clock=clock) as cache:
        await cache.set("a", "old")
        await warm(cache)
        clock.advance(59.9)
        await warm(cache)
        clock.advance(0.1)
        assert await cache.get("a") is None
        assert await asking(cache, way)() == "new"


async def test_a_stale_value_is_refreshed_behind_it() -> None:
    clock = FakeClock()
    async with Cache(ttl=60, stale_while_revalidate=60, clock=clock) as cache:
        await cache.set("a", "old")
        await warm(cache)
        clock.advance(61)
        assert await cache.get("a") == "old"  # which does not load
        assert await cache.get_or_set("a", anew) == "old"
        while await cache.get("a") == "old":  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await cache.get("a") == "new"


async def test_a_caller_cannot_change_what_others_get() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", [1])
        for _ in range(3):
            (await cache.get("a")).append(2)
            (await cache.get_or_set("a", list[int])).append(3)
            cache.sync.get("a").append(4)
        assert await cache.get("a") == [1]


@pytest.mark.parametrize("loader", ["no function", 7, None])
async def test_what_cannot_load_is_an_error_though_nothing_is_loaded(loader: Any) -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        with pytest.raises(TypeError, match="loader must be a function"):
            await cache.get_or_set("a", loader)


async def test_hits_are_counted_once() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", "old")
        await warm(cache)
        assert (cache.stats().hits, cache.stats().misses) == (9, 0)


async def test_an_entry_holds_nothing_that_was_made_for_one_call() -> None:
    class Request:
        """Somebody's."""

    gone: list[weakref.ref[Request]] = []
    async with Cache(ttl=60) as cache:
        for _ in range(3):
            request = Request()
            gone.append(weakref.ref(request))

            def is_whole(value: str, request: Request = request) -> bool:
                return bool(value)

            for _ in range(3):
                assert await cache.get_or_set("a", anew, when=is_whole) == "new"
            del request, is_whole
        await asyncio.sleep(0)
        gc.collect()
        assert [each() for each in gone] == [None] * 3


async def test_one_use_is_one_use() -> None:
    """S3-FIFO keeps what was used more than once: to look twice would be that."""
    backend = MemoryBackend(policy="s3fifo")
    async with Cache(backend, ttl=60) as cache:
        await cache.set("a", 1)
        await cache.get_or_set("b", anew)
        for key in ("a", "b"):
            await cache.get(key)
        values: Any = backend._values
        assert [slot.hits for slot in values._slots.values()] == [1, 1]
