"""The text of a value: typed, unambiguous, and only for what has an identity."""

import asyncio
import collections
import datetime
import enum
import functools
import ipaddress
import operator
import uuid
import zoneinfo
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cachekit.identity import identify

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
PLUS_ONE = datetime.timezone(datetime.timedelta(hours=1))


class Color(enum.Enum):
    RED = "red"
    ROUGE = "red"  # noqa: PIE796
    GREEN = "green"


class Shade(enum.Enum):
    RED = "red"


class Text(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class UserId(int):
    pass


class Name(str):
    def __repr__(self) -> str:
        return "Name"


class Money(float):
    currency: str

    @classmethod
    def of(cls, amount: float, currency: str) -> "Money":
        money = cls(amount)
        money.currency = currency
        return money


class Slotted(str):
    __slots__ = ("more",)
    more: int


class Point(NamedTuple):
    x: int
    y: int


class Size(NamedTuple):
    x: int
    y: int


@dataclass
class Plain:
    x: Any
    y: Any = 0


@dataclass
class Same:
    x: Any
    y: Any = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    x: Any
    hidden: Any = field(default=0, compare=False, repr=False)


@dataclass
class Tenant:
    name: InitVar[str]
    size: int = 0

    def __post_init__(self, name: str) -> None:
        self.tenant = name


class Derived(Plain):
    """Not a dataclass itself."""

    def __init__(self, x: Any, z: Any) -> None:
        super().__init__(x)
        self.z = z


class DerivedSlots(Frozen):
    __slots__ = ("__z",)

    def __init__(self, x: Any, z: Any) -> None:
        super().__init__(x)
        object.__setattr__(self, "_DerivedSlots__z", z)


@dataclass
class Lazy:
    x: int

    @functools.cached_property
    def double(self) -> int:
        return 2 * self.x


@attrs.define
class Attr:
    x: Any

    @functools.cached_property
    def double(self) -> int:
        return 2 * int(self.x)


@attrs.frozen(cache_hash=True)
class AttrHashed:
    x: int


@attrs.define(slots=False)
class AttrDict:
    x: Any


class Model(pydantic.BaseModel):
    x: Any
    y: int = 0

    @functools.cached_property
    def double(self) -> int:
        return 2 * self.y


class Open(pydantic.BaseModel, extra="allow"):
    x: int
    _secret: int = pydantic.PrivateAttr(0)


@pydantic_dataclass
class PydanticData:
    x: int


class Keyed:
    def __init__(self, key: Any) -> None:
        self.key = key

    def cache_key(self) -> Any:
        return self.key


class KeyedInt(int):
    def cache_key(self) -> str:
        return "same"


def with_secret(x: int, secret: int) -> Open:
    model = Open(x=x)
    model._secret = secret
    return model


def at(zone: datetime.tzinfo | None, fold: int = 0) -> datetime.datetime:
    return datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=fold)


