"""Saying why a value cannot be carried, and what can carry it."""

import datetime
import ipaddress
import pathlib
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from math import isfinite
from types import NoneType
from typing import Any, Final, cast
from uuid import UUID

from cachekit.errors import EncodeError

_MSGPACK: Final = 'serializer="msgpack" carries it'
_NO_JSON: Final = "cannot be turned into JSON"
_FIELDS: Final = ("_fields", "__attrs_attrs__", "model_fields")
_OF_MSGPACK: Final[frozenset[type[Any]]] = frozenset(
    (
        *(tuple, set, frozenset, bytes, bytearray, complex, range, Decimal, Fraction, UUID),
        *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone),
        *(zoneinfo.ZoneInfo, deque, OrderedDict, Counter, defaultdict),
        *(pathlib.PurePosixPath, pathlib.PureWindowsPath, type(pathlib.Path())),
        *(ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv4Interface),
        *(ipaddress.IPv6Address, ipaddress.IPv6Network, ipaddress.IPv6Interface),
    )
)


def refusal(value: Any, error: Exception | None = None) -> EncodeError:
    """The error for a `value` that does not become JSON as it is; `error` is what orjson said."""
    parts, seen = [value], set[int]()
    for part in parts:  # it grows under way, so that what is nested least is named first
        flaw = _flaw(part)
        if flaw is not None:
            return EncodeError(flaw)
        if type(part) in (list, dict) and id(part) not in seen:
            seen.add(id(part))
            parts += part if type(part) is list else [*part, *part.values()]
    return EncodeError(f"{_name(type(value))} {_NO_JSON}: {_why(error)}")


def _why(error: Exception | None) -> str:
    if isinstance(error, RecursionError) or "Recursion limit" in str(error):
        return "it is nested too deep, or in a circle"
    return str(error) if error else "it was changed while it was written"


def _flaw(value: Any) -> str | None:
    """What is wrong with a value, besides what is in it."""
    kind = cast("Any", type(value))
    check = _CHECKS.get(kind)
    return f"{_name(kind)} {_reason(kind)}" if check is None else check(value)


def _flaw_of_int(value: int) -> str | None:
    if -(2**63) <= value < 2**64:
        return None
    return f"an int of more than 64 bits {_NO_JSON}: {_MSGPACK}"


def _flaw_of_float(value: float) -> str | None:
    return None if isfinite(value) else f"the float {value} would come back as None: {_MSGPACK}"


def _flaw_of_text(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"a str with lone surrogates {_NO_JSON}: {_MSGPACK}"
    return None


def _flaw_of_keys(value: dict[Any, Any]) -> str | None:
    for kind in map(type, cast("dict[object, Any]", value)):
        if kind is not str:
            return f"a dict with {_name(kind)} as a key {_NO_JSON}: make it a str; {_MSGPACK}"
    return None


def _no_flaw(_: Any) -> None:
    return None


_CHECKS: Final[dict[type[Any], Callable[[Any], str | None]]] = {
    NoneType: _no_flaw,
    bool: _no_flaw,
    list: _no_flaw,
    int: _flaw_of_int,
    float: _flaw_of_float,
    str: _flaw_of_text,
    dict: _flaw_of_keys,
}


def _reason(kind: Any) -> str:
    register = (
        f"PydanticSerializer of its annotation, or MsgpackSerializer(types=[{kind.__name__}])"
    )
    if issubclass(kind, Enum):
        return f"would come back as its value: take {register}"
    if is_dataclass(kind) or any(hasattr(kind, name) for name in _FIELDS):
        return f"{_NO_JSON}: take {register}"
    if kind in _OF_MSGPACK:
        return f"{_NO_JSON} and come back as it was: {_MSGPACK}"
    for base in kind.__mro__[1:]:
        if base in _CHECKS:
            return f"would come back as {base.__name__}: cache {base.__name__}(value)"
    return f"{_NO_JSON}: cache the builtin values it is made of"


def _name(kind: Any) -> str:
    return f"a {kind.__module__}.{kind.__qualname__}"
