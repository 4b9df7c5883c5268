"""Loads that fail, or take too long (R3)."""

import asyncio
import traceback

import pytest

from cachekit import Cache
from cachekit.entry import Kind
from cachekit.policy import LEASE, PASS
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


def down() -> ConnectionError:
    return ConnectionError("the database is down")


async def failed(cache: Cache) -> None:
    with pytest.raises(ConnectionError):
        await cache.get_or_set("k", Load().fail(down()))


async def test_who_shares_a_load_that_fails_gets_its_error(either: Cache) -> None:
    """R3"""
    load = Load()
    callers = [start(either.get_or_set("k", load)) for _ in range(1000)]
    await load.begun.wait()
    await ticks()
    load.fail(error := down())
    assert await ends(*callers) == [error] * 1000
    assert load.calls == 1
    assert either.stats().load_errors == 1


async def test_a_shared_error_does_not_grow_with_those_who_raise_it(either: Cache) -> None:
    load = Load().fail(error := down())
    await ends(*(start(either.get_or_set("k", load)) for _ in range(100)))
    assert len(traceback.extract_tb(error.__traceback__)) < 20


async def test_after_a_failure_the_others_try_at_once(slow: Cache, store: SlowStore) -> None:
    """R3: it leaves a pass, on which everyone may load."""
    await failed(slow)
    assert store.shelf.keys(Kind.PASS) == ["v:test:k"]
    before = slow.stats().waits
    assert await slow.get_or_set("k", Load().finish()) == "value 1"
    assert slow.stats().waits == before
    assert await slow.get("k") == "value 1"


async def test_a_failure_does_not_outlast_its_pass(slow: Cache, store: SlowStore) -> None:
    """R3"""
    await failed(slow)
    await asyncio.sleep(PASS)
    assert store.shelf.keys(Kind.PASS) == []
    assert await slow.get_or_set("k", Load().finish()) == "value 1"


async def test_another_failure_on_a_pass_leaves_it(slow: Cache, store: SlowStore) -> None:
    """R3: the same pass, so that a load of another process that flies on it may still fill."""
    await failed(slow)
    before = store.shelf.entry("v:test:k")
    await asyncio.sleep(PASS / 2)
    await failed(slow)
    await asyncio.sleep(PASS * 0.75)
    after = store.shelf.entry("v:test:k")
    assert before is not None
    assert after is not None
    assert (after.kind, after.version) == (Kind.PASS, before.version)


async def test_processes_do_not_queue_for_failures(caches: Caches) -> None:
    """R3: 16 processes, loads of 2 s that fail: the slowest waits for two of them."""
    fleet = [caches(caches.slow()) for _ in range(16)]
    loop, calls = asyncio.get_running_loop(), 0

    async def load() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(2.0)
        raise down()

    begun = loop.time()
    results = await ends(*(start(cache.get_or_set("k", load)) for cache in fleet))
    assert [type(result) for result in results] == [ConnectionError] * 16
    assert calls == 16
    assert loop.time() - begun < 4.6


async def test_on_a_pass_there_is_one_flight_for_each_process(caches: Caches) -> None:
    """R3"""
    here, there = caches(caches.slow()), caches(caches.slow())
    await failed(here)
    load = Load()
    callers = [start(cache.get_or_set("k", load)) for cache in [here, there] * 5]
    await asyncio.sleep(0.1)
    assert load.calls == 2
    callers += [start(cache.get_or_set("k", load)) for cache in [here, there] * 5]
    await asyncio.sleep(0.1)
    assert load.calls == 2
    load.finish()
    values = await ends(*callers)
    assert set(values) == {"value 1", "value 2"}


async def test_the_first_success_on_a_pass_fills(caches: Caches) -> None:
    """R3"""
    here, there = caches(caches.slow()), caches(caches.slow())
    await failed(here)
    late, early = Load("late {}".format), Load("early {}".format)
    first = start(here.get_or_set("k", late))
    await late.begun.wait()
    early.finish()
    assert await there.get_or_set("k", early) == "early 1"
    late.finish()
    assert await first == "late 1"
    assert await here.get("k") == "early 1"
    assert here.stats().refused_fills == 1