ALL_DIFFERENT: list[Any] = [
    *(1, "1", True, 1.0, None, "", b"a", "a", (1, 2), [1, 2], ("a:b",), ("a", "b"), -1, 0, False),
    *(1 + 0j, 1j, "None", "True", "'1'", b"", b"1", bytearray(b"1"), ..., float("inf"), 0.0, -0.0),
    *((), [], {}, set(), frozenset(), ("a,b",), ("a", "b", ""), (("a",), "b"), ("a", ("b",))),
    *([[]], [()], ([],), [[], []], {"a": 1}, {"a": "1"}, {"a": {"b": 1}}, {"a:1": 1}, {1: "a"}),
    *({1, 2}, frozenset({1, 2}), {"1", 2}, [("a", 1)], OrderedDict(a=1), OrderedDict()),
    *(
        OrderedDict(a=1, b=2),
        OrderedDict(b=2, a=1),
        defaultdict(int, a=1),
        collections.Counter("a"),
    ),
    *(
        Color.RED,
        Color.GREEN,
        Shade.RED,
        Text.RED,
        Number.ONE,
        Right.READ,
        Right.READ | Right.WRITE,
    ),
    *(Right(0), UserId(1), Name("1"), Money.of(1, "EUR"), Money.of(1, "USD"), Slotted("a")),
    *(Point(1, 2), Size(1, 2), range(3), range(1, 3), range(0, 3, 2), 10**5000, 10**5000 + 1),
    *(Decimal(1), Fraction(1), Fraction(1, 2), uuid.UUID(int=1), str(uuid.UUID(int=1))),
    *(datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1), "2024-01-01"),
    *(at(None), at(None, 1), at(datetime.UTC), at(PLUS_ONE), at(BERLIN), at(BERLIN, 1)),
    *(datetime.time(1), datetime.time(1, tzinfo=datetime.UTC), datetime.timedelta(1), BERLIN),
    *(datetime.UTC, PLUS_ONE, datetime.timezone(datetime.timedelta(hours=1), "X"), 86400),
    *(PurePosixPath("/a"), PureWindowsPath("/a"), "/a", ipaddress.ip_address("::1")),
    *(ipaddress.ip_address("127.0.0.1"), ipaddress.ip_network("127.0.0.1"), "127.0.0.1"),
    *(Plain(1), Plain("1"), Plain(1, 1), Same(1), Frozen(1), Frozen(1, 2), Plain(Same(1))),
    *(Tenant("a"), Tenant("b"), Derived(1, 2), Derived(1, 3), DerivedSlots(1, 2)),
    *(DerivedSlots(1, 3), Attr(1), Attr(2), AttrDict(1), Model(x=1), Model(x="1"), Model(x=1, y=1)),
    *(
        Open(x=1),
        Open.model_validate({"x": 1, "z": 1}),
        Open.model_validate({"x": 1, "z=1,y": 1}),
        with_secret(1, 5),
    ),
    *(PydanticData(x=1), Keyed(1), Keyed("1"), Keyed(Keyed(1)), KeyedInt(1), int, str, Plain),
    *("é", "e", "\\xe9", "'", '"', "\n", "\\n", "\x00", "a b", "~"),
]


def test_what_differs_has_different_texts() -> None:
    texts = collections.Counter(map(identify, ALL_DIFFERENT))
    assert [text for text, count in texts.items() if count > 1] == []


def test_every_text_is_ascii_and_the_same_each_time() -> None:
    for value in ALL_DIFFERENT:
        assert identify(value).isascii()
        assert identify(value) == identify(value)


ATOMS = st.one_of(
    *(
        st.none(),
        st.booleans(),
        st.integers(-2, 2),
        st.text("a'1,(", max_size=3),
        st.binary(max_size=2),
    ),
    *(
        st.sampled_from(
            [0.0, 1.0, 1 + 0j, Color.RED, Text.RED, Right(3), UserId(1), Name("a"), int]
        ),
    ),
    *(st.dates(), st.uuids(), st.decimals(allow_nan=False, places=1), st.timedeltas()),
)
HASHABLE = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        *(st.tuples(inner), st.tuples(inner, inner), st.frozensets(inner, max_size=2)),
        *(st.builds(Point, inner, inner), st.builds(Frozen, inner)),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: st.one_of(
        *(st.lists(inner, max_size=3), st.dictionaries(HASHABLE, inner, max_size=2)),
        *(st.tuples(inner, inner), st.sets(HASHABLE, max_size=2), st.builds(Plain, inner, inner)),
        *(st.builds(lambda x: Model(x=x), inner), st.builds(Keyed, inner)),
    ),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same_unordered(list(one.items()), list(other.items()))
    if isinstance(one, (set, frozenset)):
        return same_unordered(list(one), list(other))
    if hasattr(one, "__dict__") and not isinstance(one, (enum.Enum, type)):
        return same(vars(one), vars(other))
    return bool(one == other)


def same_unordered(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)


@given(VALUES, VALUES)
def test_equal_texts_mean_equal_values_of_equal_types(one: Any, other: Any) -> None:
    assert (identify(one) == identify(other)) == same(one, other)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
def test_nothing_in_a_value_looks_like_its_frame(one: list[Any], other: list[Any]) -> None:
    assert (identify(tuple(one)) == identify(tuple(other))) == same(one, other)


@given(st.dictionaries(HASHABLE, ATOMS, max_size=4), st.randoms())
def test_the_order_of_a_dict_and_of_a_set_does_not_count(
    value: dict[Any, Any], random: Any
) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert identify(dict(items)) == identify(value)
    assert identify({key for key, _ in items}) == identify(set(value))


