"""What forgets: `delete`, `invalidate`, `emit`, `clear`; and that it finishes (R10)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from cachekit import Cache, ConfigurationError, Key, Prefix, Tag
from tests.core.conftest import Caches
from tests.core.helpers import ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@dataclass(frozen=True)
class Renamed:
    """An event."""

    key: str


async def filled(cache: Cache) -> Cache:
    await cache.set_many({"a": 1, "ab": 2, "b": 3}, tags=["t"])
    await cache.set("c", 4)
    return cache


async def left(cache: Cache) -> str:
    return "".join(await cache.get_many(["a", "ab", "b", "c"]))


async def test_keys_tags_and_prefixes_are_forgotten(either: Cache) -> None:
    await filled(either)
    await either.invalidate()
    assert await left(either) == "aabbc"
    await either.invalidate(Key("b"), Key("never there"))
    assert await left(either) == "aabc"
    await either.invalidate(Prefix("a"))
    assert await left(either) == "c"
    await filled(either)
    await either.invalidate(Tag("t"), Key("c"))
    assert await left(either) == ""


async def test_one_or_many_keys_are_deleted(either: Cache) -> None:
    await filled(either)
    await either.delete("a")
    await either.delete_many(["b", "c", "never there"])
    assert await left(either) == "ab"


async def test_all_travels_in_one_write(slow: Cache, store: SlowStore) -> None:
    await slow.invalidate(Key("a"), Key("b"), Tag("t"))
    assert [len(writes) for writes in store.writes] == [3]
    assert all(write.announce for write in store.writes[0])


async def test_another_process_has_forgotten_it_too(caches: Caches) -> None:
    here, there = caches(caches.slow()), caches(caches.slow())
    await filled(here)
    assert await left(there) == "aabbc"
    await there.invalidate(Tag("t"))
    assert await left(here) == "c"
    await there.clear()
    assert await left(here) == ""


async def test_an_event_is_what_its_invalidators_make_of_it(either: Cache) -> None:
    @either.on(Renamed)
    def forget(event: Renamed) -> Key:
        return Key(event.key)

    await filled(either)
    assert await either.emit(Renamed("b")) == (Key("b"),)
    assert await left(either) == "aabc"


async def test_events_need_an_invalidator(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match="emit"):
        await cache.emit(Renamed("b"))


CALLS: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "delete": lambda cache: cache.delete("k"),
    "invalidate": lambda cache: cache.invalidate(Key("k")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "clear": lambda cache: cache.clear(),
    "emit": lambda cache: cache.emit(Renamed("k")),
}


async def _plain(work: Awaitable[object]) -> object:
    return await work


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("moment", [0.0, 0.05, 0.15])
async def test_once_begun_it_finishes(
    slow: Cache, store: SlowStore, call: str, moment: float
) -> None:
    """R10: even if its caller is cancelled, before or after the store has seen it."""
    slow.on(Renamed)(lambda event: [Key(event.key)])
    await slow.set("k", "old", tags=["t"])
    store.delay = store.lag = 0.1
    task = start(_plain(CALLS[call](slow)))
    await asyncio.sleep(moment)
    task.cancel()
    assert isinstance((await ends(task))[0], asyncio.CancelledError)
    await asyncio.sleep(0.3)
    store.heal()
    assert await slow.get("k") is None


async def test_it_finishes_before_the_cache_is_closed(caches: Caches, store: SlowStore) -> None:
    """R10"""
    slow, other = caches(store), caches(caches.slow())
    await slow.set("k", "old")
    store.delay = 0.1
    forgetting = start(slow.delete("k"))
    await ticks()
    await slow.close()
    assert await ends(forgetting) == [None]
    assert await other.get("k") is None


async def test_a_cancelled_one_finishes_before_the_cache_is_closed(
    caches: Caches, store: SlowStore
) -> None:
    """R10"""
    slow, other = caches(store), caches(caches.slow())
    await slow.set("k", "old", tags=["t"])
    store.delay = 0.1
    forgetting = start(slow.invalidate(Tag("t"), Prefix("k")))
    await ticks()
    forgetting.cancel()
    await ends(forgetting)
    await slow.close()
    assert await other.get("k") is None
