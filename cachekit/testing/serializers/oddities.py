"""Values that lose their type on the way through many formats, and values that none can carry."""

import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from math import inf, nan
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple, cast
from uuid import UUID
from zoneinfo import ZoneInfo


class Text(str):
    """Text with a class of its own."""

    __slots__ = ()


class Number(int):
    """A number with a class of its own."""


class Level(IntEnum):
    """A number by name."""

    LOW = 1


class Word(StrEnum):
    """Text by name."""

    YES = "yes"


class Color(Enum):
    """A name for text."""

    RED = "red"


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


@dataclass
class Product:
    """Fields."""

    id: int


class Unknown:
    """Something that no serializer has heard of."""


def odd_values() -> list[Any]:
    """New ones each time."""
    moment = datetime(2024, 10, 27, 1, 30, 0, 5)
    scalars: list[Any] = [
        *(None, True, False, 0, 1, -1, 2**53 + 1, 2**64, -(2**64), 2**200),
        *(1.0, -0.0, 1e300, nan, inf, -inf, 1j),
        *("", "é\0", "\N{GRINNING FACE}", "\ud800", "2024-10-27", b"", b"\xff", bytearray(b"a")),
        *(Decimal("1.50"), Decimal("NaN"), Fraction(1, 3), UUID(int=1), PurePosixPath("a/b")),
        *(moment, moment.replace(fold=1), moment.replace(tzinfo=UTC), moment.date(), time(1, 2)),
        moment.replace(tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        moment.replace(tzinfo=ZoneInfo("UTC")),
        *(date.min, timedelta(-1, 2, 3), timedelta.max, range(3)),
        *(Text("a"), Number(1), Level.LOW, Word.YES, Color.RED),
    ]
    containers: list[Any] = [
        *([], [1, [2]], (), (1, (2,)), [()], {"a": (1,)}, Point(1, 2), Product(1)),
        *(set[int](), {1, 2}, frozenset({1}), deque([1]), deque([1], maxlen=1)),
        *({}, {1: "a"}, {"1": "a", 1: "b"}, {(1, 2): 3}, {None: 1}, {True: 1}, {1.5: 1}, {b"a": 1}),
        *({"b": 1, "a": 2}, {Word.YES: 1}, OrderedDict[str, int](b=1, a=2), Counter("aab")),
        *(defaultdict(list, a=[1]), {moment.date(): 1}),
    ]
    return scalars + containers


def unknown_values() -> list[Any]:
    """New ones each time."""
    return [Unknown(), (item for item in "ab"), threading.Lock(), lambda: None, open]


def circles() -> list[Any]:
    """A list and a dict that hold themselves."""
    ring: list[Any] = []
    ring.append(ring)
    loop: dict[str, Any] = {}
    loop["a"] = loop
    return [ring, loop]


def is_circle(made: Any, value: Any) -> bool:
    """Whether `made` is the same circle as `value`, one of `circles`."""
    return _kind(made) is _kind(value) and len(made) == 1 and made is _only(made)


def _in_list(value: Any) -> Any:
    return [value]


def _in_dict(value: Any) -> Any:
    return {"a": value}


def _in_both(value: Any) -> Any:
    return [{"a": value}]


NESTS: Final[dict[str, Callable[[Any], Any]]] = {
    "lists": _in_list,
    "dicts": _in_dict,
    "dicts in lists": _in_both,
}
"""What puts a value one deeper."""


def nest(name: str, depth: int) -> Any:
    """As many of the containers of one of `NESTS` in each other, around 1."""
    value: Any = 1
    for _ in range(depth):
        value = NESTS[name](value)
    return value


def is_as_deep(made: Any, value: Any) -> bool:
    """Whether `made` is `value`, a `nest`. It looks without recursion, unlike `==`."""
    while _kind(value) is not int:
        if _kind(made) is not _kind(value) or len(made) != 1:
            return False
        made, value = _only(made), _only(value)
    return _kind(made) is int and bool(made == value)


def _only(container: Any) -> Any:
    """What is in a list or dict of one, under the one key that it may have."""
    return container.get("a") if _kind(container) is dict else container[0]


def _kind(value: Any) -> Any:
    return cast("Any", type(value))