def test_plain_values_read_as_written() -> None:
    assert identify((1, "a", None, [True, 1.5], {"b": 2, "a": b"x"})) == (
        "(1,'a',None,[True,1.5],{'a':b'x','b':2})"
    )
    assert identify(Color.ROUGE) == identify(Color.RED) == f"{__name__}.Color.RED"
    assert identify(Frozen(1)) == f"{__name__}.Frozen(x=1,hidden=0)"
    assert identify(Keyed(("a", 1))) == f"{__name__}.Keyed(('a',1))"


def test_what_is_worked_out_from_the_fields_does_not_count() -> None:
    for fresh in (Lazy(1), Attr(1), Model(x=1, y=2)):
        before = identify(fresh)
        assert fresh.double == 2 or isinstance(fresh, Model)
        assert identify(fresh) == before
    hashed = AttrHashed(1)
    before = identify(hashed)
    assert hash(hashed) == hash(hashed)
    assert identify(hashed) == before


def test_utc_is_utc_whoever_parsed_it() -> None:
    class Request(pydantic.BaseModel):
        when: datetime.datetime

    parsed = Request.model_validate_json('{"when": "2024-01-01T00:00:00Z"}').when
    assert identify(parsed) == identify(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))


def test_a_zone_without_a_name_has_no_identity() -> None:
    class Odd(datetime.tzinfo):
        def utcoffset(self, when: datetime.datetime | None) -> datetime.timedelta | None:
            return None

        dst = utcoffset

        def tzname(self, when: datetime.datetime | None) -> str:
            return "odd"

    with pytest.raises(TypeError, match=r"Odd has no name: use zoneinfo\.ZoneInfo"):
        identify(at(Odd()))


def test_enum_members_with_odd_names_are_quoted() -> None:
    odd = enum.Enum("odd", {"a.b": 1, "a,b": 2})
    assert identify(odd["a.b"]) == f"{__name__}.odd.'a.b'"


def test_a_model_made_without_its_fields_has_an_identity() -> None:
    assert identify(Model.model_construct(y=1)) == f"{__name__}.Model(y=1)"


class Opaque:
    """Has a repr and an address, but no identity."""

    def __repr__(self) -> str:
        return "1"


@pytest.mark.parametrize(
    "value",
    [
        *(object(), Opaque(), len, identify, lambda: 1, functools.partial(int), operator),
        *(asyncio.Event(), memoryview(b"a"), Exception("a"), iter(()), [1, [Opaque()]]),
        *({"a": Opaque()}, Plain(Opaque()), Model(x=Opaque()), Attr(Opaque()), Keyed(Opaque())),
    ],
)
def test_what_has_no_identity_says_what_to_write(value: Any) -> None:
    with pytest.raises(TypeError, match=r"has no identity.*cache_key\(\).*dataclass"):
        identify(value)


def test_a_class_made_in_a_function_has_no_identity() -> None:
    class Local:
        pass

    with pytest.raises(TypeError, match="define it at module level"):
        identify(Local)


def test_cache_key_is_a_method_of_the_type() -> None:
    class Attribute:
        cache_key = "x"

    thing = Opaque()
    thing.cache_key = lambda: 1  # type: ignore[attr-defined]
    for value in (Attribute(), thing):
        with pytest.raises(TypeError, match="has no identity"):
            identify(value)


def loop_of_lists() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def loop_of_dicts() -> Any:
    value: dict[str, Any] = {}
    value["me"] = [value]
    return value


def loop_of_models() -> Any:
    value = Plain(1)
    value.y = (value,)
    return value


def deep() -> Any:
    value: Any = None
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("make", [loop_of_lists, loop_of_dicts, loop_of_models, deep])
def test_what_contains_itself_is_a_clear_error(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="contains itself or is nested too deep"):
        identify(make())


def test_what_a_subclass_overrides_does_not_count() -> None:
    class Liar(dict[str, int]):
        def __iter__(self) -> Any:
            return iter(["nothing"])

        def items(self) -> Any:
            return [("nothing", 0)]

        def __len__(self) -> int:
            return 0

    assert identify(Liar(a=1)).endswith("Liar({'a':1})")
    assert identify(Name("a")) == f"{__name__}.Name('a')"


def test_all_pairs_of_the_list_are_told_apart_in_a_tuple() -> None:
    texts = [identify(value) for value in ALL_DIFFERENT]
    pairs = collections.Counter(f"({a},{b})" for a, b in combinations(texts, 2))
    assert pairs.most_common(1)[0][1] == 1
