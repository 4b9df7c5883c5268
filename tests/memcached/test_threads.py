"""Blocking callers in threads, on one server and on three."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from cachekit import Cache, InvalidationError, Key, Tag
from tests.core.threads import Gate, Register, Threads, loop_threads, until
from tests.memcached.place import PATIENCE, Place
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.calls import guarded

MANY: Final = 24
ROUNDS: Final = 30


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Starts threads; after the test each must have ended."""
    threads = Threads()
    yield threads
    assert threads.left() == []


@pytest.fixture
def cache(place: Place) -> Iterator[Cache]:
    """Without an event loop but its own, of which nothing is left."""
    cache = Cache(guarded(place.backend()), namespace="x", deadline=PATIENCE)
    yield cache
    cache.sync.close()
    assert loop_threads() == []


def test_many_threads_on_a_cold_key_make_one_load(cache: Cache, threads: Threads) -> None:
    load = Gate().finish()
    values = threads.race(MANY, lambda _: cache.sync.get_or_set("k", load, tags=["t"]))
    assert set(values) == {"value 1"}
    assert load.calls == 1


def test_a_plain_function(cache: Cache, threads: Threads) -> None:
    """One load for all threads, in one of them; and what forgets does so for all."""
    load = Gate().finish()

    @cache.cached(key="of:{n}", tags=["t"])
    def function(n: int) -> str:
        return load()

    assert set(threads.race(MANY, lambda _: function(1))) == {"value 1"}
    assert load.calls == 1
    sync = cache.sync
    ways = [lambda: function.invalidate(1), lambda: sync.invalidate(Tag("t")), sync.clear]
    for number, forget in enumerate([*ways, function.clear], start=2):
        forget()
        assert set(threads.race(3, lambda _: function(1))) == {f"value {number}"}
    function.set("set", 1)
    assert function.get(1) == function(1) == "set"


def test_each_thread_has_its_own_answers(cache: Cache, threads: Threads) -> None:
    def work(number: int) -> None:
        for turn in range(ROUNDS):
            key, value = f"k{number}:{turn}", [number, turn]
            cache.sync.set(key, value, tags=[f"t{number}"])
            assert cache.sync.get(key) == value
            assert cache.sync.get_many([key, "none"]) == {key: value}
            assert not cache.sync.add(key, 0)
            cache.sync.delete(key) if turn % 2 else cache.sync.invalidate(Tag(f"t{number}"))
            assert cache.sync.get(key) is None

    threads.race(6, work)


@pytest.mark.parametrize("rounds", [200, pytest.param(3000, marks=pytest.mark.long)])
def test_no_thread_reads_what_was_forgotten_before(
    cache: Cache, threads: Threads, rounds: int
) -> None:
    register, targets = Register(cache), (Key("k"), Tag("t"))

    def work(number: int) -> None:
        for turn in range(rounds):
            register.change(targets[turn % 2]) if (turn + number) % 4 == 0 else register.read()

    threads.race(6, work, patience=100)
    register.read()
    assert cache.stats().hits > 0


async def test_those_beside_an_event_loop_share_its_loads(place: Place) -> None:
    """Whose cache it is, and who awaits there."""
    load = Gate()
    async with Cache(place.backend(), namespace="x", deadline=PATIENCE) as cache:
        blocking = [asyncio.create_task(asyncio.to_thread(cache.sync.get_or_set, "k", load))]
        await asyncio.to_thread(load.begun.wait, PATIENCE)
        awaiting = [asyncio.create_task(cache.get_or_set("k", load)) for _ in range(3)]
        await asyncio.sleep(0)
        load.finish()
        assert await asyncio.gather(*blocking, *awaiting) == ["value 1"] * 4
        assert await asyncio.to_thread(cache.sync.get, "k") == "value 1"


def test_a_server_that_was_killed_and_comes_back(start: Starter, threads: Threads) -> None:
    """Meanwhile each has what its loader returns, and what forgets raises."""
    server = start(MemcachedServer())
    cache = Cache(guarded(Place([server], "ck:").backend()), namespace="x", deadline=PATIENCE)

    def forget(number: int) -> bool:
        try:
            cache.sync.delete(f"k{number}")
        except InvalidationError:
            return True
        return False

    cache.sync.set_many({f"k{number}": "old" for number in range(6)})
    server.kill()
    assert threads.race(6, forget) == [True] * 6
    loaded = threads.race(6, lambda number: cache.sync.get_or_set(f"k{number}", lambda: "loaded"))
    assert loaded == ["loaded"] * 6
    server.start()
    until(lambda: not any(node.is_open or node.journaled for node in cache.stats().nodes))
    assert threads.race(6, lambda number: cache.sync.get(f"k{number}")) == [None] * 6
    cache.sync.set("k1", "new")
    assert cache.sync.get("k1") == "new"
    cache.sync.close()
    assert loop_threads() == []
