"""Values come back equal, with equal types, whatever type is annotated."""

import math
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Optional, Union
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, TypeAdapter

from cachekit.serializer import Serializer
from cachekit_pydantic import PydanticSerializer
from tests.typed import shop
from tests.typed.looks import look


def comes_back(annotation: Any, value: Any) -> Any:
    """What comes back, after it was seen to look the same."""
    serializer: Serializer = PydanticSerializer(annotation)
    made = serializer.loads(serializer.dumps(value))
    assert look(made) == look(value)
    return made


def test_its_name() -> None:
    assert PydanticSerializer.id == "pydantic"


MAKER = shop.Maker.model_validate({"makerName": "m", "founded": date(1900, 1, 1)})
PRODUCT = shop.Product(id=1, price=Decimal("1.50"), maker=MAKER, tags=["a"])
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)

BOXES = shop.Page[shop.Box[shop.Pet | None]](
    items=[shop.Box(shop.Cat(Kind="cat", lives=1), shop.Box(None)), shop.Box(None)], total=2
)

CASES: list[tuple[Any, Any]] = [
    (shop.Product, PRODUCT),
    (list[shop.Product], [PRODUCT, PRODUCT]),
    (tuple[shop.Product, ...], (PRODUCT,)),
    (shop.Product | None, None),
    (Optional[shop.Product], PRODUCT),  # noqa: UP045
    (shop.Product | shop.Toy, shop.Toy(id=1, price=Decimal(1))),
    (shop.Pet, shop.Cat(Kind="cat", lives=9)),
    (list[shop.Pet], [shop.Dog(Kind="dog", tricks=["sit"]), shop.Cat(Kind="cat", lives=9)]),
    (shop.Tree, shop.Tree(value=1, children=[shop.Tree(value=2), shop.Tree(value=3)])),
    (shop.Page[shop.Product], shop.Page[shop.Product](items=[PRODUCT], total=1)),
    (shop.Page[int | str], shop.Page[int | str](items=[1, "1"], total=2)),
    (shop.Open, shop.Open(id=1, more=[1, {"a": None}])),  # type: ignore[call-arg]
    (shop.Numbers, shop.Numbers([1, 2])),
    (shop.Lazy, shop.Lazy(id=1, more=shop.Lazy(id=2))),
    (list[shop.Lazy], [shop.Lazy(id=1)]),
    (shop.Frozen, shop.Frozen(id=1)),
    (shop.Link, shop.Link(url=AnyUrl("http://a.example/b?c"))),
    (shop.Order, shop.Order(1, 1.5, [PRODUCT], hidden=7)),
    (shop.Slotted, shop.Slotted(1, EPOCH)),
    (shop.Box[int], shop.Box(1, shop.Box(2))),
    (shop.Box[shop.Slotted], shop.Box(shop.Slotted(1))),
    (shop.Checked, shop.Checked(1, [2])),
    (shop.Point, shop.Point(1, 2.5)),
    (dict[str, shop.Point], {"a": shop.Point(1)}),
    (shop.Row, {"id": 1, "name": "a"}),
    (shop.Row, {"id": 1}),
    (shop.Color, shop.Color.BLUE),
    (dict[shop.Color, shop.Level], {shop.Color.RED: shop.Level.HIGH}),
    (list[shop.Word], [shop.Word.YES]),
    (shop.Nested, {"a": [BOXES, BOXES], "b": []}),
    (int, 10**400),
    (float, math.inf),
    (list[float], [math.nan, -math.inf, -0.0, 0.0, 5e-324]),
    (Any, [math.nan, -math.inf]),
    (bytes, b"\xff\0"),
    (dict[str, bytes], {"a": b"\xfe"}),
    (Union[int, str], "1"),  # noqa: UP007
    (int | float, 1),
    (int | float, 1.0),
    (bool | int, 1),
    (dict[int, str], {1: "a"}),
    (dict[date, Decimal], {date(2024, 1, 1): Decimal("1.0")}),
    (set[UUID], {UUID(int=1), UUID(int=2)}),
    (frozenset[tuple[int, str]], frozenset({(1, "a"), (2, "b")})),
    (deque[int], deque([1, 2])),
    (OrderedDict[str, int], OrderedDict(b=1, a=2)),
    (Counter[str], Counter("abca")),
    (defaultdict[str, list[int]], defaultdict(list, a=[1])),
    (Fraction, Fraction(1, 3)),
    (timedelta, timedelta(-400, 3, 5)),
    (None, None),
    (Any, {"b": [1, 2.5, True, None, "x", {"a": []}], "a": 2**70}),
]


