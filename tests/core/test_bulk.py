"""`get_or_set_many`: one read, one call of the loader and one fill, shared key by key."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from cachekit import Cache, Tag
from cachekit.batch import MOST
from cachekit.bulk import one_of
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, Loads, PickleSerializer, ends, start, ticks, time, values
from tests.core.slow_store import SlowStore
from tests.core.threads import Gate, Threads, until

pytestmark = pytest.mark.virtual

SERVING: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": 60.0}


def many(
    cache: Cache, keys: Iterable[str], load: Any, **options: Any
) -> "asyncio.Task[dict[str, Any]]":
    return start(cache.get_or_set_many(keys, load, **options))


# -- many keys, half of them cold, from many tasks at once


THOUSAND = [f"k{n}" for n in range(1000)]
TOGETHER = THOUSAND[: MOST - 12]  # with their tags they travel together


async def operations(caches: Caches, tasks: int) -> int:
    """How many batches the store sees for so many tasks; and that all is as it should be."""
    store = caches.slow()
    cache, load = caches(store), Loads().finish()
    await cache.set_many(values(TOGETHER[::2], 0))
    before = store.operations
    answers = await asyncio.gather(*(many(cache, TOGETHER, load) for _ in range(tasks)))
    for answer in answers:
        assert answer == {**values(TOGETHER[::2], 0), **values(TOGETHER[1::2])}
    assert sorted(load.keys) == sorted(TOGETHER[1::2])
    await cache.clear()
    return store.operations - before


async def test_each_cold_key_is_in_one_call_of_the_loader(caches: Caches) -> None:
    """And the store is asked no more often by ten tasks than by one: read, tags, lease, fill."""
    alone = await operations(caches, 1)
    assert alone <= 6
    assert await operations(caches, 10) == alone


async def test_tasks_that_ask_for_some_of_the_same(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    load = Loads()
    tasks = [many(slow, THOUSAND[n * 100 : n * 100 + 200], load) for n in range(9)]
    await ticks(100)
    load.finish()
    for number, answer in enumerate(await ends(*tasks)):
        assert list(answer) == THOUSAND[number * 100 : number * 100 + 200]
    assert sorted(load.keys) == sorted(THOUSAND)
    assert len(store.reads) < 10


async def test_three_processes_share_too(fleet: list[Cache]) -> None:
    keys, load = THOUSAND[:100], Loads()
    tasks = [many(cache, keys, load) for cache in fleet * 3]
    await asyncio.sleep(3)
    load.finish()
    answers = await ends(*tasks)
    assert [set(answer) for answer in answers] == [set(keys)] * 9
    assert sorted(load.keys) == sorted(keys)
    assert time() < 3.5  # one stub is waited for, then all are looked at again
    assert sum(cache.stats().misses for cache in fleet) == 900


# -- with those who ask for one key


async def test_one_who_asks_for_a_key_shares_it(either: Cache) -> None:
    load, one = Loads(), Load()
    task = many(either, ["a", "b"], load)
    await load.begun.wait()
    single = start(either.get_or_set("b", one))
    await ticks()
    load.finish()
    assert await ends(task, single) == [values("ab"), "b 1"]
    assert one.calls == 0


async def test_and_the_other_way_round(either: Cache) -> None:
    load, one = Loads(), Load()
    single = start(either.get_or_set("b", one))
    await one.begun.wait()
    task = many(either, ["a", "b", "c"], load)
    await load.begun.wait()
    load.finish()
    await ticks()
    assert not task.done()
    one.finish()
    assert await ends(single, task) == ["value 1", {**values("ac"), "b": "value 1"}]
    assert load.asked == [["a", "c"]]


async def test_what_is_left_out_is_absent_and_asked_for_again(either: Cache) -> None:
    load = Loads().finish()
    load.without = {"b", "c"}
    assert await many(either, ["a", "b", "c"], load) == values("a")
    assert not await either.exists("b")
    load.without = {"c"}
    assert await many(either, ["a", "b", "c"], load) == {"a": "a 1", "b": "b 2"}
    assert load.asked == [["a", "b", "c"], ["b", "c"]]


async def test_who_shared_a_key_that_is_left_out(either: Cache) -> None:
    """Bulk callers do without it, a single one loads it."""
    load, one = Loads(), Load().finish()
    load.without = {"b"}
    tasks = [many(either, ["a", "b"], load) for _ in range(3)]
    await load.begun.wait()
    single = start(either.get_or_set("b", one))
    await ticks()
    load.finish()
    assert await ends(*tasks, single) == [values("a")] * 3 + ["value 1"]
    assert await either.get("b") == "value 1"


# -- what it takes


async def test_what_may_be_asked(either: Cache) -> None:
    load = Loads().finish()
    assert await either.get_or_set_many([], load) == {}
    assert load.asked == []
    assert await either.get_or_set_many((key for key in "aab"), load) == values("ab")
    assert await either.get_or_set_many(["b", "a", "b"], load) == values("ba")
    assert load.asked == [["a", "b"]]
    assert await either.get_or_set_many(["c"], lambda keys: dict.fromkeys(keys)) == {"c": None}


async def test_what_is_no_mapping_is_none_for_who_loads_alone_either() -> None:
    async def awaited(keys: list[str]) -> list[str]:
        return keys

    with pytest.raises(TypeError, match="a mapping of what is there, by name"):
        one_of(list, "a")()
    with pytest.raises(TypeError, match="a mapping of what is there, by name"):
        await one_of(awaited, "a")()


@pytest.mark.parametrize("result", [None, ["a"], "a", {"a"}])
async def test_what_is_no_mapping(either: Cache, result: Any) -> None:
    with pytest.raises(TypeError, match="a mapping of what is there, by name"):
        await either.get_or_set_many(["a", "b"], lambda keys: result)


async def test_what_is_no_loader_or_no_list(cache: Cache) -> None:
    with pytest.raises(TypeError, match="loader must be a function of a list of keys"):
        await cache.get_or_set_many(["a"], {"a": 1})  # type: ignore[call-overload]
    with pytest.raises(Exception, match=r"write keys=\['ab'\]"):
        await cache.get_or_set_many("ab", Loads())


async def test_tags_and_options(either: Cache) -> None:
    await many(either, ["a", "b"], Loads().finish(), tags=["t"], ttl=5, when=lambda v: v != "b 1")
    assert await either.get_many(["a", "b"]) == values("a")
    await either.invalidate(Tag("t"))
    assert not await either.exists("a")


async def test_in_a_deferred_block(either: Cache) -> None:
    """R11: what is pending is not read, and nothing is stored or shared."""
    await either.set_many({"a": "old", "b": "old"})
    load = Loads().finish()
    async with either.deferred():
        await either.delete("b")
        answer = await either.get_or_set_many(["a", "b", "c"], load)
        assert answer == {"a": "old", **values("bc")}
    assert load.asked == [["b", "c"]]
    assert await either.get_many(["a", "b", "c"]) == {"a": "old"}


async def test_disabled(caches: Caches) -> None:
    cache, load = caches(disabled=True), Loads().finish()
    for number in (1, 2):
        assert await cache.get_or_set_many(["a", "b"], load) == values("ab", number)


async def test_inside_of_loads(either: Cache) -> None:
    """R9: two loads that wait for what the other one loads go on."""

    async def first() -> Any:
        await asyncio.sleep(0.1)
        return await either.get_or_set_many(["y", "z"], Loads().finish())

    async def second() -> Any:
        await asyncio.sleep(0.1)
        return await either.get_or_set_many(["x", "z"], Loads().finish())

    answers = await asyncio.gather(either.get_or_set("x", first), either.get_or_set("y", second))
    assert all(set(answer) >= {"z"} for answer in answers)


async def test_its_own_key_is_a_recursion_error(either: Cache) -> None:
    async def load(keys: list[str]) -> Any:
        return await either.get_or_set_many(["c", "a"], load)

    with pytest.raises(RecursionError, match="needed by its own load"):
        await either.get_or_set_many(["a", "b"], load)


async def test_what_it_counts(either: Cache) -> None:
    load = Loads().finish()
    await either.set("a", "old")
    for _ in range(2):
        await many(either, ["a", "b", "c"], load)
    stats = either.stats()
    assert (stats.hits, stats.misses, stats.loads, stats.fills) == (4, 2, 1, 2)


# -- those who block


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_those_who_block_share_too(frozen: Caches, threads: Threads, kind: str) -> None:
    cache, gate = frozen(frozen.slow() if kind == "slow" else None), Gate()

    def load(keys: list[str]) -> dict[str, str]:
        return dict.fromkeys(keys, gate())

    def get(_: int) -> dict[str, str]:
        return cache.sync.get_or_set_many(["a", "b"], load)

    first = [threads.run(lambda: get(0)) for _ in range(5)]
    gate.begun.wait(10)
    gate.finish()
    assert [future.result(10) for future in first] == [{"a": "value 1", "b": "value 1"}] * 5
    assert cache.sync.get_or_set("a", lambda: "own") == "value 1"
    assert gate.calls == 1


def test_those_who_block_have_it_refreshed_in_one_call(
    frozen: Caches, fake_clock: FakeClock
) -> None:
    cache, asked = frozen(), list[list[str]]()

    def load(keys: list[str]) -> dict[str, str]:
        asked.append(keys)
        return values(keys)

    cache.sync.set_many({"a": "old", "b": "old"}, **SERVING)
    fake_clock.advance(TTL)
    assert cache.sync.get_or_set_many(["a", "b"], load, **SERVING) == {"a": "old", "b": "old"}
    until(lambda: cache.sync.get_many(["a", "b"]) == values("ab"))
    assert asked == [["a", "b"]]


def test_a_serializer_that_is_named(frozen: Caches) -> None:
    cache = frozen(frozen.slow())
    load = dict.fromkeys
    assert cache.sync.get_or_set_many(["a"], load, serializer=PickleSerializer()) == {"a": None}
