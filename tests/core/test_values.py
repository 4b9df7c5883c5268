"""What comes out: as it went in, and each caller's own."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cachekit import MISSING, Cache, EncodeError
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import Load, PickleSerializer, ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


@dataclass
class Basket:
    """A value with something to change in it."""

    items: list[str] = field(default_factory=list)


def add_to_list(value: Any) -> None:
    value.append("mine")


def add_to_dict(value: Any) -> None:
    value["inner"]["mine"] = True


def add_to_basket(value: Any) -> None:
    value.items.append("mine")


@dataclass(frozen=True)
class Mutable:
    """How to make a value, and how a caller changes it."""

    make: Callable[[], Any]
    change: Callable[[Any], None]


MUTABLE = {
    "list": Mutable(lambda: ["a"], add_to_list),
    "dict": Mutable(lambda: {"inner": {"a": [1]}}, add_to_dict),
    "dataclass": Mutable(lambda: Basket(["a"]), add_to_basket),
}


@pytest.fixture(params=MUTABLE)
def mutable(request: pytest.FixtureRequest) -> Mutable:
    return MUTABLE[request.param]


async def test_no_caller_changes_what_the_next_one_gets(either: Cache, mutable: Mutable) -> None:
    load = Load(lambda n: mutable.make()).finish()
    for _ in range(4):
        value = await either.get_or_set("k", load)
        assert value == mutable.make()
        mutable.change(value)
        found = await either.get("k")
        assert found == mutable.make()
        mutable.change(found)
    assert load.calls == 1


async def test_no_caller_changes_what_another_waiter_gets(either: Cache, mutable: Mutable) -> None:
    """The leader neither, nor the other way round."""
    load = Load(lambda n: mutable.make())

    async def call() -> Any:
        value = await either.get_or_set("k", load)
        unchanged = value == mutable.make()
        mutable.change(value)
        return value, unchanged

    callers = [start(call()) for _ in range(5)]
    await load.begun.wait()
    await ticks()
    load.finish()
    results = await ends(*callers)
    assert [unchanged for _, unchanged in results] == [True] * 5
    assert len({id(value) for value, _ in results}) == 5
    assert await either.get("k") == mutable.make()
    assert load.calls == 1


async def test_a_loader_that_keeps_what_it_returned(either: Cache, mutable: Mutable) -> None:
    kept = mutable.make()
    await either.get_or_set("k", lambda: kept)
    mutable.change(kept)
    assert await either.get("k") == mutable.make()


async def test_a_function_that_returns_something_mutable(either: Cache, mutable: Mutable) -> None:
    @either.cached(key="k")
    async def function() -> Any:
        return mutable.make()

    for _ in range(4):
        mutable.change(await function())
    assert await function() == mutable.make()
    assert function.info.loads == 1


async def test_of_an_unstored_load_too_each_has_its_own(
    slow: Cache, store: SlowStore, mutable: Mutable
) -> None:
    await slow.open()
    store.error = OSError("gone")
    load = Load(lambda n: mutable.make()).finish()
    one, other = await ends(*(start(slow.get_or_set("k", load)) for _ in range(2)))
    mutable.change(one)
    assert other == mutable.make()
    assert load.calls == 1
    store.heal()


class JsonSerializer(PickleSerializer):
    """One that changes what it is given: a tuple comes back as a list."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


async def test_who_loads_gets_what_later_callers_get(caches: Caches, store: SlowStore) -> None:
    """The same type and shape for everyone."""
    cache = caches(store, serializer=JsonSerializer())
    load = Load(lambda n: ("a", ("b",))).finish()
    values = await ends(*(start(cache.get_or_set("k", load)) for _ in range(3)))
    values.append(await cache.get("k"))
    assert values == [["a", ["b"]]] * 4


async def test_what_cannot_change_is_not_copied(cache: Cache) -> None:
    value = ("a", (1, 2.0, b"b"), frozenset({None}))
    await cache.set("k", value)
    assert await cache.get("k") is value


def generated() -> Iterator[int]:
    yield 1


UNCOPIABLE: dict[str, Callable[[], Any]] = {"generator": generated, "lock": threading.Lock}


