"""`set` and `add` (R4)."""

import asyncio
import threading
from typing import Any

import pytest

from cachekit import MISSING, Cache, EncodeError, InvalidationError
from cachekit.backend import ANY, Write
from cachekit.clock import Clock
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.nodes import Nodes
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual


def version(write: Write) -> int:
    assert write.entry is not None
    return write.entry.version


async def test_what_is_set_is_there(either: Cache) -> None:
    await either.set("k", [1, 2])
    assert await either.get("k") == [1, 2]
    assert await either.get_or_set("k", Load()) == [1, 2]
    await either.set("k", "again")
    assert await either.get("k") == "again"


async def test_over_a_value_it_is_one_write(slow: Cache, store: SlowStore) -> None:
    """R4: on the condition that the value read is still there; announced."""
    await slow.set("k", "old")
    before = store.sent(Kind.VALUE)[-1]
    store.writes.clear()
    await slow.set("k", "new")
    ((write,),) = store.writes
    assert (write.expected, write.announce) == (version(before), True)


async def test_over_nothing_it_takes_two_steps(slow: Cache, store: SlowStore) -> None:
    """R4: a stub, unconditionally; once that is acknowledged the value, on that stub."""
    await slow.set("other", "creates the records")
    store.writes.clear()
    await slow.set("k", "v")
    (stub,), (value,) = store.writes
    assert stub.entry is not None
    assert (stub.entry.kind, stub.expected, stub.announce) == (Kind.STUB, ANY, True)
    assert stub.entry.keep == 2 * 0.25
    assert (value.expected, value.announce) == (version(stub), True)


async def test_the_second_step_waits_for_the_first(slow: Cache, store: SlowStore) -> None:
    """R4: never in one pipeline."""
    await slow.set("other", "creates the records")
    store.writes.clear()
    store.lag = 0.1
    setting = start(slow.set("k", "v"))
    await asyncio.sleep(0.15)
    assert [len(batch) for batch in store.writes] == [1]
    await setting
    assert [len(batch) for batch in store.writes] == [1, 1]


async def test_a_first_step_that_runs_late_brings_back_nothing(caches: Caches) -> None:
    """R4: a write that timed out is executed later, over a newer one."""
    lost = caches.slow()
    one, other = caches(lost), caches(caches.slow())
    await one.set("creates", "the records")
    lost.silent = lambda key: False
    setting = start(one.set("k", "old"))
    await ticks(6)
    lost.hang()
    with pytest.raises(InvalidationError):
        await setting
    await other.set("k", "new")
    lost.resume()
    await ticks()
    assert await other.get("k") in ("new", None)
    await asyncio.sleep(1.0)
    assert await other.get("k") in ("new", None)
    assert await other.get_or_set("k", Load("loaded {}".format).finish()) in ("new", "loaded 1")


async def test_a_replacement_that_runs_late_brings_back_nothing(caches: Caches) -> None:
    """R4: it is refused, for the version it was to replace is gone."""
    lost = caches.slow()
    one, other = caches(lost), caches(caches.slow())
    await one.set("k", "first")
    lost.mutes = of_kind(Kind.VALUE)
    reads = len(lost.reads)
    setting = start(one.set("k", "old"))
    while len(lost.reads) == reads:  # noqa: ASYNC110
        await asyncio.sleep(0)
    lost.hang()
    with pytest.raises(InvalidationError):
        await setting
    await other.set("k", "new")
    lost.resume()
    await ticks()
    assert await other.get("k") in ("new", None)  # what is made good cannot tell it from "old"


async def test_the_last_writer_wins(either: Cache) -> None:
    """R4"""
    await asyncio.gather(*(either.set("k", n) for n in range(10)))
    assert await either.get("k") in range(10)
    await either.set("k", "last")
    assert await either.get("k") == "last"


async def test_who_comes_while_another_sets_waits_for_the_value(
    slow: Cache, store: SlowStore
) -> None:
    """R4: the first step is a stub like any other."""
    await slow.set("other", "creates the records")
    store.lag = 0.02
    setting = start(slow.set("k", "set"))
    await asyncio.sleep(0.03)
    assert store.shelf.keys(Kind.STUB) == ["v:test:k"]
    store.lag = 0.0
    load = Load().finish()
    assert await slow.get_or_set("k", load) == "set"
    await setting
    assert load.calls == 0


