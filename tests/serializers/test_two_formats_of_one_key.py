"""Callers in one process who want two formats, types or versions under one key, at once."""

import logging
from typing import Any

import pytest

from cachekit import MISSING, Cache, EncodeError
from cachekit.testing.shapes import shape
from cachekit_msgpack import MsgpackSerializer
from tests.core.helpers import Load, ends, start, ticks
from tests.serializers.conftest import Plain
from tests.serializers.looking import codecs, entry_of
from tests.serializers.test_typed_functions import named
from tests.serializers.things import Color, Point, Product, product

pytestmark = pytest.mark.virtual

POINT = Point(1, (2,))

Wish = tuple[dict[str, Any], Any]

APART: dict[str, tuple[Wish, Wish]] = {
    "two types": (({"type": Product}, product()), ({"type": Point}, POINT)),
    "a type and none": (({"type": Product}, product()), ({}, ["plain"])),
    "two orders": (({"type": Product | Point}, POINT), ({"type": Point | Product}, POINT)),
    "two serializers": (({"serializer": "msgpack"}, ["a"]), ({"serializer": "orjson"}, ["b"])),
    "two versions": (({"version": 1}, "one"), ({"version": 2}, "two")),
    "none and a version": (({}, "plain"), ({"version": 1}, "one")),
}

TOGETHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one type": ({"type": Product}, {"type": Product}),
    "one version": ({"type": Product, "version": 1}, {"type": Product, "version": "1"}),
    "any version": ({"type": Product, "version": 1}, {"type": Product}),
    "two lifetimes": ({"type": Product, "ttl": 1}, {"type": Product, "ttl": 60}),
    "two sizes": ({"type": Product}, {"type": Product, "max_value_bytes": 1000}),
}


async def at_once(cache: Cache, *calls: tuple[Load, dict[str, Any]]) -> list[Any]:
    """What callers get, each of whom comes when all before them wait."""
    callers = []
    for load, options in calls:
        callers.append(start(cache.get_or_set("k", load, **options)))
        await ticks()
    for load, _ in calls:
        load.finish()
    return await ends(*callers)


@pytest.mark.parametrize("pair", named(APART))
async def test_each_gets_what_its_own_loader_makes(either: Cache, pair: tuple[Wish, Wish]) -> None:
    loads = [Load(lambda n, value=value: value) for _, value in pair]  # type: ignore[misc]
    calls = [(load, options) for load, (options, _) in zip(loads, pair, strict=True)]
    found = await at_once(either, *calls, *calls)
    assert shape(found) == shape([value for _, value in pair] * 2)
    assert [load.calls >= 1 for load in loads] == [True, True]


@pytest.mark.parametrize("pair", named(TOGETHER))
async def test_who_wants_the_same_shares_one_load(
    either: Cache, pair: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    loads = Load(lambda n: product()), Load(lambda n: product())
    calls = list(zip(loads, pair, strict=True))
    found = await at_once(either, *calls, *calls)
    assert shape(found) == shape([product()] * 4)
    assert [load.calls for load in loads] == [1, 0]
    assert (either.stats().shared, either.stats().waits) == (3, 0)


# -- a serializer by name, and a type at the call


@pytest.fixture
def with_msgpack(caches: Plain) -> Cache:
    """A cache on a store of bytes, with a serializer that carries a class."""
    return caches(caches.slow(), serializer=MsgpackSerializer(types=[Product, Color]))


async def test_a_type_at_the_call_wins_over_the_serializer_of_the_cache(
    with_msgpack: Cache,
) -> None:
    cache, load = with_msgpack, Load(lambda n: POINT).finish()
    with pytest.raises(EncodeError):
        await cache.set("set", POINT)
    await cache.set("set", POINT, type=Point)
    assert await cache.add("added", POINT, type=Point)

    @cache.cached(key="function", type=Point)
    async def function() -> Any:
        return await load()

    for _ in range(2):
        assert await function() == await cache.get_or_set("direct", load, type=Point) == POINT
    assert load.calls == 2
    keys = ["set", "added", "function", "direct"]
    assert await cache.get_many(keys, type=Point) == dict.fromkeys(keys, POINT)
    assert codecs(cache) == {"pydantic"}


async def test_what_a_named_serializer_has_written_is_read_without_a_type(
    with_msgpack: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """An annotation says nothing there, so `type=` asks for another format; who does is told."""

    @with_msgpack.cached(key="k")
    async def function() -> Product:
        return product()

    await function()
    with caplog.at_level(logging.WARNING, "cachekit"):
        assert await with_msgpack.get("k", MISSING, type=Product) is MISSING
    (record,) = caplog.records
    said = record.getMessage()
    assert "written as msgpack and is asked for as pydantic" in said
    assert "or the serializer= and steps= that it was stored with" in said
    assert shape(await with_msgpack.get("k")) == shape(product())
    assert entry_of(with_msgpack).codec == "msgpack"


async def test_a_type_at_the_call_wins_over_that_of_the_cache(caches: Plain) -> None:
    cache = caches(caches.slow(), type=Product)
    await cache.set("default", product())
    await cache.set("number", 5, type=int)
    await cache.set("point", POINT, type=Point)
    assert await cache.get("number", type=int) == 5
    assert await cache.get("point", type=Point) == POINT
    assert shape(await cache.get("default")) == shape(product())
    assert [await cache.get(key, MISSING) for key in ("number", "point")] == [MISSING, MISSING]

    @cache.cached(key="typed", type=Point)
    async def typed() -> Any:
        return POINT

    @cache.cached(key="annotated")
    async def annotated() -> int:
        return 5

    @cache.cached(key="neither")
    async def neither():  # type: ignore[no-untyped-def]
        return product()

    for function, value in ((typed, POINT), (annotated, 5), (neither, product())):
        for _ in range(2):
            assert shape(await function()) == shape(value)
    assert [each.info.loads for each in (typed, annotated, neither)] == [1, 1, 1]
