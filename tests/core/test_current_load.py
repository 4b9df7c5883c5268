"""`current_load()`: what a loader may say about its own load."""

import asyncio
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cachekit import MISSING, Cache, ConfigurationError, Tag, current_load
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


# -- the old value


async def test_without_one_there_is_nothing_old(either: Cache) -> None:
    assert await either.get_or_set("k", lambda: current_load().old) is MISSING
    await either.set("other", "old", tags=["t"])
    await either.invalidate(Tag("t"))
    olds: list[Any] = []

    async def load() -> str:
        olds.append(current_load().old)
        return "new"

    await either.get_or_set("other", load, tags=["t"])
    assert olds == [MISSING]


@pytest.mark.parametrize("past", [0.0, 1.0])
async def test_the_old_value_is_there_while_it_is_valid(either: Cache, past: float) -> None:
    """Stale, or past all use: it is for comparing."""
    await aged(either, by=TTL + past, stale_while_revalidate=0.5)
    seen: list[Any] = []

    async def load() -> str:
        seen.append(current_load().old)
        return "new"

    await either.get_or_set("k", load, stale_while_revalidate=0.5)
    await ticks()
    assert seen == ["old"]


async def test_the_old_value_is_a_copy(either: Cache) -> None:
    await either.set("k", [1], **WINDOWS)
    await asyncio.sleep(TTL)

    async def load() -> list[int]:
        old: list[int] = current_load().old
        old.append(2)
        raise ConnectionError("down")

    assert await either.get_or_set("k", load, **WINDOWS) == [1]
    await ticks()
    assert await either.get_or_set("k", load, **WINDOWS) == [1]


# -- not modified


async def not_modified() -> Any:
    return current_load().not_modified()


async def test_what_is_not_modified_is_fresh_again(either: Cache) -> None:
    await aged(either, tags=["t"], **WINDOWS)
    before = await either.entry("k")
    assert await either.get_or_set("k", not_modified, tags=["t"], **WINDOWS) == "old"
    await ticks()
    after = await either.entry("k")
    assert before is not None
    assert after is not None
    assert (before.fresh, after.fresh, after.value, after.age) == (False, True, "old", 0.0)
    assert after.version != before.version
    await either.invalidate(Tag("t"))
    assert not await either.exists("k")


async def test_it_keeps_the_tags_of_its_result(either: Cache) -> None:
    """In one load: they were seen when it was read."""
    loads = 0

    async def load() -> Any:
        nonlocal loads
        loads += 1
        current_load().tag(*(["p:1"] if loads < 3 else ["p:2"]))
        return "value" if loads < 3 else current_load().not_modified()

    await either.set("other", 1, tags=["p:1", "p:2"])
    await either.get_or_set("k", load, **WINDOWS)
    loads = 2
    await asyncio.sleep(TTL)
    await either.get_or_set("k", load, **WINDOWS)
    await ticks(40)
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.fresh, set(entry.tags), loads) == (True, {"p:1", "p:2"}, 3)
    await either.invalidate(Tag("p:1"))
    assert not await either.exists("k")


async def test_it_may_have_another_ttl(either: Cache) -> None:
    async def load() -> Any:
        current_load().ttl = 3
        return current_load().not_modified()

    await aged(either, **WINDOWS)
    await either.get_or_set("k", load, **WINDOWS)
    await ticks()
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.value, entry.ttl) == ("old", 3.0)


async def test_what_was_invalidated_meanwhile_does_not_come_back(either: Cache) -> None:
    """R1: it is as old as the value it stands for."""
    gate = Load()

    async def load() -> Any:
        await gate()
        return current_load().not_modified()

    await aged(either, tags=["t"], **WINDOWS)
    await either.get_or_set("k", load, tags=["t"], **WINDOWS)
    await gate.begun.wait()
    await either.invalidate(Tag("t"))
    gate.finish()
    await ticks()
    assert not await either.exists("k")


async def test_nothing_is_not_modified(either: Cache) -> None:
    with pytest.raises(LookupError, match=r"no old value of k: look at current_load\(\)\.old"):
        await either.get_or_set("k", not_modified)


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
