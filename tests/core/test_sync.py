"""`cache.sync`: the same cache for those who block, in memory and on a store that does I/O."""

import asyncio
import threading
from typing import Any

import pytest

from cachekit import MISSING, Cache, InvalidationError, Key, Prefix, Tag
from cachekit.clock import SYSTEM
from tests.core.conftest import Caches
from tests.core.helpers import PickleSerializer
from tests.core.slow_store import Shelf, SlowStore
from tests.core.threads import Threads, loop_threads, until, until_so


@pytest.fixture(params=["memory", "slow"])
def cache(request: pytest.FixtureRequest, blocking: Caches) -> Cache:
    """A cache that no event loop has opened."""
    return blocking(blocking.slow() if request.param == "slow" else None)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore(Shelf(SYSTEM))


# -- every method


def test_get_tells_a_cached_none_from_nothing(cache: Cache) -> None:
    assert cache.sync.get("k") is None
    assert cache.sync.get("k", "default") == "default"
    assert cache.sync.get("k", MISSING) is MISSING
    cache.sync.set("k", None)
    assert cache.sync.get("k", MISSING) is None


def test_many_at_once(cache: Cache) -> None:
    cache.sync.set_many({"a": 1, "b": 2, "c": 3}, tags=["t"], ttl=60)
    assert cache.sync.get_many(["a", "b", "x"]) == {"a": 1, "b": 2}
    assert cache.sync.get_many([]) == {}
    cache.sync.delete_many(["a", "x"])
    assert cache.sync.get_many(["a", "b", "c"]) == {"b": 2, "c": 3}
    cache.sync.invalidate(Tag("t"))
    assert cache.sync.get_many(["a", "b", "c"]) == {}


def test_exists_and_add(cache: Cache) -> None:
    assert not cache.sync.exists("k")
    assert cache.sync.add("k", 1, tags=["t"])
    assert not cache.sync.add("k", 2)
    assert cache.sync.exists("k")
    assert cache.sync.get("k") == 1
    cache.sync.invalidate(Tag("t"))
    assert cache.sync.add("k", 3)
    assert cache.sync.get("k") == 3


def test_get_or_set_loads_once(cache: Cache) -> None:
    values = iter("ab")
    assert cache.sync.get_or_set("k", lambda: next(values), ttl=60, tags=["t"]) == "a"
    assert cache.sync.get_or_set("k", lambda: next(values), tags=["t"]) == "a"
    cache.sync.invalidate(Tag("t"))
    assert cache.sync.get_or_set("k", lambda: next(values), tags=["t"]) == "b"


def test_a_loader_that_raises(cache: Cache) -> None:
    def load() -> int:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        cache.sync.get_or_set("k", load)
    assert cache.sync.get_or_set("k", lambda: 1) == 1


def test_each_way_to_forget(cache: Cache) -> None:
    for forget in (Key("k:1"), Tag("t"), Prefix("k:")):
        cache.sync.set("k:1", 1, tags=["t"])
        cache.sync.invalidate(forget)
        assert cache.sync.get("k:1") is None
    cache.sync.set("k:1", 1)
    cache.sync.delete("k:1")
    assert cache.sync.get("k:1") is None
    cache.sync.set("k:1", 1)
    cache.sync.clear()
    assert cache.sync.get("k:1") is None


def test_emit_forgets_what_the_invalidators_name(cache: Cache) -> None:
    @cache.on(int)
    def changed(number: int) -> Key:
        return Key(f"k:{number}")

    cache.sync.set_many({"k:1": 1, "k:2": 2})
    assert cache.sync.emit(1) == (Key("k:1"),)
    assert cache.sync.emit("something else") == ()
    assert cache.sync.get_many(["k:1", "k:2"]) == {"k:2": 2}


def test_deferred_gathers_what_forgets(cache: Cache) -> None:
    cache.sync.set_many({"a": 1, "b": 2, "c": 3}, tags=["t"])
    with cache.sync.deferred():
        cache.sync.delete("a")
        cache.sync.set("b", "uncommitted")
        assert cache.sync.get_many(["a", "b", "c"]) == {"c": 3}
        assert cache.sync.get_or_set("a", lambda: "uncommitted") == "uncommitted"
        assert not cache.sync.exists("a")
        assert not cache.sync.add("d", "uncommitted")
    assert cache.sync.get_many(["a", "b", "c", "d"]) == {"c": 3}


