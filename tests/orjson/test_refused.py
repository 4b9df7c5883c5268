"""What JSON would change in silence is an error that names the type and what can carry it."""

import re
import threading
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from fractions import Fraction
from ipaddress import ip_address
from math import inf, nan
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import orjson
import pydantic
import pytest

from cachekit.errors import EncodeError
from cachekit_orjson import OrjsonSerializer

SERIALIZER = OrjsonSerializer()
MSGPACK = r': (make it a str; )?serializer="msgpack" carries it$'


class Color(Enum):
    RED = "r"


class Answer(Enum):
    """Says of everything that it is equal."""

    YES = 1

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


class Share(float, Enum):
    HALF = 0.5


class Right(Flag):
    READ = 1


class Mode(IntFlag):
    READ = 1


class Text(str):
    pass


class Number(int):
    pass


class Real(float):
    pass


class Items(list[int]):
    pass


class Mapped(dict[str, int]):
    pass


class Tuple(tuple[int, ...]):
    pass


class Point(NamedTuple):
    x: int


@dataclass
class Product:
    id: int


@attrs.define
class Box:
    x: int


class Model(pydantic.BaseModel):
    x: int


class Plain:
    pass


OF_MSGPACK: list[Any] = [
    *((), (1,), set[int](), frozenset({1}), 1j, range(3), b"a", bytearray(b"a")),
    *(UUID(int=1), Decimal(1), Fraction(1), date.min, time.min, datetime.min, timedelta(1), UTC),
    *(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("UTC"), Path("a"), PurePosixPath("a")),
    *(ip_address("::1"), OrderedDict(a=1), Counter("a"), deque([1]), defaultdict(list)),
]
REFUSED: list[tuple[Any, str]] = [
    *((part, MSGPACK) for part in OF_MSGPACK),
    *((part, rf"the float {part} would come back as None{MSGPACK}") for part in (nan, inf, -inf)),
    *((part, rf"an int of more than 64 bits .*{MSGPACK}") for part in (2**64, -(2**63) - 1)),
    (10**5000, rf"an int of more than 64 bits .*{MSGPACK}"),
    ("a\ud800", rf"a str with lone surrogates .*{MSGPACK}"),
    ({"\udfff": 1}, rf"a str with lone surrogates .*{MSGPACK}"),
    (Color.RED, r"Color would come back as its value: .*types=\[Color\]"),
    (Answer.YES, r"Answer would come back as its value"),
    (Level.LOW, r"Level would come back as its value: take PydanticSerializer of its annotation"),
    (Word.YES, r"Word would come back as its value"),
    (Share.HALF, r"Share would come back as its value"),
    (Right.READ, r"Right would come back as its value"),
    (Mode.READ, r"Mode would come back as its value"),
    (Mode(6), r"Mode would come back as its value"),
    (Text("a"), r"Text would come back as str: cache str\(value\)"),
    (Number(1), r"Number would come back as int"),
    (Real(1), r"Real would come back as float"),
    (Items([1]), r"Items would come back as list"),
    (Mapped(a=1), r"Mapped would come back as dict"),
    (Tuple([1]), r"Tuple cannot be turned into JSON: cache the builtin values"),
    (Point(1), r"Point cannot be .*: take PydanticSerializer .*types=\[Point\]"),
    (Product(1), r"Product cannot be .*: take PydanticSerializer .*types=\[Product\]"),
    (Box(1), r"Box cannot be .*: take PydanticSerializer .*types=\[Box\]"),
    (Model(x=1), r"Model cannot be .*: take PydanticSerializer .*types=\[Model\]"),
    (orjson.Fragment(b"{}"), r"orjson\.Fragment cannot be turned into JSON"),
    (memoryview(b"a"), r"memoryview cannot be turned into JSON"),
    (UserDict(a=1), r"UserDict cannot be turned into JSON"),
    (Plain(), r"Plain cannot be turned into JSON: cache the builtin"),
    (Color, r"enum\.EnumType cannot be turned into JSON"),
    (len, r"builtin_function_or_method cannot be turned into JSON"),
    (threading.Lock(), r"_thread\.lock cannot be turned into JSON"),
    (..., r"ellipsis cannot be turned into JSON"),
]

WRAPS: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: [value],
    lambda value: {"a": value},
    lambda value: [None, 1.5, "(", {"a": [1, {"b": value}]}, {}],
    lambda value: {"null": None, "b": {"c": ["[", value]}, "d": 1},
]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(("value", "message"), REFUSED, ids=lambda part: type(part).__name__)
def test_it_is_refused_by_name(value: Any, message: str, wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(EncodeError, match=message) as refused:
        SERIALIZER.dumps(wrap(value))
    if message == MSGPACK:
        assert type(value).__qualname__ in str(refused.value)


KEYS = [1, 1.5, None, True, (1,), b"a", UUID(int=1), date.min, Text("a"), Word.YES, Level.LOW]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_as_a_key_too(key: Any, wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(EncodeError, match=rf"\.{type(key).__name__} as a key.*{MSGPACK}"):
        SERIALIZER.dumps(wrap({"first": 1, key: 1}))


def test_a_circle() -> None:
    value: dict[str, Any] = {"a": [1]}
    value["a"].append(value)
    with pytest.raises(EncodeError, match=re.escape("it is nested too deep, or in a circle")):
        SERIALIZER.dumps(value)


def test_what_is_shared_many_times_is_looked_at_once_when_it_is_refused() -> None:
    value: Any = 1
    for _ in range(300):
        value = [value, value]
    with pytest.raises(EncodeError, match="nested too deep"):
        SERIALIZER.dumps(value)
