"""`type=` and `serializer=`: who decides what makes the bytes, and who reads them again."""

import logging
from functools import partial
from typing import Any, TypeVar, cast

import pytest

from cachekit import MISSING, Cache, ConfigurationError, EncodeError
from cachekit.signing import Signing
from cachekit.testing.shapes import shape
from cachekit_msgpack import MsgpackSerializer
from cachekit_pickle import PickleSerializer
from cachekit_pydantic import PydanticSerializer
from tests.core.helpers import Load, aged, ends, start, ticks
from tests.core.slow_store import SlowStore
from tests.serializers.conftest import Plain
from tests.serializers.looking import codecs, entry_of, values
from tests.serializers.things import Color, Page, Point, Product, Strange, product

pytestmark = pytest.mark.virtual

PLAIN = {"id": 1, "price": "0.125", "color": "red"}


T = TypeVar("T")


def echo(value: T) -> T:
    return value


class Prices:
    """A loader of products by key."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def one(self) -> Product:
        self.asked.append("one")
        return product()

    def many(self, keys: list[str]) -> dict[str, Product]:
        self.asked += keys
        return {key: product(int(key)) for key in keys}


# -- who decides


async def test_a_serializer_of_the_cache_overrides_annotations(caches: Plain) -> None:
    cache = caches(caches.slow(), serializer=MsgpackSerializer(types=[Product, Color]))

    @cache.cached(key="k")
    async def function() -> Product:
        return product()

    assert shape(await function()) == shape(await function()) == shape(product())
    assert shape(await cache.get("k")) == shape(product())
    assert function.info.loads == 1
    assert codecs(cache) == {"msgpack"}


async def test_the_name_of_a_serializer_overrides_annotations_too(caches: Plain) -> None:
    cache = caches(caches.slow(), serializer="orjson")

    @cache.cached(key="k")
    async def function() -> Product | dict[str, Any]:
        return PLAIN

    assert await function() == await function() == await cache.get("k") == PLAIN
    assert codecs(cache) == {"orjson"}


async def test_a_serializer_of_the_function_overrides_its_annotation(slow: Cache) -> None:
    @slow.cached(key="k", serializer="msgpack")
    async def function() -> Product | dict[str, Any]:
        return PLAIN

    assert await function() == await function() == await slow.get("k") == PLAIN
    assert codecs(slow) == {"msgpack"}


async def test_a_type_of_the_function_overrides_its_annotation(slow: Cache) -> None:
    """It is for who cannot annotate, or not well enough."""

    @slow.cached(key="k", type=Page[Product])
    async def function() -> Any:
        return Page[Product](items=[product()])

    @slow.cached_many(key="many:{ids}", type=Point | None)
    async def many(ids: list[int]) -> dict[int, object]:
        return {1: Point(1, ()), 2: None}

    @slow.cached(key="plain", type=dict)
    async def plain() -> Product | dict[str, Any]:
        return PLAIN

    for _ in range(2):
        assert shape(await function()) == shape(Page[Product](items=[product()]))
        assert shape(await many([1, 2])) == shape({1: Point(1, ()), 2: None})
        assert shape(await plain()) == shape(PLAIN)
    assert (function.info.loads, many.info.loads, plain.info.loads) == (1, 1, 1)
    written = {key: entry.codec for key, entry in values(slow).items()}
    assert written == {
        **dict.fromkeys(("k", "many:1", "many:2"), "pydantic"),
        "plain": "msgpack",
    }


async def test_a_type_of_the_cache_is_of_all_its_values(caches: Plain) -> None:
    cache = caches(caches.slow(), type=list[Product])
    await cache.set("k", [product()])
    assert shape(await cache.get("k")) == shape([product()])
    assert codecs(cache) == {"pydantic"}


async def test_a_serializer_or_a_type_not_both(cache: Cache) -> None:
    both: Any = {"serializer": "msgpack", "type": Product}
    message = r"give serializer= or type=, not both"
    for use in (Cache, cache.cached, cache.cached_many):
        with pytest.raises(ConfigurationError, match=message):
            use(**both)
    with pytest.raises(ConfigurationError, match=message):
        await cache.get_or_set("k", Load().finish(), **both)
    with pytest.raises(ConfigurationError, match=message):
        await cache.set("k", product(), **both)


@pytest.mark.parametrize("given", [5, "Product", None, product(), [Product], {"a": Product}, ()])
async def test_what_is_no_type(cache: Cache, given: Any) -> None:
    """Text has no module in which to look for its names."""
    wrong = pytest.raises(ConfigurationError, match=r"type must be a type, such as Product or")
    with wrong:
        cache.cached(type=given)
    with wrong:
        await cache.get("k", type=given)
    with wrong:
        await cache.get_many(["k"], type=given)
    with wrong:
        await cache.exists("k", type=given)
    with wrong:
        await cache.entry("k", type=given)
    with wrong:
        await cache.set("k", 1, type=given)
    with wrong:
        cache.sync.get("k", type=given)


async def test_a_type_that_names_what_is_not_defined(cache: Cache) -> None:
    nowhere: Any = list["NoSuchThing"]  # type: ignore[name-defined]  # noqa: F821
    mixed: Any = dict[str, Product | nowhere]
    with pytest.raises(ConfigurationError, match=r"type=.*names what is not defined: .*NoSuchThin"):
        await cache.get("k", type=mixed)


async def test_a_type_that_nothing_is_known_of_gets_the_serializer_of_the_cache(
    slow: Cache,
) -> None:
    await slow.set("k", 1, type=Strange)
    found: Any = await slow.get("k", type=Strange)
    assert found == await slow.get("k") == 1


# -- the methods


async def test_what_a_function_has_stored_is_read_with_its_type(either: Cache) -> None:
    @either.cached(key="product:{n}")
    async def function(n: int) -> Product:
        return product(n)

    await function(1)
    await function(2)
    assert shape(await either.get("product:1", type=Product)) == shape(product(1))
    assert await either.get("product:1") is None
    assert await either.get("product:1", MISSING) is MISSING
    assert await either.get("product:3", "none", type=Product) == "none"
    both = {"product:1": product(1), "product:2": product(2)}
    keys = [*both, "product:3"]
    assert shape(await either.get_many(keys, type=Product)) == shape(both)
    assert await either.get_many(keys) == {}
    assert await either.exists("product:1", type=Product)
    assert not await either.exists("product:1")
    found = await either.entry("product:1", type=Product)
    assert found is not None
    assert shape(found.value) == shape(product(1))
    assert await either.entry("product:1") is None
    assert function.info.loads == 2


async def test_what_is_set_with_a_type_is_read_with_it(either: Cache) -> None:
    await either.set("k", product(1), type=Product)
    await either.set_many({"l": product(2), "m": product(3)}, type=Product)
    assert await either.add("n", product(4), type=Product)
    assert not await either.add("n", product(5), type=Product)
    expected = {key: product(n) for n, key in enumerate("klmn", 1)}
    assert shape(await either.get_many(["k", "l", "m", "n"], type=Product)) == shape(expected)
    assert {entry_of(either, key).codec for key in "klmn"} == {"pydantic"}


async def test_what_is_loaded_with_a_type_is_read_with_it(either: Cache) -> None:
    prices = Prices()
    for _ in range(2):
        assert shape(await either.get_or_set("k", prices.one, type=Product)) == shape(product())
        found = await either.get_or_set_many(["1", "2"], prices.many, type=Product)
        assert shape(found) == shape({"1": product(1), "2": product(2)})
    assert shape(await either.get("k", type=Product)) == shape(product())
    assert shape(await either.get("2", type=Product)) == shape(product(2))
    assert prices.asked == ["one", "1", "2"]


@pytest.mark.parametrize("kind", ["memory", "bytes"])
def test_the_same_for_callers_that_block(blocking: Plain, kind: str) -> None:
    cache, prices = blocking(blocking.slow() if kind == "bytes" else None), Prices()
    sync = cache.sync
    sync.set("k", product(1), type=Product)
    sync.set_many({"l": product(2), "m": product(3)}, type=Product)
    assert sync.add("n", product(4), type=Product)
    assert not sync.add("n", product(5), type=Product)
    expected = {key: product(n) for n, key in enumerate("klmn", 1)}
    assert shape(sync.get_many(["k", "l", "m", "n"], type=Product)) == shape(expected)
    assert shape(sync.get("k", type=Product)) == shape(product(1))
    assert sync.get("k", "none") == "none"
    assert (sync.exists("k", type=Product), sync.exists("k")) == (True, False)
    entry = sync.entry("k", type=Product)
    assert entry is not None
    assert shape(entry.value) == shape(product(1))
    assert sync.entry("k") is None
    assert sync.touch("k", 5.0)
    for _ in range(2):
        assert shape(sync.get_or_set("o", prices.one, type=Product)) == shape(product())
        found = sync.get_or_set_many(["1", "2"], prices.many, type=Product)
        assert shape(found) == shape({"1": product(1), "2": product(2)})
    assert prices.asked == ["one", "1", "2"]


async def test_touch_needs_no_type(either: Cache) -> None:
    """It does not look at the value, so it takes any."""
    await either.set("k", product(), ttl=10, type=Product)
    assert await either.touch("k", 100)
    entry = await either.entry("k", type=Product)
    assert entry is not None
    assert entry.ttl == 100.0
    assert shape(await either.get("k", type=Product)) == shape(product())
    assert either.stats().foreign == 0


async def test_delete_needs_no_type(either: Cache) -> None:
    await either.set("k", product(), type=Product)
    await either.delete("k")
    assert not await either.exists("k", type=Product)


async def test_another_type_is_a_miss_in_memory_as_in_a_store_of_bytes(either: Cache) -> None:
    await either.set("k", product(), type=Product)
    assert await either.get("k", type=Point) is None
    assert await either.get("k", type=Product | None) is None
    assert either.stats().foreign == 2
    assert await either.get_or_set("k", lambda: Point(1, ()), type=Point) == Point(1, ())
    assert await either.get("k", type=Product) is None


async def test_a_cached_None_is_a_hit(either: Cache) -> None:
    load = Load(lambda n: None).finish()

    @either.cached(key="k")
    async def function() -> Product | None:
        return await load()  # type: ignore[no-any-return]

    assert await function() is await function() is None
    assert load.calls == 1
    assert await either.get("k", MISSING, type=Product | None) is None
    assert await either.get("k", MISSING) is MISSING
    await either.set("l", None, type=Color | None)
    assert await either.get("l", MISSING, type=Color | None) is None
    assert await either.exists("l", type=Color | None)


async def test_who_reads_without_the_type_is_told_once(
    either: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    await either.set_many({"k": product(), "l": product()}, type=Product)
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await either.get_many(["k", "l"]) == {}
        assert await either.get("k") is None
        assert await either.get_or_set("l", lambda: 1) == 1
    assert either.stats().foreign == 4
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(
        "v:test:k counts as a miss: it was written as pydantic and is asked for as msgpack: by "
        "hand, give get() the type= that the function is annotated to return, or the serializer="
    )


async def test_who_reads_another_type_by_hand_is_told_and_a_function_is_not(
    either: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """To a function that is what every release brings."""
    await either.set("k", product(), type=Product)

    @either.cached(key="k")
    async def function() -> Point:
        return Point(1, ())

    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await function() == Point(1, ())
        assert caplog.records == []
        for _ in range(2):
            assert await either.get("k", type=Product) is None
    assert either.stats().foreign == 3
    (said,) = caplog.messages
    assert "it is pydantic of another type, or of another version of that" in said


async def test_a_value_is_read_with_the_serializer_and_the_steps_that_it_was_stored_with(
    slow: Cache,
) -> None:
    """By `get`, `get_many`, `exists` and `entry`; they take nothing else of what `set` takes."""
    form: Any = {"serializer": PickleSerializer([bytes(32)]), "steps": [Signing([bytes(32)])]}
    await slow.set("k", product(), **form)
    assert await slow.get("k", **form) == product()
    assert await slow.get_many(["k"], **form) == {"k": product()}
    assert await slow.exists("k", **form)
    assert not await slow.exists("k")
    entry = await slow.entry("k", **form)
    assert entry is not None
    assert entry.value == product()
    with pytest.raises(TypeError, match=r"\['ttl'\] say nothing of how a value is read"):
        await slow.get("k", **cast("Any", {"ttl": 5}))


# -- values that are not what is annotated


async def test_a_value_that_is_something_else_is_served_and_not_stored(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    @slow.cached(key="k:{n}")
    async def function(n: int) -> Product:
        return cast("Product", PLAIN)

    with caplog.at_level(logging.WARNING, "cachekit"):
        for n in (1, 1, 2):
            found: Any = await function(n)
            assert found is PLAIN
    assert slow.stats().not_encoded == function.info.loads == 3
    assert values(slow) == {}
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith("a value for v:test:k:1 was served but not stored: a dict cannot be")
    assert "cached as Product" in said
    assert "annotate exactly what it is and holds, or take serializer=MsgpackSerializer" in said


async def test_each_class_of_such_values_is_told_of_once(
    slow: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "cachekit"):
        for value in (PLAIN, 1, PLAIN, Point(1, ()), 2):
            assert await slow.get_or_set("k", partial(echo, value), type=Product) == value
    said = [record.getMessage() for record in caplog.records]
    kinds = ["a dict", "an int", "a tests.serializers.things.Point"]
    assert [text.partition(": ")[2].partition(" cannot")[0] for text in said] == kinds
    assert slow.stats().not_encoded == 5


async def test_who_waited_for_such_a_value_has_one_as_well(slow: Cache) -> None:
    load = Load(lambda n: {"n": n})
    callers = [start(slow.get_or_set("k", load, type=Product)) for _ in range(3)]
    await load.begun.wait()
    await ticks()
    load.finish()
    found = await ends(*callers)
    assert sorted(value["n"] for value in found) == [1, 2, 3]  # their own: no copy can be made
    assert slow.stats().fills == 0


async def test_an_old_value_outlives_one_that_is_something_else(slow: Cache) -> None:
    await slow.set("k", product(), ttl=10, stale_if_error=100, type=Product)
    load = Load(lambda n: PLAIN).finish()
    options: Any = {"ttl": 10, "stale_if_error": 100, "type": Product}
    await aged(slow, "other")
    assert await slow.get_or_set("k", load, **options) == PLAIN
    entry = await slow.entry("k", type=Product)
    assert entry is not None
    assert shape(entry.value) == shape(product())


async def test_what_is_set_must_be_what_it_says(slow: Cache) -> None:
    wrong = pytest.raises(EncodeError, match=r"a dict cannot be cached as Product: .* annotate")
    with wrong:
        await slow.set("k", PLAIN, type=Product)
    with wrong:
        await slow.set_many({"k": PLAIN, "l": product()}, type=Product)
    with wrong:
        await slow.add("m", PLAIN, type=Product)

    @slow.cached(key="n")
    async def function() -> Product:
        raise AssertionError

    with wrong:
        await function.set(PLAIN)  # type: ignore[arg-type]
    assert list(values(slow)) == ["l"]


async def test_a_subclass_is_not_cut_down_to_what_is_annotated(slow: Cache) -> None:
    """Else the first caller would get another type than the next one."""

    class Toy(Product):
        age: int = 3

    @slow.cached(key="k")
    async def function() -> Product:
        return Toy(id=1)

    for _ in range(2):
        assert shape(await function()) == shape(Toy(id=1))
    assert (slow.stats().not_encoded, values(slow)) == (2, {})


async def test_a_serializer_by_hand_reads_what_a_function_has_stored(slow: Cache) -> None:
    """What the annotation says is all there is to it: no name of a function is in the schema."""

    @slow.cached(key="k")
    async def function() -> "list[Product]":
        return [product()]

    await function()
    by_hand = PydanticSerializer(list[Product])
    assert entry_of(slow).schema == by_hand.fingerprint
    assert by_hand.loads(entry_of(slow).payload or b"") == [product()]
