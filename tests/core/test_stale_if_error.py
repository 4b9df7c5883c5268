"""R5, `stale_if_error` and `soft_timeout`: who asks waits for the load, and has the old value if
that fails or takes too long."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache, Key, Tag, current_load
from cachekit.policy import PASS
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, start, ticks, time
from tests.core.threads import Gate, Threads

pytestmark = pytest.mark.virtual

WINDOW = 60.0


def ask(cache: Cache, load: Any, **options: Any) -> "asyncio.Task[str]":
    options = {"ttl": TTL, "stale_if_error": WINDOW, "tags": ["t"], **options}
    return start(cache.get_or_set("k", load, **options))


async def stale(cache: Cache, **options: Any) -> None:
    await aged(cache, **{"tags": ["t"], "stale_if_error": WINDOW, **options})


def down() -> ConnectionError:
    return ConnectionError("the database is down")


class Origin:
    """A loader that fails after so many seconds, and notes when it began."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.begun: list[float] = []

    async def __call__(self) -> str:
        self.begun.append(time())
        await asyncio.sleep(self.takes)
        raise down()

    def gaps(self) -> list[float]:
        return [b - a for a, b in zip(self.begun, self.begun[1:], strict=False)]


# -- one process


async def test_who_asks_waits_for_the_load(either: Cache) -> None:
    await stale(either)
    load = Load()
    callers = [ask(either, load) for _ in range(100)]
    await asyncio.sleep(3)
    assert not any(caller.done() for caller in callers)
    load.finish()
    assert await ends(*callers) == ["value 1"] * 100
    assert (load.calls, either.stats().stale) == (1, 0)


async def test_if_it_fails_all_have_the_old_value(either: Cache) -> None:
    await stale(either)
    load = Load()
    callers = [ask(either, load) for _ in range(100)]
    await load.begun.wait()
    load.fail(down())
    assert await ends(*callers) == ["old"] * 100
    assert await ask(either, load) == "old"
    assert (load.calls, either.stats().load_errors) == (1, 1)


async def test_also_if_it_takes_too_long(either: Cache) -> None:
    await stale(either)
    load, before = Load(), time()
    callers = [ask(either, load, load_timeout=5) for _ in range(10)]
    assert await ends(*callers) == ["old"] * 10
    assert time() - before == pytest.approx(5.0, abs=0.1)
    assert (load.calls, load.cancelled) == (1, 1)


async def test_past_the_window_the_error_is_everyones(either: Cache) -> None:
    await stale(either)
    await asyncio.sleep(WINDOW)
    error = down()
    callers = [ask(either, Load().fail(error)) for _ in range(10)]
    assert await ends(*callers) == [error] * 10


async def test_the_window_may_end_during_the_load(either: Cache) -> None:
    """It was good when they asked, but nothing is served past its window."""
    await stale(either)
    await asyncio.sleep(WINDOW - 1)
    with pytest.raises(ConnectionError):
        await ask(either, Origin(takes=2))


async def test_within_both_windows_nobody_waits(either: Cache) -> None:
    both = {"stale_while_revalidate": 5.0, "stale_if_error": WINDOW}
    await stale(either, **both)
    load = Load()
    assert await ask(either, load, **both) == "old"
    await load.begun.wait()
    await asyncio.sleep(5)
    later = ask(either, load, **both)  # this one waits, for the same load
    await ticks()
    assert not later.done()
    load.finish()
    assert await later == "value 1"
    assert load.calls == 1


async def test_who_leads_may_be_cancelled_and_the_load_goes_on(either: Cache) -> None:
    """It is a refresh, which finishes."""
    await stale(either)
    load = Load()
    leader, other = ask(either, load), ask(either, load)
    await load.begun.wait()
    await ticks()
    leader.cancel()
    await ends(leader)
    other.cancel()
    await ends(other)
    load.finish()
    await ticks()
    assert (load.calls, load.cancelled) == (1, 0)
    assert await either.get("k") == "value 1"


async def test_a_load_that_is_skipped_leaves_the_old_value(either: Cache) -> None:
    """R3: like one that failed, but for its leader."""
    await stale(either)

    async def load() -> str:
        current_load().skip()
        return "not to be stored"

    assert await ask(either, load) == "not to be stored"
    assert await ask(either, Load("too soon {}".format).finish()) == "old"
    await asyncio.sleep(PASS)
    assert await ask(either, Load().finish()) == "value 1"


