"""Several keys at once: what is kept here is served from here, the rest is one read."""

from collections.abc import AsyncIterator

import pytest

from cachekit import Key, Tag
from cachekit.backend import News
from tests.tiered.test_calls import Front


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    front = Front()
    async with front.cache:
        await front.feed.begin()
        yield front


async def test_what_is_kept_is_not_asked_for(front: Front) -> None:
    cache = front.cache
    await cache.set_many({f"k{n}": n for n in range(10)})
    asked = front.operations
    assert await cache.get_many([f"k{n}" for n in range(10)]) == {f"k{n}": n for n in range(10)}
    assert front.operations == asked
    assert cache.stats().tiers[0].hits == 10


async def test_what_is_not_kept_is_one_read(front: Front) -> None:
    cache = front.cache
    await cache.set_many({"a": 1, "b": 2, "c": 3})
    await front.feed.say(News(1, keys=["v:x:a", "v:x:c"]))
    reads = front.far.reads
    assert await cache.get_many(["a", "b", "c", "d"]) == {"a": 1, "b": 2, "c": 3}
    assert front.far.reads == reads + 1
    assert [tier.hits for tier in cache.stats().tiers] == [1, 2]


async def test_each_missing_one_is_loaded_and_kept(front: Front) -> None:
    cache, loaded = front.cache, list[list[int]]()

    @cache.cached_many(key="n:{ns}", tags=["numbers"])
    async def squares(ns: list[int]) -> dict[int, int]:
        loaded.append(ns)
        return {n: n * n for n in ns}

    assert await squares([1, 2]) == {1: 1, 2: 4}
    asked = front.operations
    assert await squares([1, 2]) == {1: 1, 2: 4}
    assert (loaded, front.operations) == ([[1, 2]], asked)
    assert await squares([1, 2, 3]) == {1: 1, 2: 4, 3: 9}
    await cache.invalidate(Tag("numbers"), Key("n:3"))
    assert await squares([1, 2, 3]) == {1: 1, 2: 4, 3: 9}
    assert loaded == [[1, 2], [3], [1, 2, 3]]


async def test_inside_a_deferred_block_they_are_asked_for(front: Front) -> None:
    await front.cache.set("a", 1)
    async with front.cache.deferred():
        await front.cache.delete("a")
        assert await front.cache.get_many(["a"]) == {}
