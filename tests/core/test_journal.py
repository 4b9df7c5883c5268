"""The journal: what was to be forgotten and was not acknowledged is, before anything is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import Outcome
from cachekit.batch import MOST
from cachekit.clock import Clock
from cachekit.entry import Kind
from cachekit.errors import UnsupportedError
from cachekit.guard import Guard
from cachekit.journal import Journal
from cachekit.stats import NodeStats
from tests.core.conftest import Caches
from tests.core.helpers import Load, aged, start, ticks
from tests.core.nodes import entries, journaled, refuse
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual

HOME = "t:test~home"


Change = Callable[[Cache], Awaitable[Any]]

CHANGES: dict[str, tuple[Change, list[str]]] = {
    "delete": (lambda cache: cache.delete("k"), ["v:test:k"]),
    "delete_many": (lambda cache: cache.delete_many(["k", "l"]), ["v:test:k", "v:test:l"]),
    "set": (lambda cache: cache.set("k", "new"), ["v:test:k"]),
    "set of what is not there": (lambda cache: cache.set("x", "new"), ["v:test:x"]),
    "set with a new tag": (lambda cache: cache.set("k", 1, tags=["n"]), ["v:test:k"]),
    "set_many": (lambda cache: cache.set_many({"k": 1, "l": 2}), ["v:test:k", "v:test:l"]),
    "tag": (lambda cache: cache.invalidate(Tag("t")), ["t:test:t"]),
    "prefix": (lambda cache: cache.invalidate(Prefix("k")), ["v:test:k"]),
    "prefix and key": (
        lambda cache: cache.invalidate(Prefix("p"), Key("k")),
        ["v:test:k", "v:test:p"],
    ),
    "clear": (lambda cache: cache.clear(), [HOME]),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_what_forgets_or_replaces_is_journaled(
    slow: Cache, store: SlowStore, name: str
) -> None:
    """Also what never got so far as to be sent."""
    change, expected = CHANGES[name]
    await slow.set_many({"k": "old", "l": "old"}, tags=["t"])
    refuse(store)
    with pytest.raises(InvalidationError):
        await change(slow)
    assert sorted(entries(slow)) == expected
    with pytest.raises(InvalidationError):  # nor is it sent now that there is a journal
        await change(slow)
    assert sorted(entries(slow)) == expected
    store.heal()
    await asyncio.sleep(1.01)
    assert journaled(slow) == 0
    assert slow.stats().nodes[0].replayed == len(expected)
    assert await slow.get("k") != "old" or name == "set of what is not there"


async def test_of_many_also_those_are_journaled_that_were_not_sent_since_the_first_were_lost(
    slow: Cache, store: SlowStore
) -> None:
    keys = [f"k{number}" for number in range(MOST + 100)]
    await slow.set_many(dict.fromkeys(keys, "old"))
    refuse(store)
    with pytest.raises(InvalidationError):
        await slow.set_many(dict.fromkeys(keys, "new"))
    assert sorted(entries(slow)) == sorted(f"v:test:{key}" for key in keys)


@pytest.mark.parametrize("way", ["loses", "mutes"])
async def test_a_set_whose_new_tag_is_not_acknowledged_is_journaled(
    slow: Cache, store: SlowStore, way: str
) -> None:
    """The value that it was to replace is not to be served."""
    await slow.set("k", "old")
    setattr(store, way, of_kind(Kind.TAG))
    with pytest.raises(InvalidationError):
        await slow.set("k", "new", tags=["n"])
    assert "v:test:k" in entries(slow)
    store.heal()
    await asyncio.sleep(1.01)
    assert journaled(slow) == 0
    assert await slow.get("k") is None


@pytest.mark.parametrize("kind", [Kind.STUB, Kind.VALUE])
async def test_a_set_that_is_lost_in_either_step_is_journaled(
    slow: Cache, store: SlowStore, kind: Kind
) -> None:
    """R4: over nothing, a stub and then the value; the value may come late."""
    await slow.open()
    store.mutes = of_kind(kind)
    with pytest.raises(InvalidationError):
        await slow.set("k", "new")
    assert journaled(slow) == 1
    await ticks()
    assert journaled(slow) == 0
    assert await slow.get("k") is None
    assert store.shelf.keys(Kind.STUB) == []


async def test_a_set_whose_caller_is_cancelled_is_journaled_and_logged(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """R10: nobody else would hear of it."""
    await slow.set("k", "old")
    store.hang()
    caller = start(slow.set("k", "new"))
    await ticks()
    caller.cancel()
    await asyncio.sleep(1)
    assert entries(slow) == ["v:test:k"]
    assert "set was not acknowledged for: Key('k')" in caplog.text
    caplog.clear()


async def test_a_touch_is_journaled_if_it_shortens(slow: Cache, store: SlowStore) -> None:
    await slow.set("k", 1, ttl=100)
    store.loses = of_kind(Kind.VALUE)
    assert await slow.touch("k", 200) is False
    assert journaled(slow) == 0
    with pytest.raises(InvalidationError):
        await slow.touch("k", 50)
    assert entries(slow) == ["v:test:k"]


async def test_what_fills_and_leases_is_not(slow: Cache, store: SlowStore) -> None:
    """Nor claims, passes and renewals; nor is a value that may still be served forgotten."""
    await aged(slow, "old", by=20, stale_while_revalidate=100)
    store.loses = lambda write: True
    load = Load()
    fill = asyncio.ensure_future(slow.get_or_set("k", load))
    failing = asyncio.ensure_future(slow.get_or_set("l", Load().fail(ValueError("no"))))
    assert await slow.get_or_set("old", Load().finish()) == "old"
    assert await slow.add("m", 1) is False
    await asyncio.sleep(3)  # for which the stub would have been renewed
    load.finish()
    assert await fill == "value 1"
    with pytest.raises(ValueError, match="no"):
        await failing
    assert journaled(slow) == 0
    assert slow.stats().nodes[0].replayed == 0


async def test_a_prefix_that_cannot_be_is_not_journaled(slow: Cache, store: SlowStore) -> None:
    """It will not be able to the next time either, and the store would be asked no more."""
    await slow.set("k", 1)

    async def forget_prefix(prefixes: Any) -> Outcome:
        raise UnsupportedError("not today")

    store.forget_prefix = forget_prefix  # type: ignore[method-assign]
    with pytest.raises(UnsupportedError):
        await slow.invalidate(Prefix("k"))
    assert journaled(slow) == 0
    assert await slow.get("k") == 1


def test_what_was_added_since_is_not_struck() -> None:
    """The same once more, too: it may have been stored again in between."""
    journal = Journal(10)
    journal.add(["old", "k"], ["gone", "p"])
    page = journal.page()
    journal.add(["k", "l"], ["p", "q"])
    assert journal.strike(page) == 2
    assert (journal.page().keys, journal.page().prefixes) == (["k", "l"], ["p", "q"])


def test_of_too_many_all_of_their_namespaces_is_forgotten() -> None:
    """One record each, which all of its entries carry."""
    journal = Journal(5)
    journal.add([f"v:shop:{number}" for number in range(3)], ["v:shop:p"])
    page = journal.page()
    journal.add(["c:shop:0", "t:other:tag", "v:long:x~0123456789abcdef"], ["v:prefix:p"])
    homes = ["t:shop~home", "t:other~home", "t:long~home", "t:prefix~home"]
    assert (journal.page().keys, journal.page().prefixes) == (homes, [])
    assert journal.overflows == 1
    assert journal.strike(page) == 0
    assert all(write.entry for write in journal.page().writes())
    assert journal.strike(journal.page()) == 4


async def test_an_overflow_does_forget_all(clock: Clock, caches: Caches, store: SlowStore) -> None:
    """Of its namespace, and of no other."""
    guard = Guard(store, journal=3)
    cache, other = caches(guard), caches(guard, namespace="other")
    await cache.set_many({"k": "old", "never named": "old", "j1": 1})
    await other.set("k", 1)
    refuse(store)
    for number in range(4):
        with pytest.raises(InvalidationError):
            await cache.delete(f"j{number}")
    assert entries(cache) == [HOME]
    with pytest.raises(InvalidationError):
        await cache.delete("k")
    store.heal()
    await asyncio.sleep(1.01)
    assert await cache.get_many(["k", "never named", "j1"]) == {}
    assert await other.get("k") == 1
    (stats,) = cache.stats().nodes
    assert stats == NodeStats("SlowStore", False, stats.failures, stats.skipped, 0, 2, 1)
