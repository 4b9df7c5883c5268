"""The bytes themselves: a number on the wire never changes its meaning."""

from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import PosixPath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from cachekit.testing.shapes import shape
from cachekit_msgpack import MsgpackSerializer


class Color(Enum):
    RED = "r"


class Right(Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: int
    right: int


@dataclass
class Point:
    x: int


SERIALIZER = MsgpackSerializer({"c": Color, "r": Right, "p": Pair, "o": Point})

GOLDEN: list[tuple[Any, str]] = [
    (2**64, "c7 09 02 010000000000000000"),
    (-(2**63) - 1, "c7 09 02 ff7fffffffffffffff"),
    (1 - 2j, "d8 03 3ff0000000000000 c000000000000000"),
    (bytearray(b"ab"), "d5 04 6162"),
    (Decimal("-1.50"), "c7 05 05 2d312e3530"),
    (date(2024, 2, 29), "d6 06 07e8 02 1d"),
    (time(1, 2, 3, 4), "c7 07 07 01 02 03 00000004"),
    (time(1, 2, 3, 4, UTC, fold=1), "d7 07 01 02 03 80000004 55"),
    (datetime(2024, 2, 29, 1, 2, 3, 4), "c7 0b 08 07e8 02 1d 01 02 03 00000004"),
    (datetime(2024, 2, 29, tzinfo=UTC), "c7 0c 08 07e8 02 1d 00 00 00 00000000 55"),
    (timedelta(-1, 2, 3), "c7 0c 09 ffffffff 00000002 00000003"),
    (UTC, "d4 0a 55"),
    (timezone(timedelta(hours=-1)), "c7 09 0a 4f ffffffff296c5c00"),
    (timezone(timedelta(0), "a"), "c7 0a 0a 4e 0000000000000000 61"),
    (ZoneInfo("UTC"), "d6 0a 5a 555443"),
    (UUID(int=1), "d8 0b 00000000000000000000000000000001"),
    (PurePosixPath("a"), "d5 0c 70 61"),
    (PosixPath("a"), "d5 0c 50 61"),
    (PureWindowsPath("a"), "d5 0c 77 61"),
    (ip_address("::"), "c7 03 0d 41 3a3a"),
    (ip_address("1.1.1.1"), "d7 0d 61 312e312e312e31"),
    (ip_network("::/0"), "c7 05 0d 4e 3a3a2f30"),
    (ip_network("0.0.0.0/0"), "c7 0a 0d 6e 302e302e302e302f30"),
    (ip_interface("::/0"), "c7 05 0d 49 3a3a2f30"),
    (ip_interface("0.0.0.0/0"), "c7 0a 0d 69 302e302e302e302f30"),
    ((1,), "92 d40101 01"),
    ({1}, "92 d40102 01"),
    (frozenset({1}), "92 d40103 01"),
    (range(3), "94 d40104 00 03 01"),
    (Fraction(1, 3), "93 d40105 01 03"),
    (deque([1]), "93 d40106 c0 01"),
    (deque([1], 5), "93 d40106 05 01"),
    (OrderedDict(a=1), "92 d40107 81 a161 01"),
    (defaultdict(int, a=1), "93 d40108 a3696e74 81 a161 01"),
    (defaultdict(None, a=1), "93 d40108 c0 81 a161 01"),
    (Counter("a"), "92 d40109 81 a161 01"),
    (Color.RED, "93 d4010a a163 a3524544"),
    (Right.READ | Right.WRITE, "93 d4010a a172 03"),
    (Pair(1, 2), "93 d4010a a170 92 01 02"),
    (Point(1), "93 d4010a a16f 81 a178 01"),
    ({(1,): "\ud800"}, "81 92d4010101 a3eda080"),
]


@pytest.mark.parametrize(("value", "data"), GOLDEN, ids=lambda part: type(part).__name__)
def test_what_the_bytes_are(value: Any, data: str) -> None:
    assert SERIALIZER.dumps(value).hex() == data.replace(" ", "")
    assert shape(SERIALIZER.loads(bytes.fromhex(data))) == shape(value)
