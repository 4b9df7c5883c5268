"""R5: what befalls a refresh is not the old value's fate, nor that of who asks next."""

import asyncio
import gc
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cachekit import Cache
from cachekit.policy import LEASE, PASS
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, leftovers, start, ticks
from tests.core.slow_store import SlowStore
from tests.core.threads import Gate, Threads, until, until_so

pytestmark = pytest.mark.virtual

WINDOW = 3600.0
SERVING: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": WINDOW}
WAITING: dict[str, Any] = {"ttl": TTL, "stale_if_error": WINDOW}

GIVEN_UP = 100.0
"""Seconds after which a load has had all its time."""


def ask(cache: Cache, load: Any, **options: Any) -> "asyncio.Task[Any]":
    return start(cache.get_or_set("k", load, **options))


def down() -> ConnectionError:
    return ConnectionError("the database is down")


def of_kind(kind: str, caches: Caches) -> Cache:
    return caches(caches.slow() if kind == "slow" else None)


both_kinds = pytest.mark.parametrize("kind", ["memory", "slow"])


# -- one that never ends


async def test_one_that_is_cancelled_before_it_begins_is_begun_anew(either: Cache) -> None:
    """As a loop does that ends."""
    await aged(either, **SERVING)
    load = Load().finish()
    assert await either.get_or_set("k", load, **SERVING) == "old"
    (flight,) = either._engine.rides.flights.all()
    assert flight.task is not None
    flight.task.cancel()
    await asyncio.sleep(PASS)
    assert load.calls == 0
    assert await ask(either, load, **SERVING) == "old"
    await ticks()
    assert await either.get("k") == "value 1"


@both_kinds
def test_one_whose_loop_was_closed_under_it_is_begun_anew(
    kind: str, frozen: Caches, fake_clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    cache, calls = of_kind(kind, frozen), 0
    cache.sync.set("k", "old", **SERVING)
    fake_clock.advance(TTL)

    async def load() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        return f"value {calls}"

    async def use(until: Callable[[], Any]) -> Any:
        value = await cache.get_or_set("k", load, **SERVING)
        await until_so(until)
        return value

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(use(lambda: calls)) == "old"
    loop.close()
    fake_clock.advance(PASS + LEASE)  # its claim in a store ends by itself
    landed = partial(use, lambda: not leftovers([cache], []))
    assert [asyncio.run(landed()) for _ in range(2)] == ["old", "value 2"]
    gc.collect()
    assert not [record for record in caplog.records if record.name == "cachekit"]


@both_kinds
def test_a_blocking_one_that_hangs_is_given_up_at_its_deadline(
    kind: str, frozen: Caches, fake_clock: FakeClock
) -> None:
    """Nobody waits for it who could notice."""
    cache, gate = of_kind(kind, frozen), Gate()
    cache.sync.set("k", "old", **SERVING)
    fake_clock.advance(TTL)
    assert cache.sync.get_or_set("k", gate, **SERVING) == "old"
    assert gate.begun.wait(10)
    fake_clock.advance(GIVEN_UP)
    assert cache.sync.get_or_set("k", gate, **SERVING) == "old"
    until(lambda: gate.calls == 2)
    gate.finish()
    until(lambda: not leftovers([cache], []))
    assert cache.sync.get("k") == "value 2"


@both_kinds
def test_who_comes_past_the_deadline_of_a_load_that_hangs_shares_none_of_it(
    kind: str, frozen: Caches, fake_clock: FakeClock, threads: Threads
) -> None:
    cache, gate = of_kind(kind, frozen), Gate()
    cache.sync.set("k", "old", **WAITING)
    fake_clock.advance(TTL)
    hanging = threads.run(lambda: cache.sync.get_or_set("k", gate, **WAITING))
    assert gate.begun.wait(10)
    fake_clock.advance(GIVEN_UP)
    assert cache.sync.get_or_set("k", lambda: "own", **WAITING) == "own"
    gate.finish()
    assert hanging.result(10) == "value 1"  # who led it has what it waited for
    assert cache.sync.get("k") == "own"


# -- one that fails


async def test_an_old_value_outlives_a_refresh_that_fails_after_its_leader_left(
    either: Cache,
) -> None:
    """A function that ignores an argument is loaded by its callers, whom the others follow."""
    load = Load("old".format)

    @either.cached(key="k", ignore=["db"], **WAITING)
    async def function(db: object = None) -> str:
        return str(await load())

    load.finish()
    assert await function() == "old"
    await asyncio.sleep(TTL)
    load = Load()
    leader = start(function())
    await load.begun.wait()
    other = start(function())
    await ticks()
    leader.cancel()
    await ends(leader)
    load.fail(down())
    assert await other == "old"
    assert await function() == "old"
    assert load.calls == 2  # who stayed tried with an argument of its own


@pytest.mark.parametrize("option", ["ttl", "when"])
async def test_a_function_of_the_value_that_raises_behind_is_counted_and_logged(
    either: Cache, caplog: pytest.LogCaptureFixture, option: str
) -> None:
    def judge(value: str) -> Any:
        raise KeyError("no such field")

    await aged(either, **SERVING)
    load = Load().finish()
    with caplog.at_level(logging.WARNING, "cachekit"):
        for _ in range(3):
            assert await ask(either, load, **{**SERVING, option: judge}) == "old"
            await asyncio.sleep(PASS + 0.1)
    assert (load.calls, either.stats().load_errors) == (3, 3)
    (line,) = [record for record in caplog.records if "in the background" in record.message]
    assert "no such field" in str(line.exc_info)


class Moved:
    """A value whose class cannot be found any longer, from `moved` on."""

    moved = False

    def __setstate__(self, state: object) -> None:
        if Moved.moved:
            raise AttributeError("no such class")

    def __getstate__(self) -> object:
        return {"is": "not empty"}


async def test_an_old_value_that_cannot_be_read_is_no_refuge(
    slow: Cache, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes, and the load's error is its callers'; nobody looks at it again and again."""
    await slow.set("k", Moved(), **WAITING)
    await asyncio.sleep(TTL)
    monkeypatch.setattr(Moved, "moved", True)
    load, before = Load(), store.operations
    callers = [ask(slow, load, **WAITING) for _ in range(3)]
    await load.begun.wait()
    load.fail(down())
    assert [type(end) for end in await ends(*callers)] == [ConnectionError] * 3
    await ticks()
    assert load.calls == 1
    assert store.operations - before < 10
    assert not store.shelf.entry("v:test:k")


def test_nor_is_it_for_those_who_block(
    frozen: Caches, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, gate = of_kind("slow", frozen), Gate().fail(down())
    cache.sync.set("k", Moved(), **WAITING)
    fake_clock.advance(TTL)
    monkeypatch.setattr(Moved, "moved", True)
    for calls in (1, 2):
        with pytest.raises(ConnectionError):
            cache.sync.get_or_set("k", gate, **WAITING)
        assert gate.calls == calls
