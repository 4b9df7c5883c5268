"""A function that is annotated to return a class of its own gets a serializer for it."""

import functools
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NoReturn, Optional, TypeVar, Union
from uuid import UUID

import pytest

from cachekit import Cache
from cachekit.testing.shapes import shape
from tests.serializers import later
from tests.serializers.conftest import Plain
from tests.serializers.looking import codecs, entry_of
from tests.serializers.things import (
    Color,
    Id,
    Level,
    Page,
    Pair,
    Point,
    Product,
    Row,
    Scalar,
    Sku,
    Strange,
    kind_of,
    product,
)

pytestmark = pytest.mark.virtual

POINT = Point(1, (2, 3))

TYPED: dict[str, tuple[Any, Any]] = {
    "a model": (Product, product()),
    "a dataclass": (Point, POINT),
    "a list": (list[Product], [product(1), product(2)]),
    "no models": (list[Product], []),
    "this or None": (Product | None, product()),
    "None of both": (Product | None, None),
    "Optional": (Optional[Point], POINT),  # noqa: UP045
    "Union": (Union[Point, Product], POINT),  # noqa: UP007
    "a generic": (Page[Product], Page[Product](items=[product()])),
    "a generic of a builtin": (Page[int], Page[int](items=[1])),
    "an enum": (Color, Color.BLUE),
    "an enum of ints": (Level, Level.LOW),
    "enums by number": (dict[int, Color], {1: Color.RED}),
    "a NamedTuple": (Pair, Pair(POINT, 1)),
    "a TypedDict": (Row, {"id": 1, "point": POINT}),
    "annotated": (Annotated[Product, "note"], product()),
    "annotated inside": (list[Annotated[Point, 5]], [POINT]),
    "without a hash": (Annotated[Product, []], product()),
    "a NewType": (Sku, Sku(product())),
    "deep inside": (dict[str, tuple[Product, ...] | None], {"a": (product(),), "b": None}),
    "text": ("Product | None", product()),
    "text inside": (list["Product"], [product()]),
}

UNTYPED: dict[str, tuple[Any, Any]] = {
    "int": (int, 1),
    "None": (None, None),
    "Any": (Any, [1]),
    "a list": (list[int], [1]),
    "a mapping": (Mapping[str, int | None], {"a": None}),
    "a tuple": (tuple[int, ...], (1, 2)),
    "a date": (date, date(2024, 2, 29)),
    "a Decimal or a UUID": (Decimal | UUID, Decimal("1.50")),
    "a NewType of int": (Id, Id(7)),
    "a literal": (Scalar, "a"),
    "annotated": (Annotated[int, Product], 1),
    "text": ("dict[str, int]", {"a": 1}),
}

SILLY: dict[str, Any] = {
    "a number": 5,
    "an object": object(),
    "a list of types": [int, Product],
    "a dict of a type": {"a": Product},
    "no text of Python": "this is (no Python",
    "text that raises": "1 / 0",
    "text that is None": "None",
    "an unknown name": "NoSuchThing",
    "an unknown attribute": "Product.no_such",
    "an unknown name inside": list["NoSuchThing"],  # type: ignore[name-defined]  # noqa: F821
    "what pydantic refuses": Strange,
    "what pydantic refuses, inside": dict[str, Strange],
    "a type variable": TypeVar("Q"),
    "a ClassVar": ClassVar[Product],
    "never": NoReturn,
    "a module": functools,
    "empty": "",
}


def named(cases: Mapping[str, Any]) -> Any:
    return [pytest.param(case, id=name) for name, case in cases.items()]


def returning(annotation: Any, value: Any) -> Any:
    """An `async def` with that annotation."""

    async def function(n: int) -> Any:
        return value

    function.__annotations__["return"] = annotation
    return function


@pytest.mark.parametrize("case", named(TYPED))
async def test_what_it_is_annotated_to_return_comes_back(
    either: Cache, case: tuple[Any, Any]
) -> None:
    """The same value with the same types, loaded, from memory and from bytes."""
    annotation, value = case
    function = either.cached(key="k")(returning(annotation, value))
    found = [await function(1), await function(1), await function.get(1)]
    assert [shape(each) for each in found] == [shape(value)] * 3
    assert [kind_of(each) for each in found] == [kind_of(value)] * 3
    assert function.info.loads == 1
    assert entry_of(either).codec == "pydantic"
    assert len(entry_of(either).schema) > 0


@pytest.mark.parametrize("case", named(UNTYPED))
async def test_builtin_annotations_keep_the_serializer_of_the_cache(
    either: Cache, case: tuple[Any, Any]
) -> None:
    """So that `get(key)` finds what such a function has stored."""
    annotation, value = case
    function = either.cached(key="k")(returning(annotation, value))
    assert shape(await function(1)) == shape(await function(1)) == shape(value)
    assert shape(await either.get("k")) == shape(value)
    assert function.info.loads == 1
    assert entry_of(either).codec == "msgpack"


async def test_without_an_annotation_nothing_is_other_than_before(either: Cache) -> None:
    @either.cached(key="k")
    async def function():  # type: ignore[no-untyped-def]
        return [1, "a"]

    assert await function() == await function() == await either.get("k") == [1, "a"]
    assert entry_of(either).codec == "msgpack"


@pytest.mark.parametrize("annotation", named(SILLY))
async def test_no_annotation_breaks_a_function(either: Cache, annotation: Any) -> None:
    function = either.cached(key="k")(returning(annotation, [1]))
    assert await function(1) == await function(1) == await either.get("k") == [1]
    assert function.info.loads == 1
    assert entry_of(either).codec == "msgpack"