@pytest.fixture(params=UNCOPIABLE)
def uncopiable(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return UNCOPIABLE[request.param]


async def test_what_cannot_be_copied_is_served_all_the_same(
    either: Cache, uncopiable: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Each waiter loads for itself; warned once, counted, nothing left behind."""
    load = Load(lambda n: uncopiable())
    callers = [start(either.get_or_set("k", load)) for _ in range(5)]
    await load.begun.wait()
    await ticks()
    load.finish()
    with caplog.at_level(logging.WARNING, "cachekit"):
        values = await ends(*callers)
        values.append(await either.get_or_set("k", load))
    assert len({id(value) for value in values}) == 6
    assert {type(value) for value in values} == {type(uncopiable())}
    assert load.calls == 6
    assert either.stats().not_encoded >= 2
    assert len(caplog.records) == 1
    assert "was served but not stored" in caplog.text
    assert await either.get("k", MISSING) is MISSING


class Grumpy:
    """Each refuses to be copied in words of its own."""

    def __reduce__(self) -> str:
        raise TypeError(f"not this one, {id(self)}")


async def test_the_warning_is_one_for_each_type(
    either: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    kept = [Grumpy() for _ in range(5)]
    for n, value in enumerate(kept):
        assert await either.get_or_set(f"k{n}", lambda value=value: value) is value  # type: ignore[misc]
    assert len(caplog.records) == 1


async def test_what_cannot_be_copied_is_an_error_where_it_is_set(
    cache: Cache, uncopiable: Callable[[], Any]
) -> None:
    for work in (cache.set("k", uncopiable()), cache.add("k", uncopiable())):
        with pytest.raises(EncodeError, match="share=True"):
            await work
    assert await cache.get("k", MISSING) is MISSING


async def test_what_has_no_bytes_is_an_error_where_it_is_set(slow: Cache, store: SlowStore) -> None:
    with pytest.raises(EncodeError):
        await slow.set("k", threading.Lock())
    assert store.operations == 0


async def test_what_cannot_be_stored_leaves_a_pass(slow: Cache, store: SlowStore) -> None:
    """R3: others do not wait for a value that never comes."""
    await slow.get_or_set("k", threading.Lock)
    assert store.shelf.keys(Kind.PASS) == ["v:test:k"]


async def test_shared_it_is_the_same_object_for_all(caches: Caches) -> None:
    cache = caches(share=True)
    load = Load(lambda n: threading.Lock())
    callers = [start(cache.get_or_set("k", load)) for _ in range(5)]
    await load.begun.wait()
    load.finish()
    values = await ends(*callers)
    values.append(await cache.get("k"))
    assert len({id(value) for value in values}) == 1
    await cache.set("other", basket := Basket())
    assert await cache.get("other") is basket


async def test_one_function_may_share(cache: Cache) -> None:
    @cache.cached(key="shared", share=True)
    async def shared() -> Basket:
        return Basket()

    @cache.cached(key="copied")
    async def copied() -> Basket:
        return Basket()

    assert await shared() is await shared()
    assert await copied() is not await copied()


async def test_a_cached_none_is_a_hit(either: Cache) -> None:
    load = Load(lambda n: None).finish()
    assert await either.get_or_set("k", load) is None
    assert await either.get_or_set("k", load) is None
    assert load.calls == 1
    assert await either.get("k", MISSING) is None
    assert await either.get("k", "default") is None
    assert await either.get_many(["k", "l"]) == {"k": None}
    assert await either.exists("k")
    assert either.stats().hits == 4


async def test_a_function_that_returns_none(either: Cache) -> None:
    @either.cached(key="k")
    async def function() -> None:
        return None

    for _ in range(3):
        await function()
    assert function.info.loads == 1
    assert await function.get() is None
    await function.invalidate()
    assert await function.get() is MISSING


async def test_what_is_not_there_is_its_default(either: Cache) -> None:
    assert await either.get("k") is None
    assert await either.get("k", MISSING) is MISSING
    assert await either.get("k", 7) == 7
    assert await either.get_many([]) == {}
    assert not await either.exists("k")


async def test_what_is_asked_again_with_more_than_its_key_is_another_question(
    either: Cache,
) -> None:
    await either.set("k", 1)
    await either.set("b", Basket(["milk"]), type=Basket)
    for _ in range(2):
        assert [await either.get("k"), await either.get("b")] == [1, None]
        assert await either.get("k", type=Basket) is None
        assert await either.get("b", type=Basket) == Basket(["milk"])


async def test_falsy_values_are_values(either: Cache) -> None:
    falsy: list[object] = [0, "", False, b"", [], {}, ()]
    for value in falsy:
        await either.set("k", value)
        assert await either.get("k", MISSING) == value
        assert await either.get_or_set("k", Load()) == value


async def test_hits_and_misses_are_counted(either: Cache) -> None:
    load = Load().finish()
    await either.get("k")
    await either.get_or_set("k", load)
    await either.get_or_set("k", load)
    await either.get_many(["k", "l"])
    stats = either.stats()
    assert (stats.hits, stats.misses, stats.loads, stats.fills) == (2, 3, 1, 1)
    assert stats.hit_ratio == pytest.approx(0.4)


async def test_a_function_counts_for_itself(either: Cache) -> None:
    @either.cached(key="of:{n}")
    async def function(n: int) -> int:
        return n

    await asyncio.gather(*(function(n) for n in (1, 1, 2)))
    await function(1)
    assert (function.info.hits, function.info.misses, function.info.loads) == (1, 3, 2)


class WriteOnly(PickleSerializer):
    """Cannot read what it wrote."""

    def loads(self, data: bytes) -> Any:
        raise ValueError("unreadable")


class Choking(PickleSerializer):
    """Raises what no serializer should."""

    def dumps(self, value: Any) -> bytes:
        raise ZeroDivisionError("choked")


@pytest.mark.parametrize("serializer", [WriteOnly(), Choking()])
async def test_a_serializer_that_fails_harms_no_caller(
    caches: Caches, store: SlowStore, serializer: PickleSerializer
) -> None:
    cache = caches(store, serializer=serializer)
    load = Load(lambda number: [number]).finish()
    for calls in (1, 2):
        assert await cache.get_or_set("k", load) == [calls]
    together = await asyncio.gather(*(cache.get_or_set("k", load) for _ in range(3)))
    assert sorted(together) == [[3], [4], [5]]


async def test_who_joins_reads_with_the_leaders_serializer(
    caches: Caches, store: SlowStore
) -> None:
    cache = caches(store)
    load = Load()

    @cache.cached(key="item:{n}", serializer=JsonSerializer())
    async def item(n: int) -> Any:
        return await load()

    leader = start(item(1))
    await load.begun.wait()
    joiner = start(cache.get_or_set("item:1", load))
    await ticks()
    load.finish()
    assert await ends(leader, joiner) == ["value 1", "value 1"]