FAULTS: dict[str, Any] = {
    "no answer to the read": lambda store: setattr(store, "silent", lambda key: True),
    "stub lost": lambda store: setattr(store, "loses", of_kind(Kind.STUB)),
    "stub unacknowledged": lambda store: setattr(store, "mutes", of_kind(Kind.STUB)),
    "value lost": lambda store: setattr(store, "loses", of_kind(Kind.VALUE)),
    "value unacknowledged": lambda store: setattr(store, "mutes", of_kind(Kind.VALUE)),
    "tag record lost": lambda store: setattr(store, "loses", of_kind(Kind.TAG)),
    "tag record unacknowledged": lambda store: setattr(store, "mutes", of_kind(Kind.TAG)),
    "hangs": lambda store: store.hang(),
    "raises": lambda store: setattr(store, "error", OSError("gone")),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_not_acknowledged_raises(slow: Cache, store: SlowStore, fault: str) -> None:
    """R4, R6: naming the key as its user wrote it."""
    await slow.open()
    FAULTS[fault](store)
    with pytest.raises(InvalidationError, match="set was not acknowledged for") as raised:
        await slow.set("k", "v", tags=["t"])
    assert raised.value.unreached == ("Key('k')",)
    assert slow.stats().unacknowledged == 1
    store.heal()
    await asyncio.sleep(1.01)  # until it is asked again
    await slow.set("k", "again", tags=["t"])
    assert await slow.get("k") == "again"


async def test_an_unacknowledged_replacement_raises(slow: Cache, store: SlowStore) -> None:
    """R4"""
    await slow.set("k", "v")
    store.loses = of_kind(Kind.VALUE)
    with pytest.raises(InvalidationError, match="k"):
        await slow.set("k", "w")


async def test_of_several_those_are_named_that_were_not_set(caches: Caches, clock: Clock) -> None:
    """Here, those on the nodes that fail."""
    store = Nodes(clock)
    cache = caches(store)
    await cache.set("creates", "the records")
    store.down = {"a", "c"}
    with pytest.raises(InvalidationError) as raised:
        await cache.set_many({"a": 1, "b": 2, "c": 3})
    assert raised.value.unreached == ("Key('a')", "Key('c')")
    assert await cache.get_many([*"abc"]) == {"b": 2}
    store.down.clear()
    await asyncio.sleep(1.01)
    assert await cache.get_many([*"abc"]) == {"b": 2}


async def test_a_store_that_loses_some_is_asked_for_the_values_of_none(
    slow: Cache, store: SlowStore
) -> None:
    """R17: what it lost goes first."""
    await slow.open()
    store.loses = lambda write: write.key in ("v:test:a", "v:test:c")
    with pytest.raises(InvalidationError) as raised:
        await slow.set_many({"a": 1, "b": 2, "c": 3})
    assert raised.value.unreached == ("Key('a')", "Key('b')", "Key('c')")
    store.heal()
    await asyncio.sleep(1.01)
    assert await slow.get_many([*"abc"]) == {}


async def test_many_are_set_in_few_writes(slow: Cache, store: SlowStore) -> None:
    await slow.set("creates", "the records")
    store.writes.clear()
    values = {f"k{n}": n for n in range(100)}
    await slow.set_many(values)
    assert len(store.writes) == 2
    store.writes.clear()
    await slow.set_many(values | {"new": 1})
    assert len(store.writes) == 3
    assert await slow.get_many(values) == values


async def test_a_value_that_cannot_be_stored_harms_no_other(either: Cache) -> None:
    with pytest.raises(EncodeError):
        await either.set_many({"a": 1, "b": threading.Lock(), "c": 3})
    assert await either.get_many([*"abc"]) == {"a": 1, "c": 3}


async def test_a_set_once_begun_finishes(slow: Cache, store: SlowStore) -> None:
    """R10: it forgets, too."""
    await slow.set("k", "old")
    store.lag = 0.05
    setting = start(slow.set("k", "new"))
    await asyncio.sleep(0.01)
    setting.cancel()
    await ends(setting)
    await asyncio.sleep(0.2)
    assert await slow.get("k") == "new"


async def test_add_stores_where_there_is_nothing(either: Cache) -> None:
    assert await either.add("k", "first")
    assert not await either.add("k", "second")
    assert await either.get("k") == "first"


async def test_add_counts_no_value_that_does_not_serve(either: Cache) -> None:
    await either.set("k", "old", ttl=10)
    await asyncio.sleep(10)
    assert await either.add("k", "new")
    assert await either.get("k") == "new"


async def test_of_many_that_add_one_succeeds(caches: Caches) -> None:
    fleet = [caches(caches.slow()) for _ in range(5)]
    results = await asyncio.gather(*(cache.add("k", n) for n, cache in enumerate(fleet)))
    assert sum(results) == 1
    assert await fleet[0].get("k") == results.index(True)


async def test_a_cached_none_is_not_added_over(either: Cache) -> None:
    await either.set("k", None)
    assert not await either.add("k", 1)
    assert await either.get("k", MISSING) is None


@pytest.mark.parametrize("fault", FAULTS)
async def test_add_is_false_if_the_store_fails(slow: Cache, store: SlowStore, fault: str) -> None:
    await slow.open()
    FAULTS[fault](store)
    assert await slow.add("k", "v", tags=["t"]) is False
    store.heal()
    await ticks()
    await slow.delete("k")
    assert await slow.add("k", "v", tags=["t"]) is True


async def test_what_was_set_is_not_its_caller_s_any_longer(either: Cache) -> None:
    value = {"list": [1]}
    await either.set("k", value)
    await either.add("other", value)
    value["list"].append(2)
    assert await either.get("k") == {"list": [1]}
    assert await either.get("other") == {"list": [1]}
