"""`current_load()`: what a loader may say about its own load."""

import asyncio
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cachekit import MISSING, Cache, ConfigurationError, current_load
from cachekit.context import Load as CurrentLoad
from cachekit.entry import Kind
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, start, ticks
from tests.core.slow_store import SlowStore
from tests.core.threads import Threads

pytestmark = pytest.mark.virtual

WINDOWS: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": 60.0}


def outside() -> Any:
    return pytest.raises(RuntimeError, match="current_load")


# -- the key, and the ttl


async def test_it_knows_its_key(either: Cache) -> None:
    @either.cached(key="of:{n}")
    async def function(n: int) -> str:
        return current_load().key

    assert await either.get_or_set("some:key", lambda: current_load().key) == "some:key"
    assert await function(7) == function.key(7) == "of:7"


@pytest.mark.parametrize(
    ("ttl", "seconds"), [(5, 5.0), (0.5, 0.5), (timedelta(seconds=7), 7.0), (None, None)]
)
async def test_its_ttl_goes_before_all_others(either: Cache, ttl: Any, seconds: Any) -> None:
    async def load() -> None:
        assert current_load().ttl is MISSING
        current_load().ttl = 99
        current_load().ttl = ttl  # what is said last counts
        assert current_load().ttl == seconds

    await either.get_or_set("k", load, ttl=lambda _: 1000, none_ttl=1000)
    entry = await either.entry("k")
    assert entry is not None
    assert entry.ttl == seconds


@pytest.mark.parametrize("ttl", [0, -3, timedelta(0)])
async def test_with_no_time_left_it_is_not_stored(either: Cache, ttl: Any) -> None:
    async def load() -> str:
        current_load().ttl = ttl
        return "value"

    assert await either.get_or_set("k", load, **WINDOWS) == "value"
    assert not await either.exists("k")


@pytest.mark.parametrize("ttl", ["60", float("nan"), True, object()])
async def test_what_is_no_ttl(either: Cache, ttl: Any) -> None:
    async def load() -> None:
        current_load().ttl = ttl

    with pytest.raises(ConfigurationError, match=r"current_load\(\)\.ttl"):
        await either.get_or_set("k", load)


@pytest.mark.parametrize("name", ["", None, 7, b"p", ("p",)])
async def test_what_is_no_tag(either: Cache, name: Any) -> None:
    async def load() -> None:
        current_load().tag("good", name)

    with pytest.raises(TypeError, match="a tag is a str that is not empty"):
        await either.get_or_set("k", load)


# -- skip


async def test_what_is_skipped_is_everyones_who_waits(slow: Cache, store: SlowStore) -> None:
    """R3: and leaves a pass, so that nobody waits in vain."""
    gate = Load()

    async def load() -> str:
        current_load().skip()
        value: str = await gate()
        return value

    callers = [start(slow.get_or_set("k", load)) for _ in range(10)]
    await gate.begun.wait()
    await ticks()
    gate.finish()
    assert await ends(*callers) == ["value 1"] * 10
    assert store.shelf.keys(Kind.VALUE) == []
    assert store.shelf.keys(Kind.PASS) == ["v:test:k"]
    assert await slow.get_or_set("k", load) == "value 2"


async def test_a_refresh_that_is_skipped_leaves_what_was_there(either: Cache) -> None:
    async def load() -> str:
        current_load().skip()
        return "new"

    await aged(either, **WINDOWS)
    for _ in range(5):
        assert await either.get_or_set("k", load, **WINDOWS) == "old"
        await ticks()
    assert either.stats().loads == 1


# -- where it is


async def test_outside_of_a_loader(cache: Cache) -> None:
    with outside():
        current_load()
    await cache.get_or_set("k", Load().finish())
    with outside():
        current_load()


async def test_after_its_loader_has_ended(either: Cache) -> None:
    """A task may outlive the loader that it began in."""
    kept: list[CurrentLoad] = []
    gate = asyncio.Event()

    async def later() -> None:
        await gate.wait()
        with outside():
            current_load()

    async def load() -> "asyncio.Task[None]":
        kept.append(current_load())
        return start(later())

    task = await either.get_or_set("k", load, share=True, when=lambda _: False)
    gate.set()
    await task
    kept[0].skip()  # has no effect any longer
    kept[0].tag("late")


async def test_a_load_in_a_load_does_not_disturb_it(either: Cache) -> None:
    await either.set("other", 1, tags=["inner", "outer"])

    async def inner() -> str:
        current_load().tag("inner")
        current_load().ttl = 3
        return current_load().key

    async def outer() -> str:
        current_load().tag("outer")
        found = await either.get_or_set("inner", inner)
        await asyncio.gather(either.get_or_set("inner", inner))
        assert current_load().ttl is MISSING
        return found + current_load().key

    assert await either.get_or_set("outer", outer) == "innerouter"
    entries = [await either.entry("inner"), await either.entry("outer")]
    assert [(e and e.ttl, e and e.tags) for e in entries] == [
        (3.0, ("inner",)),
        (300.0, ("outer",)),
    ]


async def test_in_a_deferred_block_and_in_a_disabled_cache_it_says_nothing(caches: Caches) -> None:
    async def load() -> str:
        current_load().tag("t")
        current_load().skip()
        assert current_load().old is MISSING
        return current_load().key

    cache = caches()
    async with cache.deferred():
        assert await cache.get_or_set("k", load) == "k"
    assert await caches(disabled=True).get_or_set("k", load) == "k"


def test_for_those_who_block(frozen: Caches, fake_clock: FakeClock, threads: Threads) -> None:
    """In the thread that loads, and in no other."""
    cache = frozen()

    def load() -> str:
        def elsewhere() -> None:
            with outside():
                current_load()

        threads.run(elsewhere).result(10)
        current_load().ttl = 3
        return current_load().key

    assert cache.sync.get_or_set("k", load) == "k"
    fake_clock.advance(3)
    assert not cache.sync.exists("k")
    with outside():
        current_load()


def test_for_those_who_block_a_load_in_a_load_does_not_disturb_it(frozen: Caches) -> None:
    cache = frozen()

    def outer() -> str:
        inner = cache.sync.get_or_set("inner", lambda: current_load().key)
        return inner + current_load().key

    assert cache.sync.get_or_set("outer", outer) == "innerouter"


def test_in_a_thread_that_has_its_context(frozen: Caches, threads: Threads) -> None:
    """As `asyncio.to_thread` hands it on."""
    cache = frozen()

    def load() -> Any:
        return threads.run(partial(copy_context().run, lambda: current_load().key)).result(10)

    assert cache.sync.get_or_set("k", load) == "k"
