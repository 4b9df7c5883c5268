"""What a part of a schema is: by name, by value, or by class."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic.fields import ModelPrivateAttr

Schema = dict[str, Any]
Look = tuple[str, list[Any]]
"""What a value is, and the values it holds."""

_UNSEEN: Final = {
    *("ref", "metadata", "computed_fields", "slots"),
    *("alias", "validation_alias", "serialization_alias"),
    *("model_name", "dataclass_name", "custom_error_message"),
}
"""Keys of a schema that say nothing about the bytes; a `ref` holds an address."""

_EXTRA: Final = ("extra_behavior", "extra_fields_behavior")
_LEAVES: Final = (str, bytes, float, bool, type(None))
_SHOWN: Final = frozenset[type[Any]](
    {
        *(date, datetime, time, timedelta, timezone, ZoneInfo, UUID, Fraction, complex, range),
        *(bytearray, PosixPath, WindowsPath, PurePosixPath, PureWindowsPath),
        *(IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network),
    }
)
"""Types whose repr says what their values are, in all versions of Python."""


def look(value: Any) -> Look:
    """What it is, and what it holds: only for what is known to be a value."""
    kind = cast("Any", type(value))
    if kind in _SHOWN:
        return f"{kind.__name__} {value!r}", []
    for kinds, looks in _LOOKS:
        if issubclass(kind, kinds):  # isinstance() asks the value itself, which may raise
            return looks(value)
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "model_fields", {})
    return f"a {_name(kind)}", [_fields(value, fields)] if fields else []


def _fields(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Not what else it has: that may be what a process remembers."""
    return {name: getattr(value, name, None) for name in names}


def _dict(value: dict[Any, Any]) -> Look:
    if isinstance(value.get("type"), str):
        value = _schema(value)
    told = {look(key)[0]: part for key, part in value.items() if not _is_default(key, part)}
    return f"dict {sorted(told)}", [told[key] for key in sorted(told)]


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    seen = {key: _unnamed(key, part) for key, part in value.items() if key not in _UNSEEN}
    if seen["type"] == "enum":
        seen["members"] = sorted(seen.get("members", ()), key=_name_of)
    private = getattr(value.get("cls"), "__private_attributes__", {})
    if seen["type"] == "model" and private:
        seen["private"] = {name: _default(private[name]) for name in private}
    return seen


def _name_of(member: Any) -> str:
    return str(getattr(member, "name", ""))


def _default(attribute: ModelPrivateAttr) -> list[Any]:
    return [attribute.default, attribute.default_factory]


def _is_default(key: Any, part: Any) -> bool:
    """Versions of pydantic differ in whether they spell these out."""
    return part is False or (key in _EXTRA and part == "ignore")


def _unnamed(key: str, part: Any) -> Any:
    if key != "config" or not isinstance(part, dict):
        return part
    config = cast("Schema", part)
    return {name: setting for name, setting in config.items() if name != "title"}


def _sequence(value: Iterable[Any]) -> Look:
    return "list", list(value)


def _set(value: Iterable[Any]) -> Look:
    return f"set {sorted(map(_text, value))}", []


def _text(value: Any) -> str:
    label, parts = look(value)
    return f"{label} {[*map(_text, parts)]}" if parts else label


def _member(value: Enum) -> Look:
    return f"{_name(type(value))}.{value.name}", [value.value]


def _leaf(value: Any) -> Look:
    return f"{type(value).__name__} {value!r}", []


def _number(value: Any) -> Look:
    return f"number {value}", []


def _partial(value: "partial[Any]") -> Look:
    return "partial", [value.func, value.args, value.keywords]


def _pattern(value: "re.Pattern[Any]") -> Look:
    return f"pattern {value.pattern!r} {value.flags}", []


def _named(value: Any) -> Look:
    return _name(value), []


def _name(value: Any) -> str:
    """Without type arguments: those of a generic model tell descriptions, too."""
    return str(value.__qualname__).partition("[")[0]


_LOOKS: Final[list[tuple[Any, Callable[[Any], Look]]]] = [
    (Enum, _member),
    (_LEAVES, _leaf),
    ((int, Decimal), _number),
    (dict, _dict),
    ((list, tuple, deque), _sequence),
    ((set, frozenset), _set),
    (partial, _partial),
    (re.Pattern, _pattern),
    ((type, FunctionType, BuiltinFunctionType, MethodType), _named),
]
