"""Values come back with the types they had, all the way down."""

import math
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgpack  # type: ignore[import-untyped]
import pytest

from cachekit.serializer import Serializer
from cachekit.testing.shapes import shape
from cachekit_msgpack import MsgpackSerializer

SERIALIZER: Serializer = MsgpackSerializer()
LISBON = ZoneInfo("Europe/Lisbon")


def comes_back(value: Any) -> None:
    """Fails unless `value` comes back equal, with equal types."""
    made = SERIALIZER.loads(SERIALIZER.dumps(value))
    assert shape(made) == shape(value)


def test_its_name() -> None:
    assert SERIALIZER.id == "msgpack"
    assert SERIALIZER.fingerprint == b""


EDGES = [2**bits + more for bits in (7, 8, 31, 63, 64, 65, 200) for more in (-1, 0, 1)]
PLAIN: list[Any] = [
    None,
    True,
    False,
    0,
    *EDGES,
    *(-edge for edge in EDGES),
    10**5000,
    1.5,
    -0.0,
    math.inf,
    -math.inf,
    5e-324,
    complex(-0.0, math.inf),
    "",
    "é\0\N{GRINNING FACE}",
    "a" * 70_000,
    b"",
    b"\xc4\xd4\xff" * 30_000,
    bytearray(),
    bytearray(b"\xd4\x01\x01"),
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_numbers_text_and_bytes(value: Any) -> None:
    comes_back(value)


def test_nan() -> None:
    assert math.isnan(SERIALIZER.loads(SERIALIZER.dumps(math.nan)))
    made = SERIALIZER.loads(SERIALIZER.dumps(complex(math.nan, -0.0)))
    assert math.isnan(made.real)
    assert math.copysign(1, made.imag) == -1


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83d\ude00", "\udcff" * 100])
def test_lone_surrogates(text: str) -> None:
    comes_back(text)
    comes_back({text: [text, (text,), PurePosixPath("a/" + text), bytearray(b"a")]})


FACTORIES: list[Any] = [list, set, int, str, dict, tuple, OrderedDict]
CONTAINERS: list[Any] = [
    [],
    (),
    set(),
    frozenset(),
    {},
    [(1, (2, [3, (4,)])), ()],
    {1: "int", "1": "str", (1, "a"): "tuple", None: 0, 1.5: 0, b"1": 0, frozenset({1}): 0},
    {True: "bool", 2: "int"},
    {date(2024, 1, 1): {UUID(int=1): {Decimal("1.5"): 1}}},
    {"b": 1, "a": 2, "c": 3},
    {1, "a", (2, frozenset({3}))},
    range(10),
    range(5, 2**70, 3),
    Fraction(-1, 3),
    Fraction(2**100, 3),
    deque([1, [2]]),
    deque([1, (2,)], maxlen=2),
    deque(maxlen=0),
    OrderedDict(b=(1,), a=[2]),
    OrderedDict(),
    Counter("abca"),
    Counter({"a": -1, "b": 0}),
    defaultdict(None, a=1),
    *(defaultdict(kind) for kind in FACTORIES),
    defaultdict(list, a=[1]),
    [[{"a": ({1: [bytearray(b"a")]},)}], bytearray(b"b")],
    {"a": (bytearray(b"a"), b"a"), "b": deque([bytearray(b"b")])},
    OrderedDict(a=bytearray(b"a")),
]


@pytest.mark.parametrize("value", CONTAINERS, ids=lambda value: type(value).__name__)
def test_containers(value: Any) -> None:
    comes_back(value)


SCALAR: list[Any] = [
    datetime(2024, 2, 29, 1, 2, 3, 456789),
    datetime.min,
    datetime.max,
    datetime(2024, 10, 27, 1, 30, tzinfo=LISBON),
    datetime(2024, 10, 27, 1, 30, tzinfo=LISBON, fold=1),
    datetime(2024, 10, 27, 1, 30, fold=1),
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(microseconds=-1), "é\ud800")),
    date.min,
    date.max,
    time(),
    time(23, 59, 59, 999999, fold=1),
    time(1, 2, tzinfo=UTC),
    time(1, 2, tzinfo=LISBON),
    timedelta.min,
    timedelta.max,
    timedelta(-1, 3, 5),
    UTC,
    timezone(timedelta(hours=1)),
    timezone(timedelta(hours=1), "CET"),
    timezone(timedelta(0), ""),
    LISBON,
    *map(Decimal, ["0", "-0", "1.50", "1E+5", "-1E-999999", "NaN", "-sNaN123", "-Infinity"]),
    Decimal("1." + "3" * 1000),
    UUID(int=2**128 - 1),
    Path("a/b c"),
    Path(),
    PurePosixPath("/é"),
    PurePosixPath("//a"),
    PureWindowsPath("C:\\a\\b"),
    ip_address("127.0.0.1"),
    ip_address("fe80::1%eth0"),
    ip_network("10.0.0.0/8"),
    ip_network("::/0"),
    ip_interface("10.0.0.1/8"),
    ip_interface("::1/64"),
]


@pytest.mark.parametrize("value", SCALAR, ids=lambda value: type(value).__name__)
def test_scalars(value: Any) -> None:
    comes_back(value)
    comes_back((value, [value]))
    if not (isinstance(value, Decimal) and value.is_snan()):
        comes_back({value: {value}})


def test_a_zone_is_the_zone_and_utc_is_utc() -> None:
    made = SERIALIZER.loads(SERIALIZER.dumps([datetime(2024, 1, 1, tzinfo=LISBON), UTC]))
    assert made[0].tzinfo is LISBON
    assert made[1] is UTC


def test_a_default_factory_still_makes() -> None:
    made = SERIALIZER.loads(SERIALIZER.dumps(defaultdict(list, a=[1])))
    made["b"].append(2)
    assert made == {"a": [1], "b": [2]}


def test_msgpacks_own_timestamp_stays_one() -> None:
    value = [msgpack.Timestamp(1, 2)]
    assert SERIALIZER.loads(SERIALIZER.dumps(value)) == value


def test_plain_values_are_plain_msgpack() -> None:
    value: Any = {"a": [1, 2.5, None, True, "b", b"c", {"d": []}]}
    assert SERIALIZER.dumps(value) == msgpack.packb(value)
    assert msgpack.unpackb(SERIALIZER.dumps(value)) == value


def test_one_object_in_two_places_comes_back_as_two() -> None:
    inner = [1]
    made = SERIALIZER.loads(SERIALIZER.dumps([inner, inner]))
    assert made == [[1], [1]]
    assert made[0] is not made[1]


def test_as_deep_as_all_versions_of_msgpack_go() -> None:
    for leaf, wrap in (
        (1, lambda inner: [inner]),
        (bytearray(b"a"), lambda inner: (inner,)),
        (bytearray(b"a"), lambda inner: {"a": inner}),
    ):
        value: Any = leaf
        for _ in range(500):
            value = wrap(value)
        made = SERIALIZER.loads(SERIALIZER.dumps(value))
        while isinstance(made, (list, tuple, dict)):
            made = made["a"] if isinstance(made, dict) else made[0]
        assert shape(made) == shape(leaf)


def test_paths_keep_their_class() -> None:
    for path in (PurePath("a"), Path("a")):
        assert type(SERIALIZER.loads(SERIALIZER.dumps(path))) is type(path)
