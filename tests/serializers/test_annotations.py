"""Annotations that are odd: each function is decorated, and what it returns is cached."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Optional, TypeAlias, get_origin

import pytest
from typing_extensions import TypeAliasType

from cachekit import MISSING, Cache
from cachekit.testing.shapes import shape
from cachekit_pydantic import PydanticSerializer
from tests.serializers.looking import codecs, entry_of
from tests.serializers.test_typed_functions import named, returning
from tests.serializers.things import Color, Point, Product, product

pytestmark = pytest.mark.virtual


class Name:
    """What a `type` statement of Python 3.12 makes: a name for a type, which may name itself."""

    __module__ = "typing"

    def __init__(self) -> None:
        self.__value__: Any = self


def stands_for_itself() -> Any:
    return Name()


def stand_for_each_other() -> Any:
    one, other = Name(), Name()
    one.__value__, other.__value__ = other, one
    return one


def a_list_of_itself() -> Any:
    name: Any = Name()
    name.__value__ = list[name]
    return name


def a_type_statement(text: str) -> Any:
    """The `Named` of what only newer Pythons can read."""
    scope: dict[str, Any] = {"Product": Product}
    exec(text, scope)
    return scope["Named"]


CIRCLES: dict[str, Any] = {
    "itself": stands_for_itself(),
    "each other": stand_for_each_other(),
    "a list of itself": a_list_of_itself(),
    "a dict of ones": dict[str, a_list_of_itself()],  # type: ignore[misc]
}

STATEMENTS = {
    "itself": "type Named = Named",
    "each other": "type Other = Named; type Named = Other",
    "JSON": "type Named = dict[str, Named] | list[Named] | str",
    "a tree": "type Named = dict[str, Named] | Product",
}


async def comes_back(cache: Cache, annotation: Any, value: Any) -> None:
    """One that returns it and one that returns many of it; read by hand, too."""

    async def several(ids: list[int]) -> Any:
        return dict.fromkeys(ids, value)

    several.__annotations__["return"] = Mapping[int, annotation]
    one: Any = cache.cached(key="one")(returning(annotation, value))
    many = cache.cached_many(key="many:{ids}")(several)
    for _ in range(2):
        assert shape(await one(1)) == shape(value)
        assert shape(await many([1])) == shape({1: value})
    assert (one.info.loads, many.info.loads) == (1, 1)
    assert shape(await cache.get("one", type=annotation)) == shape(value)


@pytest.mark.parametrize("annotation", named(CIRCLES))
async def test_names_that_stand_for_what_holds_them(either: Cache, annotation: Any) -> None:
    await comes_back(either, annotation, {"a": ["b"]})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a type statement needs Python 3.12")
@pytest.mark.parametrize("text", named(STATEMENTS))
async def test_type_statements_that_hold_themselves(either: Cache, text: str) -> None:
    value = {"a": product()} if "Product" in text else {"a": "b"}
    await comes_back(either, a_type_statement(text), value)


# -- what is equal and not the same

AB: TypeAlias = Product | Point
BA: TypeAlias = Point | Product

ORDERS: dict[str, tuple[Any, Any]] = {
    "a union": (AB, BA),
    "inside": (list[AB], list[BA]),
    "or None": (AB | None, BA | None),
}


@pytest.mark.parametrize("pair", named(ORDERS))
async def test_a_union_has_its_schema_whoever_came_first(
    either: Cache, pair: tuple[Any, Any]
) -> None:
    """Else two processes that import in another order would never read each other."""
    one, other = pair
    assert one == other
    value = product() if get_origin(one) is UnionType else [product()]
    for number, annotation in enumerate((one, other)):
        function: Any = either.cached(key=f"k{number}")(returning(annotation, value))
        await function(1)
        assert entry_of(either, f"k{number}").schema == PydanticSerializer(annotation).fingerprint
    for number, annotation in enumerate((one, other, one)):
        await either.set("set", value, type=annotation)
        found = [await either.get(f"k{k}", MISSING, type=annotation) for k in (0, 1)]
        assert found.index(MISSING) != number % 2


# -- of a function of ids


class Prices(dict[int, float]):
    """A mapping that says what it holds, but not by arguments."""


Inner = TypeAliasType("Inner", dict[int, Product])
Outer = TypeAliasType("Outer", Inner)

MANY: dict[str, tuple[Any, Any, str]] = {
    "annotated": (Annotated[dict[int, Product], "note"], product(), "pydantic"),
    "this or None": (dict[int, Product] | None, product(), "pydantic"),
    "Optional": (Optional[dict[int, Product]], product(), "pydantic"),  # noqa: UP045
    "values or None": (dict[int, Product | None], None, "pydantic"),
    "a name": (Inner, product(), "pydantic"),
    "a name of a name": (Outer, product(), "pydantic"),
    "all of it": (Annotated[Outer | None, "note"], product(), "pydantic"),
    "counts of enums": (Counter[Color], 3, "msgpack"),
    "a class of its own": (Prices, 1.5, "msgpack"),
    "two mappings": (dict[int, Product] | dict[int, float], 1.5, "msgpack"),
    "no mapping": (list[Product], 1.5, "msgpack"),
}


@pytest.mark.parametrize("case", named(MANY))
async def test_what_the_values_of_a_mapping_are(slow: Cache, case: tuple[Any, Any, str]) -> None:
    """If it cannot be told the serializer of the cache is taken, which may carry them."""
    annotation, value, codec = case

    async def fetch(ids: list[int]) -> Any:
        return dict.fromkeys(ids, value)

    fetch.__annotations__["return"] = annotation
    function = slow.cached_many(key="k:{ids}")(fetch)
    for _ in range(2):
        assert shape(await function([1, 2])) == shape(dict.fromkeys((1, 2), value))
    assert function.info.loads == 1
    assert codecs(slow) == {codec}


# -- classes that raise when they are looked at


class Nowhere:
    """A class of no module."""


Nowhere.__module__ = None  # type: ignore[assignment]


class Hashless(type):
    def __hash__(cls) -> int:
        raise ValueError("no hash")


class Unhashed(metaclass=Hashless):
    """A class without a hash."""


class Settings:
    """A lazy object of a framework that nobody has configured."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("not configured")

    def __repr__(self) -> str:
        raise RuntimeError("not configured")


@dataclass
class Configured:
    """What has one as its default."""

    settings: Any = Settings()  # noqa: RUF009


RAISING: dict[str, Any] = {
    "of no module": Nowhere,
    "a list of that": list[Nowhere],
    "without a hash": Unhashed,
    "a dict of that": dict[str, Unhashed],
    "without a repr": Annotated[Product, Settings()],
    "with a default without a __dict__": Configured | None,
}


@pytest.mark.parametrize("annotation", named(RAISING))
async def test_no_class_breaks_what_is_annotated_with_it(either: Cache, annotation: Any) -> None:
    await comes_back(either, annotation, None)
