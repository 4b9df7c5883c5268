"""R6: an entry is valid only if each tag is still at the version it carries."""

from collections.abc import Sequence

import pytest

from cachekit import Cache, ConfigurationError, Tag
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Backend, Found, Outcome, Write
from cachekit.entry import Entry, Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, start, ticks
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual


async def test_what_carries_a_tag_is_forgotten_with_it(either: Cache) -> None:
    """R6"""
    await either.set("a", 1, tags=["x"])
    await either.set("b", 2, tags=["x", "y"])
    await either.set("c", 3, tags=["y"])
    await either.set("d", 4)
    await either.invalidate(Tag("x"))
    assert await either.get_many([*"abcd"]) == {"c": 3, "d": 4}


async def test_forgetting_a_tag_is_one_write_whatever_it_covers(
    slow: Cache, store: SlowStore
) -> None:
    """R6: unconditional, and announced."""
    await slow.set_many({f"k{n}": n for n in range(100)}, tags=["t"])
    store.reads.clear()
    store.writes.clear()
    await slow.invalidate(Tag("t"))
    ((write,),) = store.writes
    assert (write.key, write.expected, write.announce) == ("t:test:t", ANY, True)
    assert store.reads == []
    assert await slow.get("k7") is None


async def test_what_lost_its_tag_record_is_invalid(slow: Cache, store: SlowStore) -> None:
    """R6: the record may have been evicted after it had changed."""
    await slow.set("k", "v", tags=["t"])
    del store.shelf.records["t:test:t"]
    assert await slow.get("k") is None
    load = Load().finish()
    assert await slow.get_or_set("k", load, tags=["t"]) == "value 1"
    assert await slow.get_or_set("k", load, tags=["t"]) == "value 1"


async def test_a_flushed_store_has_nothing_that_serves(slow: Cache, store: SlowStore) -> None:
    """R6: not even if the values come back."""
    await slow.set("k", "v")
    store.shelf.evict(Kind.TAG)
    assert await slow.get("k") is None
    await slow.set("other", 1)
    assert await slow.get("k") is None


@pytest.mark.parametrize("executed", [False, True])
async def test_a_tag_record_that_is_not_acknowledged_forbids_the_fill(
    slow: Cache, store: SlowStore, executed: bool
) -> None:
    """R6: it may be undone, or come late."""
    await slow.set("other", "creates the record of the namespace")
    setattr(store, "mutes" if executed else "loses", of_kind(Kind.TAG))
    load = Load().finish()
    assert await slow.get_or_set("k", load, tags=["t"]) == "value 1"
    assert (store.shelf.keys(Kind.STUB), store.shelf.keys(Kind.VALUE)) == ([], ["v:test:other"])
    store.heal()
    assert await slow.get_or_set("k", load, tags=["t"]) == "value 2"
    assert await slow.get_or_set("k", load, tags=["t"]) == "value 2"


async def test_a_tag_record_without_an_answer_is_no_answer(slow: Cache, store: SlowStore) -> None:
    """R6"""
    await slow.set("k", "v", tags=["t"])
    store.silent = lambda key: key == "t:test:t"
    store.writes.clear()
    assert await slow.get("k") is None
    assert await slow.get_or_set("k", Load().finish(), tags=["t"]) == "value 1"
    assert not await slow.exists("k")
    assert store.writes == []
    store.heal()
    assert await slow.get("k") == "v"


async def test_two_that_create_a_record_agree(caches: Caches) -> None:
    """R6: who is refused takes the version that is there."""
    here, there = caches(caches.slow()), caches(caches.slow())
    one, two = Load().finish(), Load().finish()
    first = start(here.get_or_set("a", one, tags=["t"]))
    second = start(there.get_or_set("b", two, tags=["t"]))
    await first
    await second
    assert await here.get_many(["a", "b"]) == {"a": "value 1", "b": "value 1"}
    await there.invalidate(Tag("t"))
    assert await here.get_many(["a", "b"]) == {}


