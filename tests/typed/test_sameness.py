"""Two values are the same only if nothing tells them apart, types at every level included."""

import enum
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from math import nan
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cachekit_pydantic.sameness import same
from tests.entry.strategies import VALUES
from tests.typed import shop
from tests.typed.looks import look

READ = TypeAdapter(datetime).validate_json(b'"2024-01-01T00:00:00Z"')
MOMENT = datetime(2024, 1, 1)
LISBON = ZoneInfo("Europe/Lisbon")


class Texts(list[str]):
    """A list that may have attributes."""


class Half(enum.Enum):
    ONE = 1
    TWO = 1.0001


@dataclass(eq=False)
class Bare:
    x: Any


class Hidden:
    """Nothing is known of it but its attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Blind:
    """Is equal to everything of its class."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return type(other) is Blind

    __hash__ = None  # type: ignore[assignment]


def texts(note: Any = None) -> Texts:
    made = Texts(["a"])
    if note:
        vars(made)["note"] = note
    return made


def product(**changes: Any) -> shop.Product:
    return shop.Product(id=1, price=Decimal(1)).model_copy(update=changes)


def hit(hits: Any) -> shop.Product:
    made = product()
    made._hits = hits
    return made


OTHERS: list[tuple[Any, Any]] = [
    (1, True),
    (1, 1.0),
    (0.0, False),
    (0.0, -0.0),
    (0.0, 1),
    (2.0**53, 2**53 + 1),
    ("a", b"a"),
    (b"a", bytearray(b"a")),
    (nan, None),
    (nan, 1.0),
    (1j, -1j),
    (complex(0.0, 0.0), complex(-0.0, 0.0)),
    (Decimal("1.0"), Decimal("1.00")),
    (Decimal(0), Decimal("-0")),
    ([1], (1,)),
    ([1], [1, 1]),
    ([1, 1], [1]),
    ([], [[]]),
    ([[1], [2, 3]], [[1, 2], [3]]),
    ([0.0, 1], [-0.0, 1]),
    ([0.0, 1, "a"], [0.0, True, "a"]),
    ((1, [2.5, [True]]), (1, [2.5, [1]])),
    ({"a": 1}, {"a": True}),
    ({"a": 1}, {"b": 1}),
    ({1: "a"}, {True: "a"}),
    ({1: "a", 2: "b"}, {2: "b", True: "a"}),
    ({"a": 1, "b": 2}, {"b": 1, "a": 2}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ([{"a": 1}, {}], [{}, {"a": 1}]),
    (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    (OrderedDict(a=1), {"a": 1}),
    (Counter("a"), Counter("aa")),
    (defaultdict(list, a=[1]), defaultdict(set, a=[1])),
    (deque([1]), deque([1], maxlen=1)),
    ({1}, {True}),
    ({1, 2}, {1}),
    ({1}, {1, 2}),
    ({(1, 2)}, {(True, 2)}),
    ({1}, frozenset({1})),
    (MOMENT, MOMENT.replace(fold=1)),
    (MOMENT, MOMENT.replace(tzinfo=UTC)),
    (READ, MOMENT),
    (READ, MOMENT.replace(tzinfo=LISBON)),
    (READ, MOMENT.replace(tzinfo=ZoneInfo("Etc/GMT"))),
    (READ, datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    ([READ, MOMENT], [READ, READ]),
    (time(1, 2), time(1, 2, fold=1)),
    (Half.ONE, Half.TWO),
    (shop.Level.LOW, 1),
    (shop.Word.YES, "yes"),
    (shop.Point(1, 2), (1, 2)),
    (shop.Point(1, True), shop.Point(1, 1)),
    (texts(), ["a"]),
    (texts(1), texts(2)),
    (texts(), texts(1)),
    (Bare(1), Bare(True)),
    (shop.Slotted(1), shop.Slotted(True)),
    (shop.Order(1, 1, hidden=1), shop.Order(1, 1, hidden=2)),
    (Hidden(), Hidden()),
    (Hidden(x=1), Hidden(x=True)),
    (Blind(1), Blind(2)),
    (object(), object()),
    (product(), product(id=True)),
    (product(), shop.Toy(id=1, price=Decimal(1))),
    (product(weight=0.0), product(weight=-0.0)),
    (hit(0), hit(False)),
    (hit(0), hit(1)),
    ([product()] * 20, [product()] * 19 + [product(tags=["a"])]),
    ([product()] * 20, [product()] * 19 + [hit(1)]),
    (shop.Open(id=1, a=1), shop.Open(id=1, a=True)),  # type: ignore[call-arg]
    (shop.Open(id=1), shop.Open(id=1, a=1)),  # type: ignore[call-arg]
    (shop.Page(items=[], total=0), shop.Page[int](items=[], total=0)),
    (shop.Page[str](items=[], total=0), shop.Page[int](items=[], total=0)),
    (shop.Page[int](items=[1], total=0), shop.Page(items=[True], total=0)),
]


@pytest.mark.parametrize(("made", "value"), OTHERS)
def test_what_is_another(made: Any, value: Any) -> None:
    assert not same(made, value)
    assert not same([1, made], [1, value])
    assert not same({"a": (made,)}, {"a": (value,)})
    assert not same([made] * 10, [made] * 9 + [value])
    assert not same(shop.Box(made), shop.Box(value))


ALIKE: list[tuple[Any, Any]] = [
    (nan, float("nan")),
    (1.0, 1),
    ([1.0, 2.5, "a"], [1, 2.5, "a"]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: [1], "1": 2.0}, {"1": 2, 1: [1]}),
    ({1, "a", (2,)}, {(2,), "a", 1}),
    (READ, MOMENT.replace(tzinfo=UTC)),
    (READ, MOMENT.replace(tzinfo=ZoneInfo("UTC"))),
    (READ, MOMENT.replace(tzinfo=timezone(timedelta(0), "GMT"))),
    (Hidden(x=[1]), Hidden(x=[1])),
    (Bare([1]), Bare([1])),
    (Blind(1), Blind(1)),
    (texts(1), texts(1)),
    (shop.Page[int](items=[1], total=1), shop.Page(items=[1], total=1)),
    (int, int),
]


@pytest.mark.parametrize(("made", "value"), ALIKE)
def test_what_is_the_same(made: Any, value: Any) -> None:
    assert same(made, value)
    assert same([1, (made,)], [1, (value,)])
    assert same({"a": [made] * 10}, {"a": [value] * 10})


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES)
def test_it_is_as_a_slower_comparison_says(one: Any, other: Any) -> None:
    if look(one) != look(other):
        assert not same([one, other], [other, one])


@given(st.lists(st.sampled_from([0, 1, True, 0.0, -0.0, 1.0, "1", None]), max_size=3), st.data())
def test_lists_that_are_nearly_equal(one: list[Any], data: st.DataObject) -> None:
    other = data.draw(st.permutations(one))
    widened = [float(part) if type(part) is int else part for part in other]
    assert same(one, other) == (look(one) == look(other))
    assert same(widened, other)