@pytest.mark.parametrize("target", [Key("k"), Tag("t")])
async def test_what_is_forgotten_meanwhile_is_no_refuge(either: Cache, target: Key | Tag) -> None:
    """R1: for nobody who asks after that."""
    await stale(either)
    load = Load()
    before = ask(either, load)
    await load.begun.wait()
    await either.invalidate(target)
    after = ask(either, Load().fail(down()))
    assert isinstance((await ends(after))[0], ConnectionError)
    load.finish()
    assert await before == "value 1"
    assert await either.get("k") is None


# -- the origin is down


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("takes", [0.0, 0.3, 1.5])
async def test_every_call_has_the_old_value_and_the_origin_one_a_second(
    caches: Caches, processes: int, takes: float
) -> None:
    """R3, R5: one attempt a pass, for each process."""
    fleet = [caches(caches.slow()) for _ in range(processes)]
    await stale(fleet[0])
    origin, begun = Origin(takes), time()

    async def customer(cache: Cache, start: float) -> None:
        await asyncio.sleep(start)
        while time() < begun + 20:
            assert await ask(cache, origin) == "old"
            await asyncio.sleep(0.05)

    await asyncio.gather(*(customer(cache, n / 100) for cache in fleet for n in range(5)))
    seconds = time() - begun
    assert seconds / (PASS + takes + 0.5) <= len(origin.begun) <= processes * (seconds + 1)


@pytest.mark.parametrize("takes", [0.0, 0.3, 1.5])
async def test_also_if_nobody_waits_for_the_end_of_a_load(either: Cache, takes: float) -> None:
    """R3: a refresh that fails when its leader has had the old value leaves a pass, too."""
    await stale(either)
    origin = Origin(takes)
    for _ in range(100):
        assert await ask(either, origin, soft_timeout=0.1) == "old"
        await asyncio.sleep(0.05)
    assert len(origin.begun) > 3
    assert min(origin.gaps()) >= PASS


async def test_when_it_is_up_again(either: Cache) -> None:
    await stale(either)
    load = Load().fail(down(), calls=2)
    for expected in ("old", "old", "value 3"):
        assert await ask(either, load) == expected
        await asyncio.sleep(PASS)


# -- the soft timeout


async def test_past_the_soft_timeout_they_have_the_old_value(either: Cache) -> None:
    """Who leads, too; the load goes on, and fills."""
    await stale(either)
    load, before = Load(), time()
    callers = [ask(either, load, soft_timeout=0.5) for _ in range(10)]
    assert await ends(*callers) == ["old"] * 10
    assert time() - before == pytest.approx(0.5, abs=0.01)
    assert await ask(either, load, soft_timeout=0.5) == "old"
    assert (load.calls, load.running) == (1, 1)
    load.finish()
    await ticks()
    assert await either.get("k") == "value 1"


async def test_the_soft_timeout_is_for_those_only_who_have_an_old_value(either: Cache) -> None:
    load = Load()
    caller = ask(either, load, soft_timeout=0.5)
    await asyncio.sleep(2)
    assert not caller.done()
    load.finish()
    assert await caller == "value 1"


# -- callers that block


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_those_who_block_have_the_old_value_too(
    frozen: Caches, fake_clock: FakeClock, threads: Threads, kind: str
) -> None:
    cache, gate = frozen(frozen.slow() if kind == "slow" else None), Gate()
    cache.sync.set("k", "old", ttl=TTL, stale_if_error=WINDOW)
    fake_clock.advance(TTL)

    def get(_: int) -> str:
        return cache.sync.get_or_set("k", gate, stale_if_error=WINDOW)

    callers = [threads.run(lambda: get(0)) for _ in range(10)]
    gate.begun.wait(10)
    gate.fail(down())
    assert [caller.result(10) for caller in callers] == ["old"] * 10
    assert threads.race(10, get) == ["old"] * 10
    assert gate.calls == 1
    fake_clock.advance(WINDOW)
    with pytest.raises(ConnectionError):
        get(0)
