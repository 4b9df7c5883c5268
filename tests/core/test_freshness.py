"""R1: an answer is never older than the question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from cachekit import Cache, Key, Prefix, Tag
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual

Forget = Callable[[Cache], Awaitable[Any]]

FORGETTING: dict[str, Forget] = {
    "delete": lambda cache: cache.delete("k"),
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "clear": lambda cache: cache.clear(),
}
REPLACING: dict[str, Forget] = {
    "set": lambda cache: cache.set("k", "replaced", tags=["t"]),
    "add": lambda cache: cache.add("k", "replaced", tags=["t"]),
}


class Pair(NamedTuple):
    """Who asks, and who forgets: one cache, or two processes on one store."""

    here: Cache
    there: Cache


@pytest.fixture(params=["in memory", "in one process", "between two processes"])
async def pair(request: pytest.FixtureRequest, caches: Caches) -> Pair:
    if request.param == "in memory":
        cache = caches()
        return Pair(cache, cache)
    here = caches(caches.slow())
    return Pair(here, here if request.param == "in one process" else caches(caches.slow()))


def ask(cache: Cache, load: Load) -> "asyncio.Task[str]":
    return start(cache.get_or_set("k", load, tags=["t"]))


@pytest.fixture(params=FORGETTING)
def forget(request: pytest.FixtureRequest) -> Forget:
    return FORGETTING[request.param]


@pytest.fixture(params=REPLACING)
def replace(request: pytest.FixtureRequest) -> Forget:
    return REPLACING[request.param]


async def test_who_comes_after_an_invalidation_starts_over(pair: Pair, forget: Forget) -> None:
    """R1: earlier callers get their value, later ones a newer load's; the old fill is refused."""
    old, new = Load("old {}".format), Load("new {}".format)
    earlier = ask(pair.here, old)
    await old.begun.wait()
    await forget(pair.there)
    later = ask(pair.here, new)
    await new.begun.wait()
    latest = ask(pair.here, new)
    await ticks()
    old.finish()
    assert await earlier == "old 1"
    new.finish()
    assert await ends(later, latest) == ["new 1", "new 1"]
    assert await pair.here.get("k") == "new 1"
    assert await pair.there.get("k") == "new 1"
    assert pair.here.stats().refused_fills == 1


async def test_what_was_being_loaded_is_not_stored(pair: Pair, forget: Forget) -> None:
    """R1, R6: even if nobody asks between the invalidation and the end of the load."""
    old = Load("old {}".format)
    earlier = ask(pair.here, old)
    await old.begun.wait()
    await forget(pair.there)
    old.finish()
    assert await earlier == "old 1"
    assert await pair.here.get("k") is None
    assert await ask(pair.here, Load("new {}".format).finish()) == "new 1"


async def test_what_replaces_voids_a_load(pair: Pair, replace: Forget) -> None:
    """R1, R4: who comes later gets what was set, also once the load has ended."""
    old = Load("old {}".format)
    earlier = ask(pair.here, old)
    await old.begun.wait()
    await replace(pair.there)
    assert await ask(pair.here, Load()) == "replaced"
    old.finish()
    assert await earlier == "old 1"
    assert await pair.here.get("k") == "replaced"
    assert pair.here.stats().refused_fills == 1


async def test_a_function_that_is_refreshed_voids_its_load(either: Cache) -> None:
    """R1"""
    values, gate, begun = iter(["old", "new"]), asyncio.Event(), asyncio.Event()

    @either.cached(name="value")
    async def value() -> str:
        mine = next(values)
        begun.set()
        if mine == "old":
            await gate.wait()
        return mine

    earlier = start(value())
    await begun.wait()
    assert await value.refresh() == "new"
    gate.set()
    assert await earlier == "old"
    assert await value() == "new"


async def test_a_read_is_not_shared_with_who_came_after_it_was_sent(
    slow: Cache, store: SlowStore
) -> None:
    """R1: what travels may be older than an invalidation that was acknowledged meanwhile."""
    await slow.set("k", "old")
    store.lag = 0.1
    earlier = start(slow.get("k"))
    await ticks()
    store.lag = 0.0
    await slow.delete("k")
    assert await slow.get("k") is None
    assert await earlier == "old"


async def test_who_comes_before_the_load_begins_shares_it(slow: Cache, store: SlowStore) -> None:
    """R1: the load is newer than all of these questions."""
    await slow.open()
    store.delay = 0.02
    load = Load()
    callers = []
    for _ in range(5):
        callers.append(ask(slow, load))
        await asyncio.sleep(0.01)
    assert load.calls == 0
    load.finish()
    assert await ends(*callers) == ["value 1"] * 5


async def test_without_a_lease_later_callers_do_not_share(slow: Cache, store: SlowStore) -> None:
    """R1, R2: nobody's read can vouch for a load without an anchor."""
    store.loses = of_kind(Kind.STUB)
    old, new = Load("old {}".format), Load("new {}".format)
    earlier = ask(slow, old)
    await old.begun.wait()
    later = ask(slow, new)
    await new.begun.wait()
    old.finish()
    new.finish()
    assert await ends(earlier, later) == ["old 1", "new 1"]


async def test_a_load_is_not_shared_by_who_saw_another_processs_stub(caches: Caches) -> None:
    """R1: what this process was loading is older than what it saw."""
    here, there = caches(caches.slow()), caches(caches.slow())
    old, new = Load("old {}".format), Load("new {}".format)
    earlier = ask(here, old)
    await old.begun.wait()
    await there.delete("k")
    leader = ask(there, new)
    await new.begun.wait()
    later = ask(here, Load("too many {}".format))
    await asyncio.sleep(0.1)
    old.finish()
    await ticks()
    new.finish()
    assert await ends(earlier, leader, later) == ["old 1", "new 1", "new 1"]


async def test_a_failed_load_is_not_shared_by_who_comes_after_an_invalidation(
    either: Cache, forget: Forget
) -> None:
    """R1, R3: on a pass, too."""
    with pytest.raises(ValueError, match="first"):
        await ask(either, Load().fail(ValueError("first")))
    old, new = Load("old {}".format), Load("new {}".format)
    earlier = ask(either, old)
    await old.begun.wait()
    await forget(either)
    later = ask(either, new)
    await new.begun.wait()
    old.finish()
    new.finish()
    assert await ends(earlier, later) == ["old 1", "new 1"]
    assert await either.get("k") == "new 1"


async def test_an_invalidation_between_lease_and_load(slow: Cache, store: SlowStore) -> None:
    """R1: the load begins after it, and yet its anchor is gone."""
    await slow.open()
    store.lag = 0.1
    load = Load("new {}".format).finish()
    caller = ask(slow, load)
    await asyncio.sleep(0.25)
    assert store.shelf.keys(Kind.STUB) == ["v:test:k"]
    assert load.calls == 0
    store.lag = 0.0
    await slow.delete("k")
    assert await caller == "new 1"
    assert await slow.get("k") is None
    assert await ask(slow, load) == "new 2"
