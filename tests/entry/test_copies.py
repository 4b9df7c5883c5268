"""What is kept of a value, and what comes out of it."""

import array
import datetime
import enum
import gc
import ipaddress
import math
import pathlib
import re
import sys
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MethodDescriptorType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from cachekit import immutable
from cachekit.copies import containers_of, freeze, is_immutable
from cachekit.errors import EncodeError
from cachekit.testing.shapes import shape
from tests.entry import things
from tests.entry.shapes import mutable_parts
from tests.entry.strategies import VALUES


def copy_of(value: Any) -> Any:
    """What a hit gets."""
    kept, thaw = freeze(value)
    return kept if thaw is None else thaw(kept)


class Color(enum.Enum):
    RED = [1]


IMMUTABLE: list[Any] = [
    None,
    ...,
    NotImplemented,
    True,
    2**100,
    1.5,
    math.nan,
    1j,
    "text",
    b"bytes",
    (),
    (1, ("a", b"b")),
    frozenset({1, (2, 3)}),
    range(3),
    datetime.datetime(2024, 2, 29, tzinfo=ZoneInfo("Europe/Lisbon")),
    datetime.timedelta(1),
    datetime.UTC,
    Decimal("NaN"),
    Fraction(1, 3),
    uuid.UUID(int=5),
    re.compile("a"),
    pathlib.Path("a"),
    ipaddress.ip_address("::1"),
    Color.RED,
    things.Point(1, ("a",)),
    things.Named(1, None, "n"),
    things.Slotted(1),
    things.Half(1),
    things.Pair(1, "a"),
    sys.version_info,
]


@pytest.mark.parametrize("value", IMMUTABLE, ids=lambda value: type(value).__name__)
def test_an_immutable_value_is_shared(value: Any) -> None:
    assert is_immutable(value)
    assert freeze(value) == (value, None) or value != value
    assert copy_of(value) is value


def with_extra() -> Any:
    value = things.Hiding({1})
    value.extra = [1]
    return value


def with_attribute() -> Any:
    value = OrderedDict(a=1)
    value.note = [1]  # type: ignore[attr-defined]
    return value


def loose() -> Any:
    value = things.Loose(1)
    object.__setattr__(value, "items", [1])
    return value


MUTABLE: list[Any] = [
    [],
    [1, [2]],
    {"a": {"b": [1]}},
    {(1, "a"): [1]},
    {1, 2},
    bytearray(b"a"),
    array.array("d", [1.5]),
    OrderedDict(b=[1], a=[2]),
    defaultdict(list, a=[1]),
    defaultdict(lambda: 5, a=[1]),
    Counter("aab"),
    deque([[1], [2]], maxlen=2),
    ([1], 2),
    ([1], ([2], ([3],))),
    things.Pair([1], things.Pair(1, [2])),
    things.OpenPair(1, 2),
    [frozenset({1}), {"when": datetime.date(2024, 1, 1)}],
    things.Basket([1]),
    things.Point(1, [1]),
    things.Slotted([1]),
    things.Remembering(1),
    things.FrozenList(1),
    things.Box([1]),
    things.Model(items=[1]),
    things.Ordered(a=1),
    things.Text("a"),
    things.Locked(),
    things.Told(5),
    [things.Told(5)],
    things.Plain([1]),
    ValueError("a"),
    OSError(2, "No such file", "name"),
    with_attribute(),
    with_extra(),
    loose(),
]


@pytest.mark.parametrize("value", MUTABLE, ids=lambda value: type(value).__name__)
def test_a_mutable_value_is_copied_with_its_types(value: Any) -> None:
    kept, thaw = freeze(value)
    assert thaw is not None
    one, other = thaw(kept), thaw(kept)
    assert one is not other
    assert one is not value
    assert shape(one) == shape(value)
    ids = [set(mutable_parts(part)) for part in (value, one, other)]
    assert not (ids[0] & ids[1]) | (ids[0] & ids[2]) | (ids[1] & ids[2])


@given(VALUES)
def test_any_nest_of_builtin_values_comes_out_equal_and_unshared(value: Any) -> None:
    kept, thaw = freeze(value)
    if thaw is None:
        assert kept is value
        return
    one, other = thaw(kept), thaw(kept)
    assert shape(one) == shape(value) == shape(other)
    ids = [set(mutable_parts(part)) for part in (value, one, other)]
    assert not (ids[0] & ids[1]) | (ids[0] & ids[2]) | (ids[1] & ids[2])


@given(VALUES)
def test_what_is_kept_of_it_leads_nowhere(value: Any) -> None:
    """Told by the collector's own eyes: what it sees in the parts is parts, or holds nothing."""
    kept, thaw = freeze(value)
    parts = containers_of(kept, thaw)
    if parts is not None:
        seen = [one for one in [kept, *gc.get_referents(*parts)] if gc.is_tracked(one)]
        others = {type(one) for one in seen if all(one is not part for part in parts)}
        assert others <= {type, MethodDescriptorType, *immutable.IMMUTABLE}


ELSEWHERE: list[Any] = [len, print, Color, Color.RED, gc, lambda: 1, Exception()]


@pytest.mark.parametrize("thaw", [None, list.copy])
@pytest.mark.parametrize("inner", ELSEWHERE)
def test_what_leads_elsewhere_is_told_apart(inner: Any, thaw: Any) -> None:
    assert containers_of((1, (inner,)), thaw) is None


