"""R5: what a refresh has of its callers, and they of it."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache
from cachekit.policy import PASS
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, leftovers, start, ticks, time
from tests.core.threads import Gate, Threads, until

pytestmark = pytest.mark.virtual

WINDOW = 3600.0
SERVING: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": WINDOW}
WAITING: dict[str, Any] = {"ttl": TTL, "stale_if_error": WINDOW}


def ask(cache: Cache, load: Any, **options: Any) -> "asyncio.Task[Any]":
    return start(cache.get_or_set("k", load, **options))


def of_kind(kind: str, caches: Caches) -> Cache:
    return caches(caches.slow() if kind == "slow" else None)


both_kinds = pytest.mark.parametrize("kind", ["memory", "slow"])


# -- one whose caller has gone on


async def test_arguments_that_their_caller_has_changed_since_store_nothing(either: Cache) -> None:
    """R5: else the results of other arguments would be served under the old key."""

    @either.cached(**SERVING)
    async def search(terms: list[str]) -> str:
        return "+".join(terms)

    terms = ["a"]
    await search(terms)
    await asyncio.sleep(TTL)
    assert await search(terms) == "a"
    terms.append("b")
    await ticks()
    assert await search(["a"]) == "a"
    await asyncio.sleep(PASS)  # it was an attempt
    assert await search(["a"]) == "a"
    await ticks()
    assert (search.info.loads, either.stats().fills) == (3, 2)


async def test_also_those_of_many_ids(either: Cache) -> None:
    @either.cached_many(**SERVING)
    async def search(ids: list[int], terms: list[str]) -> dict[int, str]:
        return dict.fromkeys(ids, "+".join(terms))

    terms = ["a"]
    await search([1, 2], terms)
    await asyncio.sleep(TTL)
    await search([1, 2], terms)
    terms.append("b")
    await ticks()
    assert await search([1, 2], ["a"]) == {1: "a", 2: "a"}


@both_kinds
def test_also_those_of_who_blocks(kind: str, frozen: Caches, fake_clock: FakeClock) -> None:
    cache, gate = of_kind(kind, frozen), Gate()

    @cache.cached(name="search", **SERVING)
    def search(terms: list[str]) -> str:
        gate()
        return "+".join(terms)

    search.set("a", ["a"])
    fake_clock.advance(TTL)
    terms = ["a"]
    assert search(terms) == "a"
    assert gate.begun.wait(10)
    terms.append("b")
    gate.finish()
    until(lambda: not leftovers([cache], []))
    assert search(["a"]) == "a"


# -- one that takes long


async def test_a_value_is_there_as_its_anchor_until_its_refresh_has_ended(either: Cache) -> None:
    """Though the refresh begins at the end of its window, and takes longer than a lease."""

    async def load() -> str:
        await asyncio.sleep(8)
        return "new"

    options: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": TTL}
    await ask(either, load, **options)
    await asyncio.sleep(2 * TTL - 0.1)
    await ask(either, load, **options)
    await asyncio.sleep(4)
    assert await ask(either, Load(), **options) == "new"  # which shares it
    assert (either.stats().refused_fills, either.stats().fills) == (0, 2)


async def test_also_after_a_touch(either: Cache) -> None:
    async def load() -> str:
        await asyncio.sleep(8)
        return "new"

    options: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": TTL}
    await ask(either, load, **options)
    await either.touch("k", TTL)
    await asyncio.sleep(2 * TTL - 0.1)
    await ask(either, load, **options)
    await asyncio.sleep(4)
    assert await ask(either, Load(), **options) == "new"
    assert either.stats().refused_fills == 0


async def test_nobody_waits_for_another_processs_refresh(fleet: list[Cache]) -> None:
    """Not even who may not leave it to the background."""
    load = Load().finish()

    async def function(db: object = None) -> str:
        return str(await load())

    functions = [cache.cached(key="k", ignore=["db"], **SERVING)(function) for cache in fleet]
    await functions[0]()
    await asyncio.sleep(TTL)
    load = Load("new {}".format)
    leader = start(functions[0]())
    await load.begun.wait()
    before = time()
    others = [await there() for there in functions for _ in range(3)]
    assert (others, time()) == (["value 1"] * 9, before)
    load.finish()
    assert await leader == "new 1"


async def test_in_a_load_too_a_soft_timeout_ends_in_the_old_value(either: Cache) -> None:
    """R9 allows it to wait for a shorter time only for what another one loads."""
    await aged(either, "inner", **WAITING)
    load = Load()

    async def outer() -> Any:
        return await either.get_or_set("inner", load, soft_timeout=3.0, **WAITING)

    before = time()
    assert await either.get_or_set("outer", outer) == "old"
    assert time() - before == pytest.approx(3.0, abs=0.01)
    assert load.calls == 1
    load.finish()


@both_kinds
def test_a_soft_timeout_is_also_for_who_blocks_and_leads(
    kind: str, frozen: Caches, fake_clock: FakeClock, threads: Threads
) -> None:
    """The load goes on in a thread of its own."""
    cache, gate = of_kind(kind, frozen), Gate()
    cache.sync.set("k", "old", **WAITING)
    fake_clock.advance(TTL)
    caller = threads.run(lambda: cache.sync.get_or_set("k", gate, soft_timeout=0.01, **WAITING))
    assert gate.begun.wait(10)
    fake_clock.advance(0.01)
    assert caller.result(10) == "old"
    gate.finish()
    until(lambda: not leftovers([cache], []))
    assert (cache.sync.get("k"), gate.calls) == ("value 1", 1)
