"""R11: what a block forgets is forgotten when it ends, however it ends."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable

import pytest

from cachekit import MISSING, Cache, InvalidationError, Key, Prefix, Tag
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@pytest.fixture
async def filled(either: Cache) -> Cache:
    """A cache with something in it."""
    await either.set("k", "old", tags=["t"])
    await either.set("other", "kept")
    return either


FORGETTING: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "delete": lambda cache: cache.delete("k"),
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "clear": lambda cache: cache.clear(),
    "set": lambda cache: cache.set("k", "uncommitted", tags=["t"]),
    "add": lambda cache: cache.add("k", "uncommitted", tags=["t"]),
}


@pytest.fixture(params=FORGETTING)
def forget(request: pytest.FixtureRequest) -> Callable[[Cache], Awaitable[object]]:
    return FORGETTING[request.param]


class RollbackError(Exception):
    """Raised by a block."""


async def rolled_back(cache: Cache, forgetting: Awaitable[object]) -> None:
    """A block that fails after it forgot something."""
    async with cache.deferred():
        await forgetting
        raise RollbackError


async def outside(cache: Cache) -> object:
    """What a task that is not in the block gets."""
    loop = asyncio.get_running_loop()
    return await loop.create_task(cache.get("k"), context=contextvars.Context())


async def test_it_is_applied_at_the_end(
    filled: Cache, forget: Callable[[Cache], Awaitable[object]]
) -> None:
    """R11: till then the others see what was committed; the block reads past what is pending."""
    async with filled.deferred():
        await forget(filled)
        assert await outside(filled) == "old"
        assert await filled.get("k", MISSING) is MISSING
        assert await filled.get_many(["k"]) == {}
        assert not await filled.exists("k")
    assert await filled.get("k", MISSING) is MISSING


async def test_it_is_applied_after_an_exception(
    filled: Cache, forget: Callable[[Cache], Awaitable[object]]
) -> None:
    """R11: which may have come after the commit."""
    with pytest.raises(RollbackError):
        await rolled_back(filled, forget(filled))
    assert await filled.get("k", MISSING) is MISSING


async def test_it_is_applied_when_the_block_is_cancelled(filled: Cache) -> None:
    """R11"""

    async def block() -> None:
        async with filled.deferred():
            await filled.delete("k")
            await asyncio.Event().wait()

    task = start(block())
    await ticks()
    task.cancel()
    assert isinstance((await ends(task))[0], asyncio.CancelledError)
    assert await filled.get("k") is None


async def test_what_is_not_pending_is_read(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        await filled.delete("k")
        assert await filled.get("other") == "kept"
        assert await filled.get_or_set("other", Load()) == "kept"
        assert await filled.exists("other")
    assert await filled.get("other") == "kept"


async def test_nothing_loaded_is_stored(filled: Cache) -> None:
    """R11: it may be uncommitted."""
    load = Load("mine {}".format).finish()
    async with filled.deferred():
        assert await filled.get_or_set("new", load) == "mine 1"
        assert await filled.get_or_set("new", load) == "mine 2"
        await filled.delete("k")
        assert await filled.get_or_set("k", load) == "mine 3"
    assert await filled.get("new") is None
    assert await filled.get("k") is None


async def test_nothing_loaded_is_shared(filled: Cache) -> None:
    """R11: in neither direction."""
    mine, theirs = Load("mine {}".format), Load("theirs {}".format)
    earlier = start(filled.get_or_set("new", theirs))
    await theirs.begun.wait()

    async def block() -> str:
        async with filled.deferred():
            return await filled.get_or_set("new", mine)

    inside = start(block())
    await mine.begun.wait()
    later = start(filled.get_or_set("new", theirs))
    await ticks()
    mine.finish()
    assert await inside == "mine 1"
    theirs.finish()
    assert await ends(earlier, later) == ["theirs 1", "theirs 1"]


async def test_a_function_in_a_block(either: Cache) -> None:
    """R11: the shortest path reads past what is pending, too."""
    state = "old"

    @either.cached(key="k", tags=["t"])
    async def function() -> str:
        return state

    assert [await function(), await function()] == ["old", "old"]
    async with either.deferred():
        assert await function() == "old"
        state = "uncommitted"
        await function.invalidate()
        assert [await function(), await function()] == ["uncommitted"] * 2
        assert await outside(either) == "old"
        assert await function.get() is MISSING
    state = "committed"
    assert await function() == "committed"


async def test_a_refresh_in_a_block(either: Cache) -> None:
    """R11: it forgets at the end, and loads at once for the block alone."""
    values = iter(["old", "uncommitted", "committed"])

    @either.cached(key="k")
    async def function() -> str:
        return next(values)

    await function()
    async with either.deferred():
        assert await function.refresh() == "uncommitted"
        assert await outside(either) == "old"
    assert await function() == "committed"


async def test_a_function_s_set_in_a_block(either: Cache) -> None:
    """R11: it counts as a delete."""

    @either.cached(key="k")
    async def function() -> str:
        return "loaded"

    await function()
    async with either.deferred():
        await function.set("set")
        assert await outside(either) == "loaded"
        assert await function.get() is MISSING
    assert await function.get() is MISSING


async def test_add_in_a_block_adds_nothing(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        assert not await filled.add("new", 1)
    assert await filled.get("new") is None


async def test_a_load_from_before_the_block_ends_is_void(filled: Cache) -> None:
    """R1, R11: who loads meanwhile may read what is about to change."""
    load = Load("before the commit {}".format)
    async with filled.deferred():
        await filled.invalidate(Tag("t"), Key("new"))

        async def others() -> str:
            return await filled.get_or_set("new", load, tags=["t"])

        task = asyncio.get_running_loop().create_task(others(), context=contextvars.Context())

        await load.begun.wait()
    load.finish()
    assert await task == "before the commit 1"
    assert await filled.get("new") is None


async def test_nothing_gathered_is_nothing_sent(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    async with slow.deferred():
        pass
    assert store.operations == 0


async def test_all_is_applied_in_one_write(slow: Cache, store: SlowStore) -> None:
    async with slow.deferred():
        await slow.invalidate(Key("a"), Key("b"), Tag("t"))
        await slow.invalidate(Key("a"), Tag("u"))
        assert store.operations == 0
    (writes,) = store.writes
    assert [write.key for write in writes] == ["v:test:a", "v:test:b", "t:test:t", "t:test:u"]


async def test_what_is_not_acknowledged_raises_at_the_end(slow: Cache, store: SlowStore) -> None:
    """R11: naming all that was gathered."""
    await slow.open()
    store.error = OSError("gone")

    async def block() -> None:
        async with slow.deferred():
            await slow.invalidate(Key("k"), Tag("t"))
            await slow.set("s", 1)
            await slow.clear()

    with pytest.raises(InvalidationError) as raised:
        await block()
    assert raised.value.unreached == ("Key('k')", "Key('s')", "Tag('t')", "everything")
    store.heal()


async def test_the_block_s_own_error_prevails(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """R11: and what was not acknowledged is logged."""
    await slow.open()
    store.error = OSError("gone")
    with pytest.raises(RollbackError) as raised, caplog.at_level(logging.ERROR):
        await rolled_back(slow, slow.delete("k"))
    assert "invalidate was not acknowledged for: Key('k')" in caplog.text
    assert raised.value.__cause__ is None
    store.heal()


async def test_the_block_s_own_error_prevails_over_any_other(
    slow: Cache, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R11: the backend may not be able to forget by prefix."""
    monkeypatch.setattr(store, "capability", lambda wanted: None)
    with pytest.raises(RollbackError):
        await rolled_back(slow, slow.invalidate(Prefix("k")))