def test_what_holds_itself_has_an_end() -> None:
    value: list[Any] = [1]
    value += [value, value]
    assert containers_of(value, list.copy) is None


def spoil(value: Any) -> None:
    """Change everything in it that can be changed."""
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list, tuple, deque)):
        for part in parts:
            spoil(part)
    if isinstance(value, (dict, list, deque, set, bytearray)):
        value.clear()


@given(VALUES)
def test_what_a_caller_does_never_reaches_the_next(value: Any) -> None:
    before = shape(value)
    kept, thaw = freeze(value)
    if thaw is None:
        return
    spoil(thaw(kept))
    assert shape(thaw(kept)) == before
    spoil(value)
    assert shape(thaw(kept)) == before


def test_the_caller_of_set_may_go_on_changing_its_own() -> None:
    value: dict[str, Any] = {"a": [1], "b": ([2], {3})}
    kept, thaw = freeze(value)
    assert thaw is not None
    value["a"].append(9)
    value["b"][0].append(9)
    value["b"][1].add(9)
    value["c"] = 9
    assert thaw(kept) == {"a": [1], "b": ([2], {3})}


def test_one_object_in_two_places_stays_one() -> None:
    inner = [1]
    first, second = copy_of([inner, inner])
    assert first is second is not inner
    first, (second,) = copy_of((inner, [inner]))
    assert first is second is not inner
    made = copy_of({"a": things.Box(inner), "b": (inner,)})
    assert made["a"].items is made["b"][0] is not inner


def test_a_list_that_holds_itself() -> None:
    value: list[Any] = [1]
    value.append(value)
    made = copy_of(value)
    assert made is not value
    assert made[1] is made


def test_a_tuple_that_holds_itself() -> None:
    value: tuple[list[Any]] = ([],)
    value[0].append(value)
    made = copy_of(value)
    assert made is not value
    assert made[0][0] is made


def test_a_list_nested_as_deep_as_the_stack_allows() -> None:
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    assert shape(copy_of(value)) == shape(value)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: (inner,)])
def test_a_list_nested_too_deep_is_an_error(wrap: Callable[[Any], Any]) -> None:
    value: Any = []
    for _ in range(100_000):
        value = wrap(value)
    with pytest.raises(EncodeError, match=r"cannot be copied.*share=True"):
        freeze(value)
    assert freeze(value, share=True) == (value, None)


def test_instances_of_local_classes() -> None:
    class Local:
        def __init__(self) -> None:
            self.items = [1]

    value = Local()
    made = copy_of(value)
    assert type(made) is Local
    assert made.items == [1]
    assert made.items is not value.items


def test_private_attributes_of_models_are_copied() -> None:
    value = things.Model(items=[1])
    value._seen.append(5)
    made = copy_of(value)
    assert made._seen == [5]
    assert made._seen is not value._seen
    assert made.model_fields_set == {"items"}


def test_a_class_may_leave_out_what_it_makes_anew() -> None:
    value = things.Locked()
    made = copy_of(value)
    assert made.items == [1]
    assert made.lock is not value.lock


def test_what_a_class_of_the_users_raises_goes_nowhere() -> None:
    made = copy_of([things.Shy(5)])
    assert vars(made[0]) == {"x": 5}


def test_functions_and_classes_are_code() -> None:
    for value in (len, shape, things.Model, lambda: 5):
        assert copy_of(value) is value


def test_each_hit_on_an_iterator_starts_where_it_stood() -> None:
    value = iter([1, 2, 3])
    next(value)
    kept, thaw = freeze(value)
    assert thaw is not None
    assert list(thaw(kept)) == list(thaw(kept)) == [2, 3]


def generator() -> Any:
    yield 1


async def coroutine() -> None:
    return


UNCOPIED: list[Callable[[], Any]] = [
    threading.Lock,
    lambda: [threading.Lock()],
    lambda: {"a": generator()},
    generator,
    lambda: memoryview(b"a"),
    lambda: things.Retold(5),
    lambda: [things.Retold(5)],
    lambda: things.Plain([things.Retold(5)]),  # type: ignore[list-item]
    things.Posing,
    lambda: [things.Posing()],
    lambda: {"a": things.Posing()},
    lambda: [things.Derived()],
    lambda: sys,
]


@pytest.mark.parametrize("make", UNCOPIED)
def test_what_cannot_be_copied_faithfully_is_an_error(make: Callable[[], Any]) -> None:
    value = make()
    name = re.escape(f"a {type(value).__module__}.{type(value).__qualname__} cannot be copied")
    with pytest.raises(EncodeError, match=rf"{name}.*share=True"):
        freeze(value)
    assert freeze(value, share=True) == (value, None)


def test_a_coroutine_is_an_error() -> None:
    value = coroutine()
    with pytest.raises(EncodeError, match="coroutine"):
        freeze(value)
    value.close()


def test_an_open_file_is_an_error_that_says_why(tmp_path: pathlib.Path) -> None:
    with (tmp_path / "a").open("w") as file, pytest.raises(EncodeError, match="TextIOWrapper"):
        freeze([file])


def test_share_hands_out_the_same_object() -> None:
    value = {"a": [1]}
    assert freeze(value, share=True) == (value, None)
    assert freeze(value, share=True)[0] is value


def test_a_flat_container_is_copied_by_its_own_method() -> None:
    assert freeze({"a": 1})[1] == dict.copy
    assert freeze([1])[1] == list.copy
    assert freeze({1})[1] == set.copy