async def test_what_lacks_a_declared_tag_is_a_miss(either: Cache) -> None:
    """R6: else that tag would not forget it."""
    load = Load().finish()
    assert await either.get_or_set("k", load) == "value 1"
    assert await either.get_or_set("k", load, tags=["t"]) == "value 2"
    assert await either.get_or_set("k", load) == "value 2"
    await either.invalidate(Tag("t"))
    assert await either.get_or_set("k", load) == "value 3"


async def test_versions_are_those_from_before_the_load(slow: Cache, store: SlowStore) -> None:
    """R6: the fill of a load that an invalidation overtook is invalid from the start."""
    load = Load()
    caller = start(slow.get_or_set("k", load, tags=["t"]))
    await load.begun.wait()
    await slow.invalidate(Tag("t"))
    load.finish()
    assert await caller == "value 1"
    assert len(store.sent(Kind.VALUE)) == 1
    assert await slow.get("k") is None


async def test_a_tag_is_not_forgotten_by_another_namespace(
    caches: Caches, store: SlowStore
) -> None:
    here, there = caches(store), caches(store, namespace="another")
    await here.set("k", "here", tags=["t"])
    await there.set("k", "there", tags=["t"])
    await there.invalidate(Tag("t"))
    await there.clear()
    assert await here.get("k") == "here"
    assert await there.get("k") is None


async def test_a_cleared_cache_is_empty(either: Cache) -> None:
    await either.set_many({"a": 1, "b": 2}, tags=["t"])
    await either.clear()
    assert await either.get_many(["a", "b"]) == {}
    await either.set("a", 3)
    assert await either.get_many(["a", "b"]) == {"a": 3}


async def test_the_tags_of_a_function_follow_its_arguments(either: Cache) -> None:
    @either.cached(key="user:{user_id}", tags=["users", "user:{user_id}"])
    async def user(user_id: int) -> object:
        return object

    for number in (1, 2):
        await user(number)
    await either.invalidate(Tag("user:1"))
    assert not await either.exists("user:1")
    assert await either.exists("user:2")
    await either.invalidate(Tag("users"))
    assert not await either.exists("user:2")


async def test_a_warm_function_sees_its_tag_change(either: Cache) -> None:
    """R6: on the shortest path, too."""
    loads = 0

    @either.cached(key="count", tags=["t"])
    async def count() -> int:
        nonlocal loads
        loads += 1
        return loads

    assert [await count() for _ in range(3)] == [1, 1, 1]
    await either.invalidate(Tag("t"))
    assert [await count() for _ in range(3)] == [2, 2, 2]
    await either.clear()
    assert [await count() for _ in range(3)] == [3, 3, 3]


async def test_a_direct_call_does_not_vouch_for_a_function(either: Cache) -> None:
    """R6: what a call without the function's tags stored, the function may not serve."""

    @either.cached(key="k", tags=["t"])
    async def function() -> str:
        return "of the function"

    assert await function() == "of the function"
    await either.set("k", "set")
    assert await either.get("k") == "set"
    assert await function() == "of the function"
    await either.invalidate(Tag("t"))
    await ticks()
    assert await either.get("k") is None


async def test_tags_are_several(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match=r"write tags=\['t'\]"):
        await cache.set("k", 1, tags="t")


class Plain(Backend):
    """What an author may well write first: it hands out the very objects it was given."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    async def read(self, keys: Sequence[str]) -> Found:
        return {key: self.entries[key] for key in keys if key in self.entries}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [self._write(write) for write in writes]

    def _write(self, write: Write) -> Outcome:
        there = self.entries.get(write.key)
        if write.expected is not ANY and write.expected != (there.version if there else ABSENT):
            return REFUSED
        self.entries.pop(write.key, None)
        if write.entry is not None:
            self.entries[write.key] = write.entry
        return DONE


async def test_tags_are_compared_with_what_this_read_saw(caches: Caches) -> None:
    """R6, whatever an earlier read of the same object saw."""
    cache, load = caches(Plain()), Load().finish()
    for calls in (1, 2, 3):
        for _ in range(3):
            assert await cache.get_or_set("k", load, tags=["t"]) == f"value {calls}"
        await cache.invalidate(Tag("t"))
        assert await cache.get("k", "nothing") == "nothing"