async def test_an_inner_block_ends_with_the_outer(filled: Cache) -> None:
    """R11: a transaction inside of a transaction is committed with it."""
    async with filled.deferred():
        async with filled.deferred():
            await filled.delete("k")
        assert await outside(filled) == "old"
        assert await filled.get("k") is None
    assert await outside(filled) is None


async def test_an_inner_block_that_fails_is_applied_all_the_same(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        with pytest.raises(RollbackError):
            await rolled_back(filled, filled.delete("k"))
    assert await filled.get("k") is None


async def test_after_the_block_all_is_as_before(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        await filled.delete("k")
    await filled.set("k", "new")
    assert await filled.get("k") == "new"
    await filled.delete("k")
    assert await filled.get("k") is None
    assert await filled.get_or_set("k", Load().finish()) == "value 1"
    assert await filled.get("k") == "value 1"


async def test_blocks_of_two_caches_in_one_context(caches: Caches) -> None:
    """R11: each has its own, in whatever order they end."""
    one, two = caches(), caches(caches.slow())
    await one.set("k", 1)
    await two.set("k", 2)
    async with one.deferred(), two.deferred():
        await one.delete("k")
        await two.delete("k")
        assert [await outside(one), await outside(two)] == [1, 2]
    assert [await one.get("k"), await two.get("k")] == [None, None]


async def test_blocks_that_end_crosswise(caches: Caches) -> None:
    """R11"""
    one, two = caches(), caches()
    first, second = one.deferred(), two.deferred()
    await first.__aenter__()
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    await one.set("k", 1)
    assert await outside(one) == 1
    await two.set("k", 2)
    assert await outside(two) is None
    await second.__aexit__(None, None, None)
    await two.set("k", 2)
    assert await outside(two) == 2


async def test_another_cache_is_not_in_the_block(caches: Caches) -> None:
    """R11"""
    one, two = caches(), caches()
    async with one.deferred():
        await two.set("k", 2)
        assert await outside(two) == 2
        assert await two.get_or_set("l", Load().finish()) == "value 1"
        assert await two.get("l") == "value 1"


async def test_a_task_is_in_the_block_it_began_in(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        await asyncio.gather(filled.delete("k"), filled.invalidate(Tag("t")))
        assert await outside(filled) == "old"
        assert await start(filled.get("k")) is None
    assert await filled.get("k") is None


async def test_a_task_that_outlives_the_block_applies_at_once(filled: Cache) -> None:
    """R11: on a closed scope."""
    gate = asyncio.Event()

    async def later() -> object:
        await gate.wait()
        await filled.delete("other")
        await filled.set("k", "new")
        async with filled.deferred():
            await filled.delete("k")
            assert await outside(filled) == "new"
        return await filled.get_or_set("l", Load().finish())

    async with filled.deferred():
        task = start(later())
        await filled.delete("k")
    gate.set()
    assert await task == "value 1"
    assert await filled.get_many(["k", "other", "l"]) == {"l": "value 1"}


async def test_a_block_in_a_task_that_outlives_the_outer_one(filled: Cache) -> None:
    """R11: it has a commit of its own to wait for."""
    begun, gate = asyncio.Event(), asyncio.Event()

    async def later() -> None:
        async with filled.deferred():
            await filled.delete("k")
            begun.set()
            await gate.wait()
            await filled.delete("other")
            assert await filled.get_many(["k", "other"]) == {}

    async with filled.deferred():
        task = start(later())
        await begun.wait()
    assert [await outside(filled), await filled.get("other")] == ["old", "kept"]
    gate.set()
    await task
    assert await filled.get_many(["k", "other"]) == {}


async def test_an_inner_block_reads_past_what_the_outer_one_forgets(filled: Cache) -> None:
    """R11"""
    async with filled.deferred():
        await filled.delete("k")
        async with filled.deferred():
            await filled.delete("other")
            assert await filled.get_many(["k", "other"]) == {}
        assert await filled.get_many(["k", "other"]) == {}


async def test_a_load_that_began_outside_is_not_in_the_block(filled: Cache) -> None:
    """R11: the context of a flight is its leader's."""

    async def load() -> str:
        await filled.set("by the loader", 1)
        return "value"

    async with filled.deferred():
        pass
    assert await filled.get_or_set("new", load) == "value"
    assert await filled.get("by the loader") == 1


async def test_what_a_loader_forgets_in_a_block_is_deferred(filled: Cache) -> None:
    """R11"""

    async def load() -> str:
        await filled.delete("k")
        return "value"

    async with filled.deferred():
        assert await filled.get_or_set("new", load) == "value"
        assert await outside(filled) == "old"
    assert await filled.get("k") is None


async def test_no_stub_is_left_by_who_loads_in_a_block(slow: Cache, store: SlowStore) -> None:
    async with slow.deferred():
        await slow.get_or_set("k", Load().finish())
        assert store.writes == []
    assert store.shelf.keys(Kind.STUB) == []