@pytest.mark.parametrize(
    ("annotation", "value"), CASES, ids=[str(annotation)[:40] for annotation, _ in CASES]
)
def test_a_value_of_its_type(annotation: Any, value: Any) -> None:
    comes_back(annotation, value)


def test_without_a_type_it_takes_what_json_has() -> None:
    serializer = PydanticSerializer()
    assert serializer.loads(serializer.dumps([1, {"a": None}])) == [1, {"a": None}]


# Texts without lone surrogates: they are refused.
TEXT = st.text()
# Nor those that a clock shows for the second time.
MOMENTS = st.datetimes(timezones=st.just(UTC) | st.none()).map(lambda time: time.replace(fold=0))
NUMBERS = st.floats()
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
SPANS = st.timedeltas(timedelta(-(10**6)), timedelta(10**6))
SCALARS = st.builds(
    shop.Scalars,
    number=st.integers(),
    real=NUMBERS,
    text=TEXT,
    raw=st.binary(),
    amount=DECIMALS,
    clock=st.times().map(lambda time: time.replace(fold=0)),
    moment=MOMENTS,
    span=SPANS,
    path=st.sampled_from([Path(), Path("a/b"), Path("/é")]),
    wave=st.complex_numbers(allow_nan=False, allow_infinity=False),
)
CONTAINERS = st.builds(
    shop.Containers,
    numbers=st.lists(st.integers()),
    pair=st.tuples(st.integers(), TEXT),
    many=st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
    some=st.sets(st.integers()),
    frozen=st.frozensets(TEXT),
    by_number=st.dictionaries(st.integers(), DECIMALS),
    by_day=st.dictionaries(st.dates(), st.lists(st.uuids(), max_size=3)),
    queue=st.lists(st.integers()).map(deque),
    ordered=st.dictionaries(TEXT, st.integers()).map(OrderedDict),
    counted=st.dictionaries(TEXT, st.integers(0)).map(Counter),
    grouped=st.dictionaries(TEXT, st.lists(st.integers())).map(
        lambda items: defaultdict(list, items)
    ),
    part=st.fractions(),
)
PRODUCTS = st.builds(
    shop.Product,
    price=st.decimals(0, allow_nan=False, allow_infinity=False),
    weight=st.floats(allow_nan=False, allow_infinity=False),
    color=st.sampled_from(shop.Color),
    tags=st.lists(TEXT, max_size=3),
    seen=MOMENTS,
)
TREES = st.recursive(
    st.builds(shop.Tree, value=st.integers()),
    lambda inner: st.builds(shop.Tree, children=st.lists(inner, max_size=3)),
    max_leaves=6,
)
LEAVES = st.none() | st.booleans() | st.integers() | TEXT | st.floats(-1e300, 1e300)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
ORDERS = st.builds(shop.Order, total=st.floats(-1e9, 1e9), lines=st.lists(PRODUCTS, max_size=3))
MANY: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (shop.Scalars, SCALARS),
    (shop.Containers, CONTAINERS),
    (shop.Tree, TREES),
    (list[shop.Product], st.lists(PRODUCTS, max_size=20)),
    (list[shop.Order | shop.Tree | None], st.lists(ORDERS | TREES | st.none(), max_size=20)),
    (Any, JSON),
    (dict[str, Any], st.dictionaries(TEXT, JSON)),
    (list[float], st.lists(NUMBERS)),
    (bytes, st.binary()),
]


