"""R5, `stale_while_revalidate`: who asks for what is stale has it at once; one load renews it."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from cachekit import MISSING, Cache, Key, Tag
from cachekit.policy import PASS
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, leftovers, start, ticks, time
from tests.core.slow_store import SlowStore
from tests.core.threads import Gate, Threads, until

pytestmark = pytest.mark.virtual

WINDOW = 60.0

Forget = Callable[[Cache], Awaitable[Any]]

FORGETTING: dict[str, Forget] = {
    "delete": lambda cache: cache.delete("k"),
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "clear": lambda cache: cache.clear(),
}


def ask(cache: Cache, load: Load, **options: Any) -> "asyncio.Task[str]":
    return start(
        cache.get_or_set(
            "k", load, tags=["t"], **{"ttl": TTL, "stale_while_revalidate": WINDOW, **options}
        )
    )


async def stale(cache: Cache, **options: Any) -> None:
    await aged(cache, tags=["t"], stale_while_revalidate=WINDOW, **options)


def down() -> ConnectionError:
    return ConnectionError("the database is down")


# -- one refresh, and nobody waits


async def test_a_hundred_callers_start_one_refresh_and_none_waits(either: Cache) -> None:
    await stale(either)
    load, before = Load(), time()
    callers = [ask(either, load) for _ in range(100)]
    assert await ends(*callers) == ["old"] * 100
    await ticks()
    assert (time(), load.calls) == (before, 1)
    load.finish()
    await ticks()
    assert await ask(either, Load()) == "value 1"
    stats = either.stats()
    assert (stats.refreshes, stats.stale, stats.fills, load.calls) == (1, 100, 1, 1)


async def test_who_started_it_may_go(either: Cache) -> None:
    """Its fate is not the refresh's: nobody is cancelled with it."""
    await stale(either)
    load = Load()

    async def leave() -> None:
        async with asyncio.timeout(0.1):
            assert await ask(either, load) == "old"
            await asyncio.sleep(1)

    with pytest.raises(TimeoutError):
        await leave()
    others = [ask(either, Load("too many {}".format)) for _ in range(10)]
    assert await ends(*others) == ["old"] * 10
    load.finish()
    await ticks()
    assert (load.calls, load.cancelled) == (1, 0)
    assert await either.get("k") == "value 1"


async def test_the_new_value_has_windows_of_its_own(either: Cache) -> None:
    """In the store, too: they are in its bytes."""
    await stale(either)
    assert await ask(either, Load().finish()) == "old"
    await asyncio.sleep(TTL + WINDOW - 1)
    assert await either.get("k") == "value 1"
    await asyncio.sleep(2)
    assert await either.get("k") is None


async def test_past_the_window_it_is_a_miss(either: Cache) -> None:
    await stale(either)
    await asyncio.sleep(WINDOW)
    assert await either.get("k") is None
    assert await ask(either, Load().finish()) == "value 1"
    assert either.stats().stale == 0


async def test_what_only_looks_serves_stale_and_refreshes_nothing(
    slow: Cache, store: SlowStore
) -> None:
    await stale(slow)
    before = len(store.writes)
    assert await slow.get("k") == "old"
    assert await slow.exists("k")
    assert await slow.get_many(["k"]) == {"k": "old"}
    assert not await slow.add("k", "new")
    await ticks()
    assert len(store.writes) == before


async def test_what_only_looks_does_not_serve_what_stale_if_error_keeps(either: Cache) -> None:
    await aged(either, stale_if_error=WINDOW)
    assert await either.get("k") is None
    assert await either.get_many(["k"]) == {}
    assert not await either.exists("k")
    assert await either.add("k", "new")
    assert await either.get("k") == "new"


async def test_a_decorated_function(either: Cache) -> None:
    load = Load().finish()

    @either.cached(key="k", ttl=TTL, stale_while_revalidate=WINDOW)
    async def function() -> str:
        value: str = await load()
        return value

    assert await function() == "value 1"
    await asyncio.sleep(TTL)
    assert [await function(), await function.get()] == ["value 1"] * 2
    await ticks()
    assert [await function() for _ in range(3)] == ["value 2"] * 3
    assert (function.info.loads, function.info.misses) == (2, 1)
    await asyncio.sleep(TTL + WINDOW)
    assert await function.get() is MISSING


async def test_in_a_deferred_block_nothing_is_refreshed(either: Cache) -> None:
    """R11: what is loaded there may be uncommitted."""
    await stale(either)
    load = Load().finish()
    async with either.deferred():
        assert await ask(either, load) == "old"
    await ticks()
    assert (load.calls, either.stats().refreshes) == (0, 0)


# -- a refresh that fails


