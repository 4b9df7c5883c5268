"""What ends elsewhere is no caller's fate: cancels inside a backend, ended loops, hung closings."""

import asyncio
import logging
import threading
from contextvars import copy_context
from typing import Any, cast

import pytest

from cachekit import Cache, CacheClosedError, InvalidationError, Key
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


def cancelling(store: SlowStore) -> None:
    """As a client does whose own task was cancelled."""
    store.error = cast("Any", asyncio.CancelledError())


async def test_a_cancel_inside_the_backend_is_no_cancel_of_the_caller(
    slow: Cache, store: SlowStore
) -> None:
    await slow.set("k", "old")
    cancelling(store)
    assert await slow.get("k", "nothing") == "nothing"
    assert await slow.get_or_set("k", Load().finish()) == "value 1"
    for work in (slow.delete("k"), slow.clear(), slow.set("k", 1)):
        with pytest.raises(InvalidationError, match="cancelled"):
            await work
    assert not await slow.add("other", 1)


async def test_a_load_that_nobody_waits_for_is_not_renewed(
    caches: Caches, store: SlowStore
) -> None:
    """R2: a loader that swallows its cancel holds no other process up."""
    ours, theirs = caches(store), caches(caches.slow())
    release = asyncio.Event()

    async def stubborn() -> str:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    leader = start(ours.get_or_set("k", stubborn))
    await ticks()
    leader.cancel()
    begun = asyncio.get_running_loop().time()
    assert await theirs.get_or_set("k", lambda: "theirs") == "theirs"
    assert asyncio.get_running_loop().time() - begun < 3.0
    release.set()
    await asyncio.sleep(1)
    assert await theirs.get("k") == "theirs"


async def test_a_backend_that_hangs_while_it_closes(slow: Cache, store: SlowStore) -> None:
    await slow.open()

    async def hang() -> None:
        await asyncio.Event().wait()

    store.close = hang  # type: ignore[method-assign]
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await slow.close()
    assert asyncio.get_running_loop().time() - begun < 10


async def test_an_invalidation_begun_while_closing_is_done_or_an_error(
    slow: Cache, store: SlowStore
) -> None:
    await slow.set_many({"a": 1, "b": 2})
    store.delay = 0.1
    first = start(slow.delete("a"))
    await asyncio.sleep(0.05)
    closing = start(slow.close())
    await asyncio.sleep(0.02)
    second = start(slow.delete("b"))
    results = await ends(first, closing, second)
    assert results[:2] == [None, None]
    left = store.shelf.keys(Kind.VALUE)
    assert left == [] or isinstance(results[2], (InvalidationError, CacheClosedError))


async def test_an_unacknowledged_invalidation_whose_caller_left_is_logged(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """R10: nobody else would hear of it."""
    await slow.open()
    for _ in range(2):
        store.hang()
        caller = start(slow.delete("k"))
        await ticks()
        caller.cancel()
        with caplog.at_level(logging.ERROR, "cachekit"):
            await asyncio.sleep(1)
        assert "Key('k')" in caplog.text
        caplog.clear()
        store.resume()
        await asyncio.sleep(2)  # until it is asked again


async def test_a_block_gathers_to_its_very_end(cache: Cache) -> None:
    """R11: what another thread invalidates as the block ends is forgotten, then or at once."""
    for number in range(200):
        await cache.set(f"k{number}", 1)
        go = threading.Event()
        async with cache.deferred():
            context = copy_context()

            def invalidate(key: str = f"k{number}", go: threading.Event = go) -> None:
                go.wait(10)
                cache.sync.invalidate(Key(key))

            thread = threading.Thread(target=context.run, args=(invalidate,))
            thread.start()
            go.set()
        thread.join(10)
        assert not await cache.exists(f"k{number}")
