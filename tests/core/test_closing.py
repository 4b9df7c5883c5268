"""Closing: every wait ends, what forgets is finished, and nothing is left."""

import asyncio

import pytest

from cachekit import Cache, CacheClosedError, Key, Prefix
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, stubs, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@pytest.mark.parametrize("begun", range(12))
@pytest.mark.parametrize("kind", ["memory", "slow"])
async def test_closing_ends_a_load_at_any_moment(caches: Caches, kind: str, begun: int) -> None:
    store = caches.slow() if kind == "slow" else caches.memory()
    cache, load = caches(store), Load()
    await cache.open()
    callers = [start(cache.get_or_set("k", load)) for _ in range(3)]
    await ticks(begun)
    await cache.close()
    assert set(map(type, await ends(*callers))) == {CacheClosedError}
    assert load.running == 0
    assert stubs(store) == []


async def test_closing_waits_for_an_invalidation_whose_caller_has_left(
    slow: Cache, store: SlowStore
) -> None:
    await slow.set_many({"a": 1, "b": 2})
    store.delay = 0.1
    caller = start(slow.invalidate(Key("a"), Prefix("b")))
    await asyncio.sleep(0.05)
    caller.cancel()
    await slow.close()
    async with slow:
        assert await slow.get_many(["a", "b"]) == {}


async def test_closing_twice_is_closing_once(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    await asyncio.gather(slow.close(), slow.close())
    await slow.close()
    assert store.closed == 1


async def test_a_backend_that_does_not_close_says_so(slow: Cache, store: SlowStore) -> None:
    async def close() -> None:
        raise ConnectionError("lost")

    await slow.open()
    store.close = close  # type: ignore[method-assign]
    with pytest.raises(ConnectionError, match="lost"):
        await slow.close()
    with pytest.raises(CacheClosedError):
        await slow.get("k")