async def test_one_attempt_a_second_and_one_line(
    either: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """R3, R5: it leaves a pass under the claim: serve the old value, try nothing."""
    await stale(either)
    load = Load().fail(down())
    with caplog.at_level(logging.WARNING, "cachekit"):
        for _ in range(50):
            assert await ask(either, load) == "old"
            await asyncio.sleep(0.1)
    assert 4 <= load.calls <= 5
    assert len(caplog.records) == 1
    assert "refreshing" in caplog.text
    await asyncio.sleep(PASS)
    assert await ask(either, Load().finish()) == "old"
    await ticks()
    assert await either.get("k") == "value 1"


async def test_one_attempt_a_second_in_all_processes(fleet: list[Cache]) -> None:
    await stale(fleet[0])
    load = Load().fail(down())
    for _ in range(50):
        callers = [ask(cache, load) for cache in fleet]
        assert await ends(*callers) == ["old"] * 3
        await asyncio.sleep(0.1)
    assert 4 <= load.calls <= 3 * 5


async def test_a_refresh_that_hangs_ends_with_its_timeout(either: Cache) -> None:
    await stale(either)
    load = Load()
    assert await ask(either, load, load_timeout=5) == "old"
    await asyncio.sleep(4.9)
    assert load.running == 1
    await asyncio.sleep(0.2)
    assert (load.running, load.cancelled) == (0, 1)
    assert await ask(either, Load()) == "old"


# -- what happens during a refresh


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
async def test_what_is_forgotten_meanwhile_comes_back_in_no_way(
    either: Cache, forget: Forget
) -> None:
    """R1, R5: neither the refresh's value, which began before, nor the old one."""
    await stale(either)
    load = Load()
    assert await ask(either, load) == "old"
    await load.begun.wait()
    await forget(either)
    assert await either.get("k") is None
    later = ask(either, Load("new {}".format).finish())
    assert await later == "new 1"
    load.finish()
    await ticks()
    assert await either.get("k") == "new 1"


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
async def test_also_by_another_process_and_with_nobody_who_asks(
    fleet: list[Cache], forget: Forget
) -> None:
    await stale(fleet[0])
    load = Load()
    assert await ask(fleet[0], load) == "old"
    await load.begun.wait()
    await forget(fleet[1])
    load.finish()
    await ticks()
    assert [await cache.get("k") for cache in fleet] == [None] * 3


async def test_what_is_set_meanwhile_stays(either: Cache) -> None:
    await stale(either)
    load = Load()
    assert await ask(either, load) == "old"
    await load.begun.wait()
    await either.set("k", "set", tags=["t"])
    load.finish()
    await ticks()
    assert await ask(either, Load()) == "set"
    assert either.stats().refused_fills == 1


# -- callers that block


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_those_who_block_have_it_refreshed_in_a_thread_of_its_own(
    frozen: Caches, fake_clock: FakeClock, threads: Threads, kind: str
) -> None:
    cache = frozen(frozen.slow() if kind == "slow" else None)
    gate = Gate()

    @cache.cached(key="k", ttl=TTL, stale_while_revalidate=WINDOW)
    def function() -> str:
        return gate()

    function.set("old")
    fake_clock.advance(TTL)
    assert threads.race(20, lambda _: function()) == ["old"] * 20
    gate.begun.wait(10)
    assert [thread.name for thread in gate.threads] == ["cachekit"]
    gate.finish()
    until(lambda: function() == "value 1")
    assert gate.calls == 1


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_a_refresh_of_theirs_that_fails(frozen: Caches, fake_clock: FakeClock, kind: str) -> None:
    cache, gate = frozen(frozen.slow() if kind == "slow" else None), Gate().fail(down())
    cache.sync.set("k", "old", ttl=TTL, stale_while_revalidate=WINDOW)
    fake_clock.advance(TTL)
    for calls in (1, 2):
        for _ in range(5):
            assert cache.sync.get_or_set("k", gate, stale_while_revalidate=WINDOW) == "old"
            until(lambda: not leftovers([cache], []))
        assert gate.calls == calls
        fake_clock.advance(PASS)


async def test_a_thread_and_a_task_start_one_refresh(caches: Caches, threads: Threads) -> None:
    cache, load = caches(), Load()
    await stale(cache)
    assert await ask(cache, load) == "old"
    await load.begun.wait()
    options: Any = {"tags": ["t"], "stale_while_revalidate": WINDOW}
    work = partial(cache.sync.get_or_set, "k", Gate(), **options)
    assert [threads.run(work).result(10) for _ in range(3)] == ["old"] * 3
    load.finish()
    await ticks()
    assert threads.run(work).result(10) == "value 1"
    assert cache.stats().refreshes == 1


def test_where_there_are_no_more_threads_who_asks_refreshes(
    frozen: Caches, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, gate = frozen(), Gate().finish()
    cache.sync.set("k", "old", ttl=TTL, stale_while_revalidate=WINDOW)
    fake_clock.advance(TTL)

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert cache.sync.get_or_set("k", gate, stale_while_revalidate=WINDOW) == "old"
    assert cache.sync.get("k") == "value 1"