@pytest.mark.parametrize("annotation", named(SILLY | TYPED))
def test_no_annotation_breaks_the_decoration_of_what_takes_ids(annotation: Any) -> None:
    cache = Cache(namespace="test")
    for made in (annotation, [annotation]):  # a list has no hash
        cache.cached_many(key="k:{n}", name="it")(returning(made, {}))
        cache.cached(key="l:{n}", name="it")(returning(made, {}))


class Repo:
    """Each kind of method, of each cache that it is made for."""

    def __init__(self, cache: Cache) -> None:
        class Methods:
            @cache.cached(key="plain", ignore_self=True)
            def plain(self) -> Product:
                return product()

            @cache.cached(key="awaited", ignore_self=True)
            async def awaited(self) -> Product:
                return product()

            @cache.cached(key="of_class", ignore_self=True)
            @classmethod
            def of_class(cls) -> "list[Product]":
                return [product()]

            @cache.cached(key="static")
            @staticmethod
            def static() -> "Point":
                return POINT

            @cache.cached_many(key="many:{ids}", ignore_self=True)
            def many(self, ids: list[int]) -> dict[int, Product]:
                return {n: product(n) for n in ids}

            @property
            @cache.cached(key="property", ignore_self=True)
            def seen(self) -> Color:
                return Color.RED

        self.methods = Methods()


async def test_methods_of_each_kind(slow: Cache) -> None:
    await slow.open()
    repo = Repo(slow).methods
    assert await repo.awaited() == await repo.awaited() == product()
    assert repo.awaited.info.loads == 1
    assert codecs(slow) == {"pydantic"}


def test_methods_that_block(blocking: Plain) -> None:
    cache = blocking(blocking.slow())
    repo = Repo(cache).methods
    for _ in range(2):
        assert shape(repo.plain()) == shape(product())
        assert shape(repo.of_class()) == shape([product()])
        assert shape(repo.static()) == shape(POINT)
        assert shape(repo.many([1, 2])) == shape({1: product(1), 2: product(2)})
        assert repo.seen is Color.RED
    assert cache.stats().loads == 5
    assert codecs(cache) == {"pydantic"}


@pytest.mark.parametrize(
    "annotation",
    [Mapping[int, Product], dict[int, Product], "Mapping[int, Product]", Mapping[int, "Product"]],
)
async def test_of_a_function_of_ids_the_values_count(either: Cache, annotation: Any) -> None:
    async def fetch(ids: list[int]) -> Any:
        return {n: product(n) for n in ids}

    fetch.__annotations__["return"] = annotation
    function = either.cached_many(key="p:{ids}")(fetch)
    expected = {n: product(n) for n in (1, 2, 3)}
    assert await function([1, 2]) == {1: product(1), 2: product(2)}
    assert shape(await function([1, 2, 3])) == shape(expected)
    assert shape(await function.get([1, 2, 3])) == shape(expected)
    assert shape(await either.get("p:2", type=Product)) == shape(product(2))
    assert await either.get("p:2") is None
    await function.set({4: product(4)})
    assert entry_of(either, "p:4").codec == "pydantic"


def test_wrapped_functions_are_taken_for_what_they_wrap(blocking: Plain) -> None:
    """`functools.wraps` hands the annotation on, and where its names are looked up."""

    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    cache = blocking(blocking.slow())
    first = cache.cached(key="first:{n}")(logged(logged(later.early.__wrapped__)))
    assert first(1) == first(1) == later.Late(1)

    @cache.cached(key="second")
    @logged
    def second() -> "Point":
        return POINT

    assert second() == second() == POINT
    assert (first.info.loads, second.info.loads) == (1, 1)
    assert codecs(cache) == {"pydantic"}


async def test_annotations_that_are_text_name_what_is_defined_by_the_first_call(
    slow: Cache,
) -> None:
    functions = later.functions(slow)
    assert await functions["late"](1) == await functions["late"](1) == [later.Late(1)]
    assert functions["late"].info.loads == 1
    assert codecs(slow) == {"pydantic"}


async def test_what_only_checkers_import_leaves_the_serializer_of_the_cache(slow: Cache) -> None:
    checked = later.functions(slow)["checked"]
    assert await checked(1) is await checked(1) is None
    assert checked.info.loads == 1
    assert codecs(slow) == {"msgpack"}


def test_a_class_that_is_defined_below_its_function() -> None:
    """In memory no bytes are made, but the entry says which would have been."""
    try:
        assert later.early(1) == later.early(1) == later.Late(1)
        assert later.many([1, 2]) == {1: later.Late(1), 2: later.Late(2)}
        for key in ("early:1", "many:2"):
            assert entry_of(later.EARLY, key).codec == "pydantic"
    finally:
        later.EARLY.sync.close()


async def test_what_a_function_inside_of_another_returns(slow: Cache) -> None:
    """A class of a function's body is in no module: only an annotation that is no text finds it."""

    class Inner(Product):
        pass

    @slow.cached(key="real")
    async def real() -> Inner:
        return Inner(id=1)

    @slow.cached(key="text")
    async def text() -> "Inner | None":
        return None

    assert shape(await real()) == shape(await real()) == shape(Inner(id=1))
    assert await text() is await text() is None
    assert (real.info.loads, text.info.loads) == (1, 1)
    assert codecs(slow) == {"pydantic", "msgpack"}
