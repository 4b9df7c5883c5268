"""The replay of a journal, before which its node is asked for nothing."""

import asyncio
from typing import Any, Final

import pytest

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import UNREACHED, Outcome, Write
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.guard import Guard
from tests.core.conftest import Caches
from tests.core.helpers import ticks
from tests.core.nodes import Nodes, journaled, refuse
from tests.core.slow_store import SlowStore, of_kind
from tests.core.threads import until_so

pytestmark = pytest.mark.virtual

DEADLINE: Final = 0.25


async def test_the_replay_has_new_versions_and_is_announced(slow: Cache, store: SlowStore) -> None:
    """An old version could come late, and bring back what a later one has made invalid."""
    await slow.set("k", "old", tags=["t"])
    store.loses = of_kind(Kind.TAG)
    with pytest.raises(InvalidationError):
        await slow.invalidate(Tag("t"), Key("k"))
    await asyncio.sleep(3)
    store.heal()
    await asyncio.sleep(1.01)
    sent = [write for batch in store.writes for write in batch if write.key == "t:test:t"]
    versions = [write.entry.version for write in sent if write.entry]
    assert len(set(versions)) == len(versions) >= 5
    assert all(write.announce for write in sent[1:])


async def test_nothing_is_read_before_it_is_replayed(slow: Cache, store: SlowStore) -> None:
    """Of that node; however the first tries end."""
    await slow.set_many({"k": "old", "l": "old"})
    refuse(store)
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    store.reads.clear()
    for _ in range(50):
        assert await slow.get_many(["k", "l"]) == {}
        await asyncio.sleep(0.1)
    assert store.reads == []
    store.error = None
    store.loses = lambda write: True
    await asyncio.sleep(2)
    assert await slow.get_many(["k", "l"]) == {}
    store.heal()
    await asyncio.sleep(1.01)
    assert store.reads == []
    assert await slow.get_many(["k", "l"]) == {"l": "old"}


async def test_what_is_added_while_it_is_replayed_stays(slow: Cache, store: SlowStore) -> None:
    """The same key, too: a value may have come after the replay was sent."""
    await slow.set_many({"k": "old", "l": "old"})
    refuse(store)
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    await asyncio.sleep(0.1)
    store.error = None
    store.hang()
    writes = len(store.writes)
    await until_so(lambda: len(store.writes) > writes)  # the replay is under way
    for key in ("k", "l"):
        with pytest.raises(InvalidationError):
            await slow.delete(key)
    replays = len(store.writes)
    store.resume()
    await ticks(40)
    assert [write.key for write in store.writes[replays]] == ["v:test:k", "v:test:l"]
    assert journaled(slow) == 0


async def test_what_is_added_while_the_breaker_is_tried_is_replayed(
    slow: Cache, store: SlowStore
) -> None:
    """A read that is answered does not make good what was lost meanwhile."""
    await slow.set("k", "old")
    refuse(store)
    for _ in range(5):
        await slow.get("k")
    store.error = None
    store.hang()
    reads = len(store.reads)
    await until_so(lambda: len(store.reads) > reads)
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    store.resume()
    await ticks(40)
    assert journaled(slow) == 0
    assert await slow.get("k") is None


async def test_a_replay_of_many_that_fails_half_way_begins_again(
    slow: Cache, store: SlowStore
) -> None:
    """Each piece may be lost; nothing is struck before all is acknowledged."""
    keys = [f"k{number}" for number in range(1200)]
    await slow.set_many(dict.fromkeys(keys, "old"))
    refuse(store)
    with pytest.raises(InvalidationError):
        await slow.delete_many(keys)
    store.error = None
    store.loses = lambda write: write.key == "v:test:k600"
    await asyncio.sleep(5)
    assert journaled(slow) == 1200
    assert await slow.get("k1") is None
    store.heal()
    await asyncio.sleep(1.01)
    assert slow.stats().nodes[0].replayed == 1200
    assert store.shelf.keys(Kind.VALUE) == []


async def test_prefixes_are_of_the_whole_store(clock: Clock, caches: Caches) -> None:
    """Which is not asked for anything before they are forgotten everywhere."""
    store = Nodes(clock)
    cache = caches(store)
    await cache.set_many({"a": 1, "b": 2})
    store.down = {"b"}
    with pytest.raises(InvalidationError):
        await cache.invalidate(Prefix("a"))
    store.asked.clear()
    assert await cache.get_many(["a", "b", "c"]) == {}
    assert store.asked == []
    assert {n.name: n.journaled for n in cache.stats().nodes if n.journaled} == {"Nodes": 1}
    store.down.clear()
    await asyncio.sleep(1.01)
    assert await cache.get_many(["a", "b"]) == {"b": 2}


async def test_a_key_that_has_moved_to_another_node_is_not_asked_for(
    clock: Clock, caches: Caches
) -> None:
    """Its old node has it in the journal; what it has beside that is not kept from its callers."""
    store = Nodes(clock)
    cache = caches(store)
    await cache.set_many({"a": "old", "a2": 1, "b": 2})
    store.down = {"a"}
    with pytest.raises(InvalidationError):
        await cache.delete("a")
    store.moved = {"v:test:a": "b", "v:test:a2": "b"}
    store.asked.clear()
    assert await cache.get_many(["a", "a2", "b"]) == {"a2": 1, "b": 2}
    assert ("b", "v:test:a") not in store.asked
    await asyncio.sleep(1.01)
    assert await cache.get("a") is None
    assert cache.stats().nodes[1].replayed + cache.stats().nodes[2].replayed == 1


async def test_a_short_answer_acknowledges_nothing(clock: Clock) -> None:
    """A backend that gives fewer outcomes than it was given writes."""
    store = Nodes(clock)
    guard = Guard(store)
    await guard.open()
    store.down = {"t"}
    assert await guard.write([Write("t:test:t", Entry(Kind.TAG), announce=True)]) == [UNREACHED]

    async def write(writes: Any) -> list[Outcome]:
        return []

    store.write = write  # type: ignore[method-assign]
    await asyncio.sleep(2)
    assert sum(node.journaled for node in guard.nodes()) == 1
    del store.write
    store.down.clear()
    await guard.close()
    assert sum(node.journaled for node in guard.nodes()) == 0


async def test_who_asks_while_the_first_replay_is_under_way_waits_for_it(
    slow: Cache, store: SlowStore
) -> None:
    """One answer that got lost is no outage: the next reader need not load."""
    await slow.set_many({"k": "old", "l": "old"})
    store.loses = lambda write: True
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    store.heal()
    assert await slow.get_or_set("l", lambda: "loaded") == "old"
    assert await slow.get_or_set("k", lambda: "loaded") == "loaded"
    assert slow.stats().degraded == 0


async def test_to_wait_for_the_replay_and_to_read_takes_one_deadline_at_most(
    slow: Cache, store: SlowStore
) -> None:
    await slow.set("k", "old")
    store.loses = lambda write: True
    with pytest.raises(InvalidationError):
        await slow.delete("another")
    store.heal()
    store.lag = 0.8 * DEADLINE
    time = asyncio.get_running_loop().time
    asked = time()
    assert await slow.get("k") is None
    assert time() - asked == pytest.approx(DEADLINE)
    await asyncio.sleep(1)
    assert await slow.get("k") == "old"
