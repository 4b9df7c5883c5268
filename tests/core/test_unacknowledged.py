"""Who has got an `InvalidationError` never gets an older value from this process.

However it asks, with copies in this process and without, and whatever comes late.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cachekit import MISSING, Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import Write
from cachekit.clock import Clock
from cachekit.entry import Kind
from cachekit.gates import NotAskedError
from tests.core.conftest import Caches
from tests.core.copies import Told, tiered
from tests.core.helpers import Load, start, ticks
from tests.core.nodes import journaled, refuse
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

PROBE = 1.01
"""Seconds after which a store that answers is asked again."""


@pytest.fixture
async def store(caches: Caches) -> SlowStore:
    store = Told(caches.shelf)
    caches.backends.append(store)
    return store


@pytest.fixture(params=["alone", "copies"])
async def cache(
    request: pytest.FixtureRequest, caches: Caches, store: SlowStore, clock: Clock
) -> AsyncIterator[Cache]:
    """On `store`, then on copies in front of it: open, and with an old value in it, and read."""
    cache = caches(store if request.param == "alone" else tiered(store, clock))
    await cache.open()
    await asyncio.sleep(0.5)
    await cache.set_many({"k": "old", "kept": 1}, tags=["t"], ttl=1000)
    assert await cache.get("k") == "old"
    assert cache.peek("k", MISSING) == ("old" if request.param == "copies" else MISSING)
    yield cache
    store.heal()
    await asyncio.sleep(PROBE)
    await cache.close()


async def new() -> str:
    return "new"


async def decorated(cache: Cache) -> object:
    return await cache.cached(key="{key}", tags=["t"])(only_new)("k")


async def only_new(key: str) -> str:
    return "new"


async def many(keys: list[str]) -> dict[str, str]:
    return dict.fromkeys(keys, "new")


async def at_once(cache: Cache) -> object:
    return cache.peek("k"), cache.sync.get("k")


READS: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "peek, sync.get": at_once,
    "get": lambda cache: cache.get("k"),
    "get_many": lambda cache: cache.get_many(["k", "kept"]),
    "entry": lambda cache: cache.entry("k"),
    "get_or_set": lambda cache: cache.get_or_set("k", new, tags=["t"]),
    "stale_if_error": lambda cache: cache.get_or_set("k", new, stale_if_error=1000),
    "get_or_set_many": lambda cache: cache.get_or_set_many(["k", "l"], many),
    "cached": decorated,
}

CHANGES: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "delete": lambda cache: cache.delete("k"),
    "set": lambda cache: cache.set("k", "newer"),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "prefix after a key": lambda cache: cache.invalidate(Prefix("k"), Key("other")),
    "clear": lambda cache: cache.clear(),
}

FAULTS: dict[str, Callable[[SlowStore], None]] = {
    "refuses": refuse,
    "hangs": SlowStore.hang,
    "loses": lambda store: setattr(store, "loses", lambda write: write.announce),
    "mutes": lambda store: setattr(store, "mutes", lambda write: True),
}


async def check(cache: Cache) -> None:
    for name, read in READS.items():
        assert "old" not in repr(await read(cache)), name


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_older_is_served(
    cache: Cache, store: SlowStore, change: str, fault: str
) -> None:
    if fault in ("loses", "mutes") and "prefix" in change:
        refuse(store)  # these are of writes
    FAULTS[fault](store)
    with pytest.raises(InvalidationError):
        await CHANGES[change](cache)
    for _ in range(6):
        await check(cache)
        await asyncio.sleep(0.2)
    store.heal()
    for _ in range(8):
        await check(cache)
        await asyncio.sleep(0.2)
    assert journaled(cache) == 0
    load = Load()
    assert await cache.get_or_set("k", load) in ("new", "newer")
    assert load.calls == 0


async def test_what_was_not_to_go_is_served_from_copies_meanwhile(
    cache: Cache, store: SlowStore
) -> None:
    copies = cache.peek("kept") == 1
    store.hang()
    with pytest.raises(InvalidationError):
        await cache.delete("k")
    for _ in range(20):
        assert await cache.get("kept") == (1 if copies else None)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("change", ["delete", "tag", "clear"])
async def test_a_load_that_is_under_way_does_not_fill(
    cache: Cache, store: SlowStore, change: str
) -> None:
    """Nor is it shared with who comes later; whether it ends before the replay or after."""
    keys = ["early", "late"]
    loads = [Load("loaded before {}".format) for _ in keys]
    gets = [
        start(cache.get_or_set(key, load, tags=["t"]))
        for key, load in zip(keys, loads, strict=True)
    ]
    await ticks(40)
    assert [load.calls for load in loads] == [1, 1]
    refuse(store)
    with pytest.raises(InvalidationError):
        await (cache.delete_many(keys) if change == "delete" else CHANGES[change](cache))
    loads[0].finish()
    assert await gets[0] == "loaded before 1"
    assert await cache.get_or_set("late", new) == "new"
    store.heal()
    await asyncio.sleep(PROBE)
    loads[1].finish()
    assert await gets[1] == "loaded before 1"
    await ticks(40)
    assert await cache.get_many(keys) == {}
    assert await cache.get_or_set_many(keys, many) == {"early": "new", "late": "new"}


@pytest.mark.parametrize("change", ["delete", "tag", "set"])
async def test_a_fill_that_arrives_after_the_replay_brings_nothing_back(
    cache: Cache, store: SlowStore, change: str
) -> None:
    load = Load("loaded before {}".format)
    get = start(cache.get_or_set("x", load, tags=["t"]))
    await ticks(40)
    store.delay = 5.0
    load.finish()
    await ticks(40)
    store.delay = 0.0
    refuse(store)
    with pytest.raises(InvalidationError):
        await (CHANGES["tag"](cache) if change == "tag" else cache.set("x", "newer"))
    assert await get == "loaded before 1"
    store.heal()
    for _ in range(10):
        await asyncio.sleep(1)
        assert await cache.get("x") is None
        assert cache.peek("x", MISSING) is MISSING


@pytest.mark.parametrize("key", ["k", "x"])
async def test_a_set_that_arrives_after_the_replay_brings_nothing_back(
    cache: Cache, store: SlowStore, key: str
) -> None:
    """R4: over a value in one step, and over nothing in two, of which the second is late."""

    class Slow:
        async def value(self, writes: Any) -> Any:
            late = [write for write in writes if write.entry and write.entry.kind is Kind.VALUE]
            await asyncio.sleep(5.0 if late else 0.0)
            return await really(writes)

    really, slow = store.write, Slow()
    store.write = slow.value  # type: ignore[method-assign]
    with pytest.raises(InvalidationError):
        await cache.set(key, "late")
    for _ in range(10):
        await asyncio.sleep(1)
        assert await cache.get(key) is None
    assert await cache.get_or_set(key, new) == "new"


async def test_a_tag_that_is_invalidated_late_brings_nothing_back(
    cache: Cache, store: SlowStore
) -> None:
    """Not even where something was stored with it meanwhile."""
    store.delay = 5.0
    change = start(cache.invalidate(Tag("t")))
    await ticks()
    store.delay = 0.0
    with pytest.raises(InvalidationError):
        await change
    assert await cache.get_or_set("k", new, tags=["t"]) == "new"
    for _ in range(10):
        await asyncio.sleep(1)
        assert await cache.get("k") in (None, "new")


async def test_a_value_that_another_process_has_stored_since_is_served(
    cache: Cache, caches: Caches, store: SlowStore
) -> None:
    """Until the replay, that is, which cannot tell it from an older one."""
    refuse(store)
    with pytest.raises(InvalidationError):
        await cache.delete("k")
    other = caches(SlowStore(caches.shelf))
    assert await other.get("k") == "old"
    await other.set("k", "newer")
    store.heal()
    await asyncio.sleep(PROBE)
    assert await cache.get("k") is None
    assert [w for w in store.sent(None) if w == Write("v:test:k", None, announce=True)]


@pytest.mark.parametrize("change", CHANGES)
async def test_the_error_says_what_the_store_said(
    cache: Cache, store: SlowStore, change: str
) -> None:
    refuse(store)
    for _ in range(3):
        with pytest.raises(InvalidationError, match=r"\(refused\)") as met:
            await CHANGES[change](cache)
        assert met.value.__cause__ is store.error


@pytest.mark.parametrize("change", CHANGES)
async def test_the_error_says_what_the_store_said_though_another_cache_was_told(
    cache: Cache, caches: Caches, store: SlowStore, change: str
) -> None:
    """It has asked the store for nothing itself, since another one had failed to."""
    other = caches(caches.made[0]._engine.store._find(), namespace="other")
    await other.open()
    refuse(store)
    with pytest.raises(InvalidationError, match=r"\(refused\)"):
        await cache.delete("k")
    operations = store.operations
    for _ in range(2):
        with pytest.raises(InvalidationError, match=r"not asked.*ConnectionRef.*: refused") as met:
            await CHANGES[change](other)
        assert isinstance(why := met.value.__cause__, NotAskedError)
        assert why.__cause__ is store.error
    assert store.operations == operations
    await other.close()
