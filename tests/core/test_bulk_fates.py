"""`get_or_set_many`: no caller's and no key's fate is another's."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from cachekit import Cache, Key
from cachekit.entry import Kind
from cachekit.policy import LEASE, PASS
from tests.core.helpers import TTL, Load, Loads, ends, start, ticks, values
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual

SERVING: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": 60.0}
WAITING: dict[str, Any] = {"ttl": TTL, "stale_if_error": 60.0}


def many(
    cache: Cache, keys: Iterable[str], load: Any, **options: Any
) -> "asyncio.Task[dict[str, Any]]":
    return start(cache.get_or_set_many(keys, load, **options))


# -- fates


async def test_a_value_that_cannot_be_encoded_harms_no_other(slow: Cache) -> None:
    load = Loads(lambda key, n: (lambda: key) if key == "b" else f"{key} {n}")
    tasks = [many(slow, ["a", "b", "c"], load) for _ in range(2)]
    await load.begun.wait()
    load.finish()
    for answer in await ends(*tasks):
        assert (answer["a"], answer["b"](), answer["c"]) == ("a 1", "b", "c 1")
    assert await slow.get_many(["a", "b", "c"]) == values("ac")


async def test_if_it_fails_all_who_share_it_have_the_error(either: Cache) -> None:
    load, error = Loads(), ConnectionError("down")
    tasks = [many(either, ["a", "b"], load) for _ in range(3)]
    await load.begun.wait()
    tasks += [many(either, ["b"], load), start(either.get_or_set("a", Load()))]
    await ticks()
    load.fail(error)
    assert await ends(*tasks) == [error] * 5
    assert len(load.asked) == 1


async def test_if_it_fails_what_is_stale_is_served(either: Cache) -> None:
    await either.set_many({"a": "old", "b": "old"}, **WAITING)
    await asyncio.sleep(TTL)
    load = Loads().fail(ConnectionError("down"))
    assert await many(either, ["a", "b"], load, **WAITING) == {"a": "old", "b": "old"}
    with pytest.raises(ConnectionError):
        await many(either, ["a", "b", "new"], load, **WAITING)


async def test_while_the_origin_is_down_it_is_asked_once_a_second(either: Cache) -> None:
    """R3, R5: for what is stale, as by single callers."""
    await either.set_many({"a": "old", "b": "old"}, **WAITING)
    await asyncio.sleep(TTL)
    load = Loads().fail(ConnectionError("down"))
    for _ in range(30):
        assert await many(either, ["a", "b"], load, **WAITING) == {"a": "old", "b": "old"}
        await asyncio.sleep(0.1)
    assert len(load.asked) <= 3
    await asyncio.sleep(PASS)


@pytest.mark.parametrize("kinds", [(Kind.PASS,), (Kind.PASS, Kind.STUB)])
async def test_also_by_a_process_whose_store_takes_nothing(
    slow: Cache, store: SlowStore, kinds: tuple[Kind, ...]
) -> None:
    """R5: what failed a moment ago it remembers itself."""
    await slow.set_many({"a": "old", "b": "old"}, **WAITING)
    await asyncio.sleep(TTL)
    store.loses = of_kind(*kinds)
    load = Loads().fail(ConnectionError("down"))
    for _ in range(30):
        assert await many(slow, ["a", "b"], load, **WAITING) == {"a": "old", "b": "old"}
        await asyncio.sleep(0.1)
    assert len(load.asked) <= 3
    await asyncio.sleep(LEASE)  # the last claims end by themselves


async def test_who_is_cancelled_harms_nobody(either: Cache) -> None:
    load = Loads()
    leader = many(either, ["a", "b"], load)
    await load.begun.wait()
    other, single = many(either, ["b", "a"], load), start(either.get_or_set("a", Load()))
    await ticks()
    for task in (leader, single):
        task.cancel()
        await ends(task)
    load.finish()
    assert await other == values("ab")
    assert (len(load.asked), load.cancelled) == (1, 0)


async def test_the_load_goes_on_for_one_key_that_is_waited_for(either: Cache) -> None:
    load = Loads()
    leader = many(either, ["a", "b", "c"], load)
    await load.begun.wait()
    single = start(either.get_or_set("b", Load()))
    await ticks()
    leader.cancel()
    await ends(leader)
    load.finish()
    assert await single == "b 1"
    assert (len(load.asked), load.cancelled) == (1, 0)
    assert await either.get("b") == "b 1"


async def test_if_all_are_cancelled_so_is_the_load(either: Cache) -> None:
    load = Loads()
    tasks = [many(either, ["a", "b"], load), many(either, ["b"], load)]
    await load.begun.wait()
    await ticks()
    for task in tasks:
        task.cancel()
        await ends(task)
    await ticks()
    assert load.cancelled == 1
    again = Loads().finish()
    assert await asyncio.wait_for(many(either, ["a", "b"], again), 0.3) == values("ab")


async def test_what_is_forgotten_during_the_load_is_not_stored(either: Cache) -> None:
    """R1: key by key."""
    load = Loads()
    task = many(either, ["a", "b", "c"], load)
    await load.begun.wait()
    await either.invalidate(Key("b"))
    later = many(either, ["a", "b"], Loads("new {} {}".format).finish())
    await ticks()
    load.finish()
    assert await task == values("abc")
    assert await later == {"a": "a 1", "b": "new b 1"}
    assert await either.get_many(["a", "b", "c"]) == {**values("ac"), "b": "new b 1"}


# -- what is stale


async def test_what_is_stale_is_refreshed_in_one_call(either: Cache) -> None:
    await either.set_many(dict.fromkeys("abc", "old"), **SERVING)
    await asyncio.sleep(TTL)
    await either.set("c", "fresh")
    load = Loads()
    for _ in range(10):
        answer = await many(either, ["a", "b", "c"], load, **SERVING)
        assert answer == {"a": "old", "b": "old", "c": "fresh"}
    await ticks()
    load.finish()
    await ticks()
    assert load.asked == [["a", "b"]]
    assert await many(either, ["a", "b"], load) == values("ab")


async def test_what_is_missing_is_loaded_meanwhile(either: Cache) -> None:
    await either.set("a", "old", **SERVING)
    await asyncio.sleep(TTL)
    load = Loads().finish()
    answer = await many(either, ["a", "b"], load, **SERVING)
    assert (answer["a"], set(answer)) == ("old", {"a", "b"})
    await ticks()
    assert sorted(load.asked) == [["a"], ["b"]]


async def test_what_a_refresh_leaves_out_is_gone(either: Cache) -> None:
    await either.set_many({"a": "old", "b": "old"}, **SERVING)
    await asyncio.sleep(TTL)
    load = Loads().finish()
    load.without = {"b"}
    await many(either, ["a", "b"], load, **SERVING)
    await ticks()
    assert (await either.get("a"), load.asked) == ("a 1", [["a", "b"]])
    assert not await either.exists("b")
