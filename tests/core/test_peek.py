"""`peek`: what `get` would give, where that takes no I/O; in any thread, at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from cachekit import Cache, Key, Tag, current_load
from cachekit.testing import FakeClock
from cachekit.testing.reference import ReferenceBackend
from cachekit_memory import MemoryBackend
from tests.core.helpers import PickleSerializer


@contextmanager
def kept(cache: Cache, key: str, value: object) -> Iterator[None]:
    """What is there once it was peeked at is no longer there afterwards."""
    assert [cache.peek(key), cache.peek(key)] == [value, value]  # the second is vouched for
    yield
    assert cache.peek(key) is None


async def test_what_is_in_this_process_is_seen_and_counted_as_a_hit() -> None:
    async with Cache(ttl=60) as cache:
        assert cache.peek("a", "nothing") == "nothing"
        await cache.set("a", [1])
        cache.peek("a").append(2)
        assert cache.peek("a") == [1]
        assert (cache.stats().hits, cache.stats().misses) == (2, 0)


async def test_what_is_elsewhere_is_not() -> None:
    clock = FakeClock()
    async with Cache(ReferenceBackend(clock), namespace="n", clock=clock) as cache:
        await cache.set("a", 1)
        assert cache.peek("a") is None
        assert await cache.get("a") == 1


async def test_its_end_holds_for_who_has_peeked_before() -> None:
    clock = FakeClock()
    async with Cache(ttl=60, clock=clock) as cache:
        await cache.set("a", 1)
        with kept(cache, "a", 1):
            clock.advance(60)


async def test_what_is_stale_is_seen_as_long_as_get_sees_it() -> None:
    clock = FakeClock()
    async with Cache(ttl=60, stale_while_revalidate=60, clock=clock) as cache:
        await cache.set("a", 1)
        clock.advance(60)
        with kept(cache, "a", 1):
            clock.advance(60)


async def test_what_was_forgotten_is_not_seen() -> None:
    async with Cache(ttl=60) as cache:
        for forget in (Key("a"), Tag("t")):
            await cache.set("a", 1, tags=["t"])
            with kept(cache, "a", 1):
                await cache.invalidate(forget)
        await cache.set("a", 1)
        with kept(cache, "a", 1):
            await cache.clear()


async def test_a_shorter_life_holds_for_who_has_peeked_before() -> None:
    clock = FakeClock()
    async with Cache(ttl=60, clock=clock) as cache:
        await cache.set("a", 1)
        with kept(cache, "a", 1):
            assert await cache.touch("a", 10)
            clock.advance(10)


async def test_inside_a_deferred_block_nothing_is_seen() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", 1)
        assert [cache.peek("a"), cache.peek("a")] == [1, 1]
        async with cache.deferred():
            assert cache.peek("a") is None
        await cache.set("b", 1)
        async with cache.deferred():
            assert cache.peek("b") is None
        assert cache.peek("a") == 1


async def test_another_format_version_or_namespace_is_not_seen() -> None:
    store = MemoryBackend()
    one = Cache(store, namespace="one", ttl=60)
    same = Cache(store, namespace="one", ttl=60, serializer=PickleSerializer())
    newer = Cache(store, namespace="one", ttl=60, version=2)
    other = Cache(store, namespace="other", ttl=60)
    async with one, same, newer, other:
        await one.set("a", 1)
        assert [one.peek("a"), one.peek("a")] == [1, 1]
        assert one.peek("a", serializer=PickleSerializer()) is None
        for cache in (same, newer, other):
            assert cache.peek("a") is None
            assert await cache.get("a") is None


async def test_what_was_vouched_for_one_cache_is_not_for_another_of_that_namespace() -> None:
    store = MemoryBackend()
    one, two = Cache(store, namespace="n", ttl=60), Cache(store, namespace="n", ttl=60)
    async with one, two:
        await one.set("a", 1)
        assert [one.peek("a"), two.peek("a")] == [1, 1]
        with kept(two, "a", 1):
            await one.invalidate(Key("a"))
        assert one.peek("a") is None


async def test_a_function_is_not_served_what_was_vouched_for_a_peek() -> None:
    async with Cache(ttl=60) as cache:

        @cache.cached(key="a", tags=["t"])
        async def found() -> int:
            return 2

        await cache.set("a", 1)
        assert [cache.peek("a"), cache.peek("a")] == [1, 1]
        assert await found() == 2  # which lacks a tag that this one declares
        assert cache.peek("a") == 2


async def test_in_threads_too() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", 1)
        seen = list[object]()
        threads = [Thread(target=lambda: seen.append(cache.peek("a"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert seen == [1] * 8


async def test_a_cache_that_is_closed_or_switched_off_shows_nothing() -> None:
    async with Cache(ttl=60) as cache:
        await cache.set("a", 1)
    assert cache.peek("a") is None
    async with Cache(disabled=True) as cache:
        await cache.set("a", 1)
        assert cache.peek("a") is None


async def test_a_private_value_is_not_seen() -> None:
    def load() -> int:
        current_load().skip(private=True)
        return 2

    async with Cache(ttl=60) as cache:
        await cache.set("a", 1)
        with kept(cache, "a", 1):
            assert await cache.get_or_set("a", load, accept=lambda there: False) == 2


def test_what_is_no_way_to_read_is_an_error() -> None:
    with pytest.raises(TypeError, match="ttl"):
        Cache().peek("a", ttl=5)  # type: ignore[call-arg]
