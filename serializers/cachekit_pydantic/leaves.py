"""Comparing what has no parts, in bulk."""

import datetime
import operator
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import NoneType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import TzInfo

Values = list[Any]
Check = Callable[[Values, Values], bool]
"""Whether all of the first list are what those of the second are; all are of one class."""

EXACT: Final = frozenset[type[Any]](
    {
        *(NoneType, bool, int, str, bytes, bytearray, UUID, datetime.date, datetime.timedelta),
        *(PosixPath, PurePosixPath, PureWindowsPath, WindowsPath),
        *(IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network),
    }
)
"""Types whose values are the same if they are equal."""

EQUAL: Final = EXACT | {float}
"""Of floats only the zeros can be equal and not the same."""


def as_text(show: Callable[[Any], str]) -> Check:
    return lambda made, values: [*map(show, made)] == [*map(show, values)]


def same_moments(made: Values, values: Values) -> bool:
    return (
        made == values
        and [*map(_FOLD, made)] == [*map(_FOLD, values)]
        and all(
            mine is zone or _same_zone(mine, zone)
            for mine, zone in set(zip(map(_ZONE, made), map(_ZONE, values), strict=True))
        )
    )


_FOLD: Final = operator.attrgetter("fold")
_ZONE: Final = operator.attrgetter("tzinfo")


def _same_zone(made: datetime.tzinfo | None, zone: datetime.tzinfo | None) -> bool:
    return bool(
        made
        and zone
        and _is_fixed(made)
        and _is_fixed(zone)
        and made.utcoffset(None) == zone.utcoffset(None)
    )


def _is_fixed(zone: datetime.tzinfo) -> bool:
    if type(zone) is ZoneInfo:
        return zone.key == "UTC"
    return type(zone) in (TzInfo, datetime.timezone)
