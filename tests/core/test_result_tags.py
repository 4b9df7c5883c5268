"""R7: tags that are known only from the result count if they had been seen before the load."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from cachekit import Cache, Tag, current_load
from cachekit.entry import Kind
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, aged, ends, leftovers, start, ticks
from tests.core.slow_store import SlowStore, of_kind
from tests.core.threads import until

pytestmark = pytest.mark.virtual


class Tagging(Load):
    """A loader whose result carries tags, other ones for each call if `tags` is a function."""

    def __init__(self, tags: Iterable[str] | Callable[[int], Iterable[str]]) -> None:
        super().__init__()
        self._tags = tags

    async def __call__(self) -> Any:
        load = current_load()
        value = await super().__call__()
        number = int(value.split()[1])
        load.tag(*(self._tags(number) if callable(self._tags) else self._tags))
        return value


async def meet(cache: Cache, *tags: str) -> None:
    """Have `cache` see tags."""
    await cache.set("other", 1, tags=tags)


def ask(cache: Cache, load: Any, **options: Any) -> "asyncio.Task[Any]":
    return start(cache.get_or_set("k", load, **options))


# -- one load, or two


async def test_a_tag_never_seen_costs_a_second_load_behind(either: Cache) -> None:
    """The first value is for those who had come before; the second one is stored."""
    load = Tagging(["p:1"])
    callers = [ask(either, load) for _ in range(5)]
    await load.begun.wait()
    load.finish()
    values = await ends(*callers)
    await ticks()
    assert set(values) <= {"value 1", "value 2"}
    assert values[0] == "value 1"
    assert await ask(either, Load()) == "value 2"
    assert (load.calls, either.stats().unconfirmed_tags) == (2, 1)
    await either.invalidate(Tag("p:1"))
    assert not await either.exists("k")


async def test_a_tag_that_was_seen_costs_nothing(either: Cache) -> None:
    await meet(either, "p:1", "p:2")
    load = Tagging(["p:1", "p:2"]).finish()
    assert await ask(either, load) == "value 1"
    assert await ask(either, load) == "value 1"
    assert load.calls == 1
    await either.invalidate(Tag("p:2"))
    assert not await either.exists("k")


async def test_it_was_seen_whenever_an_entry_that_has_it_was_read(fleet: list[Cache]) -> None:
    """Valid or not; by each process for itself."""
    await meet(fleet[0], "p:1")
    assert await fleet[1].get("other") == 1
    await fleet[0].delete("other")
    for cache, loads in ((fleet[1], 1), (fleet[2], 2)):
        load = Tagging(["p:1"]).finish()
        await ask(cache, load)
        await ticks()
        assert load.calls == loads
        await cache.delete("k")


async def test_also_after_it_was_forgotten(either: Cache) -> None:
    """What an invalid entry carries is read with it."""
    load = Tagging(["p:1"]).finish()
    await ask(either, load)
    await ticks()
    for calls in (3, 4, 5):
        await either.invalidate(Tag("p:1"))
        await ask(either, load)
        await ticks()
        assert load.calls == calls
        assert await either.exists("k")


async def test_declared_tags_count_beside_them(either: Cache) -> None:
    await meet(either, "p:1")
    for tag in ("declared", "p:1"):
        await ask(either, Tagging(["p:1"]).finish(), tags=["declared"])
        assert await either.exists("k")
        await either.invalidate(Tag(tag))
        assert not await either.exists("k")


async def test_tags_of_another_result_are_decided_anew(either: Cache) -> None:
    """A refresh does not take them over."""
    await meet(either, "p:1", "p:2")
    load = Tagging(lambda n: [f"p:{n}"]).finish()
    options: Any = {"ttl": TTL, "stale_while_revalidate": 60}
    await ask(either, load, **options)
    await asyncio.sleep(TTL)
    await ask(either, load, **options)
    await ticks()
    await either.invalidate(Tag("p:1"))
    assert await either.get("k") == "value 2"
    await either.invalidate(Tag("p:2"))
    assert not await either.exists("k")


async def test_other_tags_each_time_do_not_load_for_ever(either: Cache) -> None:
    """The second load is the last: it leaves a pass."""
    load = Tagging(lambda n: [f"p:{n}"]).finish()
    assert await ask(either, load) == "value 1"
    await asyncio.sleep(5)
    assert load.calls == 2
    assert not await either.exists("k")


# -- what happens meanwhile


async def test_a_tag_that_is_invalidated_during_the_load(either: Cache) -> None:
    """R1: who comes after that never has the value; a second load is stored."""
    await meet(either, "p:1")
    load = Tagging(["p:1"])
    before = ask(either, load)
    await load.begun.wait()
    await either.invalidate(Tag("p:1"))
    after = ask(either, load)
    await ticks()
    load.finish()
    assert await ends(before, after) == ["value 1", "value 2"]
    assert await either.get("k") == "value 2"
    assert load.calls == 2


async def test_also_by_another_process(fleet: list[Cache]) -> None:
    await meet(fleet[0], "p:1")
    load = Tagging(["p:1"])
    before = ask(fleet[0], load)
    await load.begun.wait()
    await fleet[1].invalidate(Tag("p:1"))
    later = [ask(cache, Load("too many {}".format)) for cache in fleet]
    await ticks()
    load.finish()
    assert await ends(before, *later) == ["value 1"] + ["value 2"] * 3
    assert load.calls == 2


async def test_a_tag_that_is_invalidated_during_the_second_load(either: Cache) -> None:
    loads = 0

    async def load() -> str:
        nonlocal loads
        loads += 1
        current_load().tag("p:1")
        await asyncio.sleep(0 if loads == 1 else 1)
        return "value"

    await ask(either, load)
    await asyncio.sleep(0.5)
    assert loads == 2
    await either.invalidate(Tag("p:1"))
    await asyncio.sleep(1)
    assert not await either.exists("k")


async def test_a_tag_whose_record_was_evicted(slow: Cache, store: SlowStore) -> None:
    """What it stood at is not known, and counts for nothing."""
    await meet(slow, "p:1")
    load = Tagging(["p:1"])
    caller = ask(slow, load)
    await load.begun.wait()
    del store.shelf.records["t:test:p:1"]
    load.finish()
    assert await caller == "value 1"
    await ticks()
    assert load.calls == 2
    assert await slow.get("k") == "value 2"


async def test_a_tag_that_cannot_be_read_forbids_the_fill(slow: Cache, store: SlowStore) -> None:
    await meet(slow, "p:1")
    store.silent = lambda key: key == "t:test:p:1"
    load = Tagging(["p:1"]).finish()
    assert await ask(slow, load) == "value 1"
    await ticks()
    assert load.calls == 2
    store.heal()
    assert not await slow.exists("k")


async def test_a_record_that_was_not_acknowledged_forbids_it_too(
    slow: Cache, store: SlowStore
) -> None:
    """R6"""
    store.loses = of_kind(Kind.TAG)
    await slow.open()
    await ask(slow, Tagging(["p:1"]).finish())
    await ticks()
    store.heal()
    assert not await slow.exists("k")


# -- who shares it


async def test_who_comes_before_the_load_begins_shares_the_first(
    slow: Cache, store: SlowStore
) -> None:
    store.delay = 0.02
    load = Tagging(["p:1"])
    callers = []
    for _ in range(3):
        callers.append(ask(slow, load))
        await asyncio.sleep(0.01)
    await load.begun.wait()
    load.finish()
    assert await ends(*callers) == ["value 1"] * 3


@pytest.mark.parametrize("seen", [True, False])
async def test_who_comes_while_it_loads_shares_it_if_the_tags_were_seen(
    either: Cache, seen: bool
) -> None:
    if seen:
        await meet(either, "p:1")
    load = Tagging(["p:1"])
    first = ask(either, load)
    await load.begun.wait()
    joiner = ask(either, load)
    await ticks()
    load.finish()
    assert await ends(first, joiner) == ["value 1", "value 1" if seen else "value 2"]


async def test_who_comes_after_the_last_read_was_sent_looks_again(
    caches: Caches, store: SlowStore
) -> None:
    """R1: what is invalidated from then on is not known to the load."""
    here, there = caches(store), caches(caches.slow())
    await meet(here, "p:1")
    await there.open()
    load = Tagging(["p:1"])
    first = ask(here, load)
    await load.begun.wait()
    store.lag = 0.2
    load.finish()
    await asyncio.sleep(0.05)  # the read of the tag has its answer, which travels
    await there.invalidate(Tag("p:1"))
    later = ask(here, load)
    assert await ends(first, later) == ["value 1", "value 2"]
    store.lag = 0.0


# -- where nothing runs behind its caller's back


async def test_a_function_that_ignores_an_argument_leaves_a_pass(
    slow: Cache, store: SlowStore
) -> None:
    """R5: no second load; the next caller's own one counts."""
    loads = 0

    @slow.cached(key="k", ignore=["db"])
    async def function(db: object) -> int:
        nonlocal loads
        loads += 1
        current_load().tag("p:1")
        return loads

    assert await function(object()) == 1
    await ticks()
    assert (loads, store.shelf.keys(Kind.PASS)) == (1, ["v:test:k"])
    assert [await function(object()) for _ in range(3)] == [2, 2, 2]


