"""Copies in front of memcached, which tells nobody of changes: they are served for a while."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import pytest

from cachekit import Cache, InvalidationError, Key, Tag, TooLargeError
from cachekit.keys import record_key, value_key
from cachekit.testing import FakeClock
from cachekit_memcached import MemcachedBackend
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.memcached.fleet import MemcachedFleet
from tests.memcached.three import SPACE, Three
from tests.servers.fixtures import Starter, ThreeMemcacheds
from tests.servers.memcached import MemcachedServer
from tests.servers.proxy import Proxy
from tests.tiered.fleet import SLACK, STALENESS
from tests.tiered.players import CALM
from tests.tiered.two import BOUND, NEW, OLD, Watched

PATIENCE: Final = 5.0
SHORT: Final = (0.4, 1.0, 0.2)
LONG: Final = (15.0, 60.0, 15.0)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=str)
async def test_no_process_reads_what_was_old_for_longer_than_that(
    start: Starter, seconds: Sequence[float]
) -> None:
    """Of three, on links that are well, then bad, then well again."""
    log = await MemcachedFleet(start(MemcachedServer()).port).run(seconds)
    oldest = max(log.ages())
    print(f"{len(log.reads)} reads, {log.share(CALM):.1%} of copies; oldest {oldest:.3f} s")
    assert log.impossible == 0
    assert oldest < STALENESS + SLACK
    assert log.invalidations > sum(seconds)
    assert log.share(CALM) > 0.25


# -- of two processes one forgets, and the other is watched


def cache_on(servers: Sequence[str], **options: Any) -> Cache:
    far = MemcachedBackend(servers, timeout=0.4, connect_timeout=0.4, **options)
    tiers = TieredBackend(MemoryBackend(), far, max_staleness=STALENESS)
    return Cache(tiers, namespace=SPACE, deadline=0.5)


@pytest.fixture
async def two(memcached_server: MemcachedServer, prefix: str) -> AsyncIterator[Watched]:
    async with Proxy(memcached_server.port) as proxy:
        well = cache_on([memcached_server.address], prefix=prefix)
        other = cache_on([proxy.address], prefix=prefix)
        async with well, other:
            yield Watched(proxy, well, other)


@pytest.mark.parametrize("link", ["well", "cut"])
async def test_what_one_forgets_the_other_does_not_serve_for_longer_than_that(
    two: Watched, link: str
) -> None:
    """Whether it can ask or not."""
    await two.warm("key", "tagged", tags=["tag"])
    async with two.watched("key", "tagged"):
        if link == "cut":
            await two.cut()
        acknowledged = await two.forget(Key("key"), Tag("tag"))
        age = await two.gone("key", "tagged", since=acknowledged)
    print(f"{link}: seen for {age:.3f} s")
    assert age < BOUND


async def test_who_forgets_and_waits_for_a_barrier_is_seen_by_all(two: Watched) -> None:
    await two.warm("key")
    await two.well.invalidate(Key("key"), barrier=True)
    assert two.other.peek("key") is None
    assert await two.other.get("key") is None


Forget: TypeAlias = Callable[[Cache], Awaitable[None]]

FORGETS: Final[Mapping[str, Forget]] = {
    "delete": lambda cache: cache.delete("key"),
    "key": lambda cache: cache.invalidate(Key("key")),
    "tag": lambda cache: cache.invalidate(Tag("tag")),
    "clear": lambda cache: cache.clear(),
}


@pytest.mark.parametrize("way", FORGETS)
async def test_what_a_process_writes_it_sees_at_once(two: Watched, way: str) -> None:
    cache = two.well
    await two.warm("key", tags=["tag"])
    await cache.set("key", NEW, tags=["tag"])
    assert cache.peek("key") != OLD
    assert await cache.get_or_set("key", lambda: "loaded", tags=["tag"]) == NEW
    assert cache.peek("key") == NEW
    await FORGETS[way](cache)
    assert cache.peek("key") is None
    assert await cache.get("key") is None


# -- in front of three


async def test_copies_of_what_is_at_several_homes(
    three_memcacheds: ThreeMemcacheds, prefix: str
) -> None:
    """Homes, nodes and room are handed on."""
    three = Three(three_memcacheds, prefix)
    far = three.backend(timeout=PATIENCE)
    async with Cache([MemoryBackend(), far], namespace=SPACE, deadline=PATIENCE) as cache:
        for server in three.servers:
            key = next(three.keys_at(server))
            await cache.set(key, "stored")
            entry: Any = (await far.read([value_key(SPACE, key)]))[value_key(SPACE, key)]
            assert entry.tags.keys() == {record_key(SPACE, "home", server.address)}
            assert await cache.get(key) == cache.peek(key) == "stored"
        large = "x" * (2 * 2**20)
        with pytest.raises(TooLargeError, match="MemcachedBackend takes"):
            await cache.set("large", large)
        assert await cache.get_or_set("large", lambda: large) == large
        assert cache.stats().too_large == 1
        await cache.clear()
        assert [cache.peek(next(three.keys_at(server))) for server in three.servers] == [None] * 3


async def test_one_of_three_is_not_there(start: Starter) -> None:
    """Copies of what the others have are served and made as ever, and its own for that time."""
    three, clock = Three([start(MemcachedServer()) for _ in range(3)]), FakeClock(time=time.time())
    far = three.backend(timeout=PATIENCE, clock=clock)
    tiers = TieredBackend(MemoryBackend(clock=clock), far, max_staleness=STALENESS, clock=clock)
    dead = three.servers[0]
    lost, *kept = [next(three.keys_at(server)) for server in three.servers]
    async with Cache(tiers, namespace=SPACE, deadline=PATIENCE, clock=clock) as cache:
        for key in (lost, *kept):
            await cache.set(key, "stored")
            assert await cache.get(key) == "stored"
        dead.kill()
        assert [cache.peek(key) for key in (lost, *kept)] == ["stored"] * 3
        clock.advance(STALENESS)
        assert [cache.peek(key) for key in (lost, *kept)] == [None] * 3
        assert await cache.get_many([lost, *kept]) == dict.fromkeys(kept, "stored")
        assert [cache.peek(key) for key in (lost, *kept)] == [None, "stored", "stored"]
        with pytest.raises(InvalidationError) as caught:
            await cache.clear()
        assert caught.value.unreached == (f"everything on {dead.address}",)
        assert await cache.get_many([lost, *kept]) == {}
        assert dead.address in [node.name for node in cache.stats().nodes if node.journaled]