def test_deferred_forgets_after_an_error_too_and_hands_it_on(cache: Cache) -> None:
    cache.sync.set("a", 1)

    def transaction() -> None:
        with cache.sync.deferred():
            cache.sync.delete("a")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        transaction()
    assert cache.sync.get("a") is None


def test_deferred_waits_only_in_the_thread_it_is_in(cache: Cache, threads: Threads) -> None:
    cache.sync.set("a", 1)
    with cache.sync.deferred():
        cache.sync.delete("a")
        assert threads.run(lambda: cache.sync.get("a")).result(10) == 1
        threads.run(lambda: cache.sync.delete("a")).result(10)
        assert threads.run(lambda: cache.sync.get("a")).result(10) is None


def test_an_inner_deferred_block_is_part_of_the_outer_one(cache: Cache) -> None:
    cache.sync.set("a", 1)
    with cache.sync.deferred():
        with cache.sync.deferred():
            cache.sync.delete("a")
        assert cache.stats().invalidations == 0
    assert cache.stats().invalidations == 1


def test_a_value_is_its_callers_own(cache: Cache) -> None:
    cache.sync.set("k", {"a": [1]})
    cache.sync.get("k")["a"].append(2)
    assert cache.sync.get("k") == {"a": [1]}


def test_a_decorated_def(cache: Cache) -> None:
    calls: list[int] = []

    @cache.cached(key="double:{n}", tags=["doubles"])
    def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    assert (double(2), double(2), double.get(2), double.get(3)) == (4, 4, 4, MISSING)
    double.set(5, 2)
    assert double(2) == 5
    double.invalidate(2)
    assert (double(2), double.refresh(2)) == (4, 4)
    cache.sync.invalidate(Tag("doubles"))
    assert double.get(2) is MISSING
    assert calls == [2, 2, 2]


# -- opening and closing


def test_with_opens_and_closes(store: SlowStore) -> None:
    with Cache(store, namespace="test", serializer=PickleSerializer()).sync as cache:
        assert store.opened == 1
        cache.set("k", 1)
        assert [thread.daemon for thread in loop_threads()] == [True]
    assert store.closed == 1
    assert loop_threads() == []


def test_it_opens_by_itself_in_a_thread_of_its_own(store: SlowStore, blocking: Caches) -> None:
    cache = blocking(store)
    assert loop_threads() == []
    assert cache.sync.get("k") is None
    assert len(loop_threads()) == 1
    cache.sync.close()
    assert loop_threads() == []


def test_it_opens_again_after_it_was_closed(cache: Cache) -> None:
    cache.sync.set("k", 1)
    cache.sync.close()
    cache.sync.close()
    cache.sync.open()
    cache.sync.set("k", 2)
    assert cache.sync.get("k") == 2


def test_many_threads_open_it_once(store: SlowStore, blocking: Caches, threads: Threads) -> None:
    cache = blocking(store, deadline=5)
    threads.race(20, lambda n: cache.sync.get(f"k{n}"))
    assert store.opened == 1
    assert len(loop_threads()) == 1


def test_a_backend_that_does_not_open(store: SlowStore, blocking: Caches) -> None:
    cache = blocking(store)
    store.open_error = ConnectionError("refused")
    with pytest.raises(ConnectionError, match="refused"):
        cache.sync.open()
    assert loop_threads() == []
    assert cache.sync.get_or_set("k", lambda: 1) == 1
    with pytest.raises(InvalidationError, match="refused"):
        cache.sync.delete("k")
    for target in (Tag("t"), Prefix("k")):
        with pytest.raises(InvalidationError, match="refused"):
            cache.sync.invalidate(target)
    store.open_error = None
    assert cache.sync.get_or_set("k", lambda: 2) == 2
    assert cache.sync.get("k") == 2


def test_caches_that_share_a_backend_share_its_thread(store: SlowStore, blocking: Caches) -> None:
    first, second = blocking(store), blocking(store)
    first.sync.set("k", 1)
    assert second.sync.get("k") == 1
    assert (store.opened, len(loop_threads())) == (1, 1)
    first.sync.close()
    assert (store.closed, len(loop_threads())) == (0, 1)
    assert second.sync.get("k") == 1
    second.sync.close()
    assert (store.closed, len(loop_threads())) == (1, 0)