# -- callers that block, and many keys


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_those_who_block(frozen: Caches, fake_clock: FakeClock, kind: str) -> None:
    cache = frozen(frozen.slow() if kind == "slow" else None)
    loads = 0

    @cache.cached(key="k")
    def function() -> int:
        nonlocal loads
        loads += 1
        current_load().tag("p:1")
        return loads

    assert function() == 1
    until(lambda: not leftovers([cache], []))
    assert [function() for _ in range(3)] == [2, 2, 2]
    cache.sync.invalidate(Tag("p:1"))
    assert [function() for _ in range(3)] == [3, 3, 3]


async def test_many_keys_are_loaded_again_together(either: Cache) -> None:
    asked: list[list[str]] = []

    async def load(keys: list[str]) -> dict[str, int]:
        asked.append(keys)
        current_load().tag("p:1")
        return dict.fromkeys(keys, len(asked))

    keys = ["a", "b", "c"]
    assert await either.get_or_set_many(keys, load) == dict.fromkeys(keys, 1)
    await ticks()
    assert await either.get_or_set_many(keys, load) == dict.fromkeys(keys, 2)
    assert asked == [keys, keys]
    await aged(either, "d", by=0)
    await either.invalidate(Tag("p:1"))
    assert await either.get_many([*keys, "d"]) == {"d": "old"}


async def test_what_is_not_stored_is_not_for_who_came_after_its_tag_was_forgotten(
    either: Cache,
) -> None:
    """Whether its tags still stand is not looked up: it is for those who were there before."""
    began, go = asyncio.Event(), asyncio.Event()
    origin = [1]

    async def load() -> int:
        value = origin[0]
        current_load().tag("named")
        current_load().skip()
        began.set()
        await go.wait()
        return value

    first = ask(either, load)
    await began.wait()
    origin[0] = 2
    await either.invalidate(Tag("named"))
    late = ask(either, load)
    await ticks(20)
    go.set()
    assert await ends(first, late) == [1, 2]