@pytest.mark.parametrize(("annotation", "values"), MANY, ids=lambda part: str(part)[:30])
def test_any_value_of_its_type(annotation: Any, values: st.SearchStrategy[Any]) -> None:
    serializer = PydanticSerializer(annotation)

    @settings(max_examples=25, deadline=None)
    @given(values)
    def comes_back(value: Any) -> None:
        assert look(serializer.loads(serializer.dumps(value))) == look(value)

    comes_back()


def test_an_int_for_a_float_comes_back_as_the_float() -> None:
    serializer = PydanticSerializer(list[float])
    made = serializer.loads(serializer.dumps([1, 2.5, 0]))
    assert made == [1.0, 2.5, 0.0]
    assert {type(part) for part in made} == {float}


def test_a_generic_model_without_arguments_comes_back_with_those_of_the_annotation() -> None:
    serializer = PydanticSerializer(shop.Page[int])
    made = serializer.loads(serializer.dumps(shop.Page(items=[1], total=1)))
    assert type(made) is shop.Page[int]
    assert made == shop.Page(items=[1], total=1)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("UTC"), timezone(timedelta(hours=-3, minutes=-30))])
def test_a_time_at_a_fixed_offset_stays_at_it(zone: tzinfo) -> None:
    serializer = PydanticSerializer(list[datetime])
    value = datetime(2024, 1, 1, 1, 2, 3, 4, zone)
    (made,) = serializer.loads(serializer.dumps([value]))
    assert made == value
    assert made.utcoffset() == value.utcoffset()
    assert made.isoformat() == value.isoformat()


def test_all_fields_count_as_set() -> None:
    serializer = PydanticSerializer(shop.Product)
    value = shop.Product(id=1, price=Decimal(1))
    assert value.model_fields_set == {"id", "price"}
    made = serializer.loads(serializer.dumps(value))
    assert made.model_fields_set == set(shop.Product.model_fields)
    assert made == value


def test_a_typed_dict_comes_back_in_the_order_of_its_fields() -> None:
    serializer = PydanticSerializer(shop.Row)
    value = shop.Row(name="a", id=1)
    assert list(serializer.loads(serializer.dumps(value))) == ["id", "name"]


def test_what_a_cached_property_kept_is_worked_out_again() -> None:
    value = shop.Product(id=1, price=Decimal(1))
    assert value.slow == [1]
    made = comes_back(shop.Product, value)
    assert "slow" not in vars(made)
    assert made.slow == [1]


def test_the_arguments_of_a_generic_dataclass_do_not_matter() -> None:
    value = shop.Box[int](1)
    assert PydanticSerializer(shop.Box[int]).loads(b'{"content":1,"inner":null}') == value
    comes_back(shop.Box[int], value)


def test_fields_are_written_by_name_and_computed_ones_not_at_all() -> None:
    assert PydanticSerializer(shop.Maker).dumps(MAKER) == b'{"name":"m","since":"1900-01-01"}'
    assert b"label" not in PydanticSerializer(shop.Product).dumps(PRODUCT)


def test_a_config_that_asks_for_aliases_changes_nothing() -> None:
    class Aliased(BaseModel):
        model_config = ConfigDict(serialize_by_alias=True, validate_by_name=False)

        id: int = Field(alias="identity")

    value = Aliased.model_validate({"identity": 1})
    assert PydanticSerializer(Aliased).dumps(value) == b'{"id":1}'
    comes_back(Aliased, value)


def test_as_deep_as_pydantic_reads() -> None:
    value: Any = 1
    for _ in range(200):
        value = [value]
    serializer = PydanticSerializer()
    assert serializer.loads(serializer.dumps(value)) == value


def test_pydantics_config_of_a_class_is_left_as_it_is() -> None:
    PydanticSerializer(shop.Product)
    assert TypeAdapter(shop.Product).dump_json(PRODUCT, by_alias=True).count(b"makerName") == 1
