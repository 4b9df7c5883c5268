"""Which values nobody can change, so that one object serves all callers."""

import datetime
import decimal
import fractions
import ipaddress
import pathlib
import re
import types
import uuid
import zoneinfo
from dataclasses import fields
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Final, cast

ATOMS: Final = frozenset({int, str, bytes, bool, float, complex, types.NoneType})
IMMUTABLE: Final = ATOMS | {
    types.EllipsisType,
    types.NotImplementedType,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    zoneinfo.ZoneInfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    range,
    re.Pattern,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
}


def is_immutable(value: Any) -> bool:
    """Whether `value`, all the way down, is of types that nobody changes.

    Those are the builtin ones, enums, tuples, frozensets, and frozen dataclasses of such values,
    if there is nothing in them besides their fields and nothing that they would remember later
    (a `cached_property`).
    """
    kind = cast("Any", type(value))
    if kind in IMMUTABLE or issubclass(kind, Enum):
        return True
    if issubclass(kind, tuple):
        return not hasattr(value, "__dict__") and all(map(is_immutable, _ITEMS(value)))
    if kind is frozenset:
        return all(map(is_immutable, value))
    names = _frozen_fields(kind)
    if names is None or not names.issuperset(getattr(value, "__dict__", ())):
        return False
    return all(is_immutable(getattr(value, name, None)) for name in names)


_ITEMS: Final = cast("Any", tuple).__iter__  # not what a subclass makes of it


@lru_cache(maxsize=512)
def _frozen_fields(kind: Any) -> frozenset[str] | None:
    """The fields of a dataclass that is frozen itself and keeps nothing elsewhere, else `None`."""
    own = cast("dict[str, Any]", vars(kind))
    params = own.get("__dataclass_params__")
    if params is None or not params.frozen or kind.__new__ is not object.__new__:
        return None
    names = frozenset(field.name for field in fields(kind))
    bases: tuple[type, ...] = kind.__mro__
    for name, member in [pair for base in bases for pair in vars(base).items()]:
        hidden = isinstance(member, types.MemberDescriptorType) and name not in names
        if hidden or isinstance(member, cached_property):
            return None
    return names