async def test_blocking_calls_use_the_loop_that_opened_the_backend(caches: Caches) -> None:
    cache = caches(caches.slow())
    await cache.set("k", 1)
    assert await asyncio.to_thread(cache.sync.get, "k") == 1
    await asyncio.to_thread(cache.sync.set, "k", 2)
    assert await cache.get("k") == 2
    assert loop_threads() == []


async def test_who_awaits_uses_the_thread_that_opened_the_backend(caches: Caches) -> None:
    cache = caches(caches.slow())
    await asyncio.to_thread(cache.sync.set, "k", 1)
    assert len(loop_threads()) == 1
    assert await cache.get("k") == 1
    await cache.set("k", 2)
    assert await asyncio.to_thread(cache.sync.get, "k") == 2
    await cache.close()
    assert loop_threads() == []


async def test_a_thread_may_close_what_a_loop_opened(caches: Caches) -> None:
    store = caches.slow()
    cache = caches(store)
    await cache.set("k", 1)
    await asyncio.to_thread(cache.sync.close)
    assert store.closed == 1


def test_a_loop_that_ended_is_left_for_a_thread(store: SlowStore, blocking: Caches) -> None:
    cache = blocking(store)
    asyncio.run(cache.set("k", 1))
    assert cache.sync.get("k") == 1
    assert len(loop_threads()) == 1


def test_closing_after_the_loop_ended_leaves_nothing(store: SlowStore, blocking: Caches) -> None:
    cache = blocking(store)
    asyncio.run(cache.set("k", 1))
    cache.sync.close()
    assert loop_threads() == []
    assert asyncio.run(cache_again(cache)) == 1


async def cache_again(cache: Cache) -> Any:
    async with cache:
        return await cache.get("k")


# -- a backend that fails


def test_reads_do_without_a_backend_that_fails(blocking: Caches) -> None:
    store = blocking.slow()
    cache = blocking(store)
    cache.sync.set("k", 1)
    store.error = ConnectionError("down")
    assert cache.sync.get("k", "nothing") == "nothing"
    assert cache.sync.get_or_set("k", lambda: 2) == 2
    assert not cache.sync.exists("k")
    assert not cache.sync.add("k", 3)
    store.error = None
    assert cache.sync.get("k") == 1


def test_what_forgets_says_what_was_not_reached(blocking: Caches) -> None:
    store = blocking.slow()
    cache = blocking(store)
    cache.sync.set("k", 1)
    store.error = ConnectionError("down")
    with pytest.raises(InvalidationError, match=r"Key\('k'\).*down") as raised:
        cache.sync.delete("k")
    assert raised.value.unreached == ("Key('k')",)
    with pytest.raises(InvalidationError, match="down"):
        cache.sync.set("k", 2)


def test_a_backend_that_hangs_costs_one_deadline(blocking: Caches) -> None:
    store = blocking.slow()
    cache = blocking(store, deadline=0.02)
    cache.sync.open()
    store.hang()
    assert cache.sync.get_or_set("k", lambda: 1) == 1
    with pytest.raises(InvalidationError, match="no answer within"):
        cache.sync.delete("k")


def test_a_long_load_keeps_its_stub(
    blocking: Caches, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachekit.loader.LEASE", 0.03)
    store, gate = blocking.slow(), threading.Event()
    cache = blocking(store, deadline=5)

    def load() -> int:
        assert gate.wait(10)
        return 1

    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    until(lambda: cache.stats().renewals >= 5)
    gate.set()
    assert leader.result(10) == 1
    assert cache.sync.get("k") == 1


async def test_blocking_reads_travel_with_those_who_await(caches: Caches) -> None:
    store = caches.slow()
    cache = caches(store, deadline=5)
    await cache.open()
    store.hang()
    tasks = [asyncio.create_task(cache.get(key)) for key in "ab"]
    await until_so(lambda: len(store.reads) == 1)
    threads = [asyncio.create_task(asyncio.to_thread(cache.sync.get, key)) for key in "cd"]
    store.resume()
    assert await asyncio.gather(*tasks, *threads) == [None] * 4
    assert len(store.reads) <= 3


def test_a_cache_in_memory_belongs_to_no_loop(blocking: Caches) -> None:
    cache = blocking()
    assert asyncio.run(cache.get_or_set("k", lambda: 1)) == 1
    assert asyncio.run(cache.get_or_set("k", lambda: 2)) == 1
    assert asyncio.run(cache.get_or_set("j", lambda: 2)) == 2
    assert cache.sync.get_or_set("i", lambda: 3) == 3