async def test_a_long_load_on_a_pass_keeps_it(slow: Cache, store: SlowStore) -> None:
    """R3: it is renewed under the load."""
    await failed(slow)
    load = Load()
    caller = start(slow.get_or_set("k", load))
    await asyncio.sleep(10.0)
    assert store.shelf.keys(Kind.PASS) == ["v:test:k"]
    load.finish()
    assert await caller == "value 1"
    assert await slow.get("k") == "value 1"


async def test_a_load_on_a_pass_may_outlast_it(either: Cache) -> None:
    """R3"""
    await failed(either)
    load = Load()
    caller = start(either.get_or_set("k", load))
    await asyncio.sleep(3 * PASS)
    load.finish()
    assert await caller == "value 1"
    assert await either.get("k") == "value 1"


async def test_a_load_that_takes_too_long_fails(caches: Caches, either: Cache) -> None:
    """R2, R3: past the timeout the load has failed, for all who share it."""
    load, loop = Load(), asyncio.get_running_loop()
    begun = loop.time()
    callers = [start(either.get_or_set("k", load)) for _ in range(5)]
    results = await ends(*callers)
    assert [type(result) for result in results] == [TimeoutError] * 5
    assert loop.time() - begun == pytest.approx(30.0, abs=0.1)
    assert (load.calls, load.cancelled) == (1, 1)
    assert either.stats().load_errors == 1
    assert await either.get_or_set("k", Load().finish()) == "value 1"


async def test_the_timeout_is_the_functions_own(cache: Cache) -> None:
    @cache.cached(load_timeout=0.5)
    async def hangs() -> None:
        await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(TimeoutError):
        await hangs()
    assert loop.time() - begun == pytest.approx(0.5)


class Stubborn(Load):
    """A loader that swallows its cancellation and goes on."""

    async def __call__(self) -> str:
        self.calls += 1
        while True:
            try:
                await self._gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
            else:
                return "late"


async def test_nobody_waits_for_a_loader_that_swallows_its_cancellation(
    caches: Caches, either: Cache
) -> None:
    """R2: the waiters are free at the deadline, and what comes late is dropped."""
    load, loop = Stubborn(), asyncio.get_running_loop()
    begun = loop.time()
    callers = [start(either.get_or_set("k", load)) for _ in range(5)]
    results = await ends(*callers)
    assert [type(result) for result in results] == [TimeoutError] * 5
    assert loop.time() - begun < 32.0
    newer = start(either.get_or_set("k", Load("newer {}".format).finish()))
    assert await asyncio.wait_for(newer, LEASE + 0.5) == "newer 1"
    load.finish()
    await ticks()
    assert await either.get("k") == "newer 1"


async def test_what_comes_late_is_dropped(either: Cache) -> None:
    """R2"""
    load = Stubborn()
    with pytest.raises(TimeoutError):
        await either.get_or_set("k", load)
    load.finish()
    await asyncio.sleep(0.1)
    assert await either.get("k") is None


async def test_who_comes_after_the_deadline_does_not_get_the_old_error(either: Cache) -> None:
    """R3: who did not share the load has nothing to do with how it failed."""
    load = Stubborn()
    with pytest.raises(TimeoutError):
        await either.get_or_set("k", load)
    try:
        assert await either.get_or_set("k", Load().finish()) == "value 1"
    finally:
        load.finish()
        await ticks()


async def test_a_failure_that_cannot_be_noted_is_still_the_loaders(
    slow: Cache, store: SlowStore
) -> None:
    await slow.open()
    load = Load()
    caller = start(slow.get_or_set("k", load))
    await load.begun.wait()
    store.error = OSError("gone")
    load.fail(error := down())
    assert await ends(caller) == [error]
    store.heal()
    await asyncio.sleep(LEASE)


async def test_a_loader_may_be_a_plain_function(either: Cache) -> None:
    assert await either.get_or_set("k", lambda: 1) == 1
    assert await either.get_or_set("k", lambda: 2) == 1


async def test_a_plain_function_that_raises(either: Cache) -> None:
    def fails() -> None:
        raise down()

    with pytest.raises(ConnectionError):
        await either.get_or_set("k", fails)
    assert either.stats().load_errors == 1


async def test_what_is_not_callable_is_no_loader(cache: Cache) -> None:
    with pytest.raises(TypeError, match="loader must be a function without arguments"):
        await cache.get_or_set("k", 5)  # type: ignore[call-overload]
