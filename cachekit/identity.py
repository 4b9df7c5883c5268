"""The text that stands for a value in a key: equal texts, equal values of equal types."""

import datetime
import decimal
import fractions
import ipaddress
import pathlib
import uuid
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import fields
from enum import Enum, Flag
from functools import cached_property
from types import EllipsisType, MemberDescriptorType, NoneType
from typing import Any, Final, cast


def identify(value: object) -> str:
    """The text of `value`, with its type: `1`, `'1'`, `True`, `1.0` and `b'1'` all differ.

    Builtin values are their `ascii()`; the elements of dicts and sets are sorted. Enums, UUIDs,
    dates, times, decimals, fractions, paths, IP addresses and classes have a text; dataclasses,
    attrs and pydantic models that of their class and fields; and whatever has a method
    `cache_key()`, that of its class and what the method returns.

    Raises `TypeError` for anything else, and `ValueError` for what contains itself.
    """
    try:
        return _identify(value)
    except RecursionError:
        kind = type_name(type(value))
        raise ValueError(f"a {kind} that contains itself or is nested too deep") from None


def type_name(kind: type[Any]) -> str:
    """Module and qualified name."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _identify(value: object) -> str:
    kind = type(value)
    encode = _EXACT.get(kind)
    if encode is not None:
        return encode(value)
    if not isinstance(value, type) and callable(getattr(kind, "cache_key", None)):
        return f"{type_name(kind)}({_identify(cast('Any', value).cache_key())})"
    if isinstance(value, Enum):
        return _enum(value)
    return _class(value) if isinstance(value, type) else _structure(value)


def _enum(value: Enum) -> str:
    kind = type_name(type(value))
    if isinstance(value, Flag):
        return f"{kind}({_identify(value.value)})"
    return f"{kind}.{value.name}" if value.name.isidentifier() else f"{kind}.{value.name!a}"


def _class(kind: type[Any]) -> str:
    if "<locals>" in kind.__qualname__:
        raise TypeError(
            f"the class {type_name(kind)} has no identity, as each call of the function around it "
            "makes another one: define it at module level"
        )
    return f"type[{type_name(kind)}]"


def _structure(value: object) -> str:
    """A subclass of a builtin, or what declares its fields, or both."""
    kind = type(value)
    base = next((b for b in kind.__mro__ if b in _BASES), None)
    state = _state(value, kind, base)
    if state is None:
        raise TypeError(
            f"a {type_name(kind)} has no identity that a key could be made of: give the class a "
            "method cache_key(), or make it a dataclass"
        )
    parts = [] if base is None else [_EXACT[base](_BASES[base](value))]
    parts += [f"{name}={_identify(item)}" for name, item in state.items()]
    return f"{type_name(kind)}({','.join(parts)})"


def _state(value: object, kind: Any, base: type[Any] | None) -> dict[str, Any] | None:
    """What makes `value` what it is, by name; `None` if its class does not say."""
    if hasattr(kind, "__dataclass_fields__"):
        names = [field.name for field in fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [attribute.name for attribute in kind.__attrs_attrs__]
    elif hasattr(kind, "__pydantic_core_schema__"):
        return _pydantic(value, kind)
    elif base is None:
        return None
    else:
        names = list[str]()
    names += _undeclared(value, kind, names)
    state = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {"_fields": kind._fields, **state} if hasattr(kind, "_fields") else state


def _pydantic(model: object, kind: Any) -> dict[str, Any]:
    held = vars(model)
    names: Iterable[str] = kind.model_fields
    state = {name: held[name] for name in names if name in held}
    for more in ("__pydantic_extra__", "__pydantic_private__"):
        if found := getattr(model, more, None):
            state[more] = found
    return state


def _undeclared(value: object, kind: type[Any], declared: list[str]) -> list[str]:
    """What `value` has besides: set by hand, or by a subclass that declares nothing."""
    slots = [name for base in kind.__mro__ for name in _own_slots(base)]
    names = {*getattr(value, "__dict__", ()), *slots} - {*declared, "_attrs_cached_hash"}
    return [n for n in sorted(names) if not isinstance(getattr(kind, n, None), cached_property)]


def _own_slots(base: type[Any]) -> list[str]:
    own = vars(base)
    if "__slots__" not in own or "__dataclass_fields__" in own or "__attrs_attrs__" in own:
        return []
    return [name for name, slot in own.items() if isinstance(slot, MemberDescriptorType)]


def _int(value: int) -> str:
    # beyond some thousand digits `ascii` refuses, and how many depends on the interpreter
    return ascii(value) if value.bit_length() <= 2048 else hex(value)


def _tuple(value: tuple[Any, ...]) -> str:
    return (
        f"({_identify(value[0])},)" if len(value) == 1 else f"({','.join(map(_identify, value))})"
    )


def _list(value: list[Any]) -> str:
    return f"[{','.join(map(_identify, value))}]"


def _dict(value: dict[Any, Any]) -> str:
    items = sorted(f"{_identify(key)}:{_identify(item)}" for key, item in value.items())
    return f"{{{','.join(items)}}}"


def _set(value: set[Any] | frozenset[Any]) -> str:
    return f"{type(value).__name__}{{{','.join(sorted(map(_identify, value)))}}}"


def _datetime(value: datetime.datetime) -> str:
    return _moment("datetime", value.replace(tzinfo=None).isoformat(), value)


def _time(value: datetime.time) -> str:
    return _moment("time", value.replace(tzinfo=None).isoformat(), value)


def _moment(name: str, text: str, value: datetime.datetime | datetime.time) -> str:
    zone = "" if value.tzinfo is None else f",{_zone(value.tzinfo)}"
    return f"{name}({text}{zone}{',fold=1' if value.fold else ''})"


def _zone(zone: datetime.tzinfo) -> str:
    """A fixed offset by what it is, whoever's class it has; any other zone by its name."""
    offset = zone.utcoffset(None)
    if offset is not None:
        return f"timezone({_timedelta(offset)},{zone.tzname(None)!a})"
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if not isinstance(name, str):
        raise TypeError(f"the time zone {type_name(type(zone))} has no name: use zoneinfo.ZoneInfo")
    return f"{type_name(type(zone))}({name!a})"


def _timedelta(value: datetime.timedelta) -> str:
    return f"timedelta({value.days},{value.seconds},{value.microseconds})"


def _range(value: range) -> str:
    return f"range({_int(value.start)},{_int(value.stop)},{_int(value.step)})"


def _fraction(value: fractions.Fraction) -> str:
    return f"Fraction({_int(value.numerator)},{_int(value.denominator)})"


def _ordered(value: "OrderedDict[Any, Any]") -> str:
    return f"OrderedDict({_list(list(value.items()))})"


def _named_text(name: str) -> Callable[[Any], str]:
    return lambda value: f"{name}({str(value)!a})"


_EXACT: Final[dict[type[Any], Callable[[Any], str]]] = {
    **dict.fromkeys((str, bool, NoneType, float, bytes, complex, bytearray, EllipsisType), ascii),
    int: _int,
    tuple: _tuple,
    list: _list,
    dict: _dict,
    set: _set,
    frozenset: _set,
    OrderedDict: _ordered,
    datetime.datetime: _datetime,
    datetime.date: lambda value: f"date({value.isoformat()})",
    datetime.time: _time,
    datetime.timedelta: _timedelta,
    datetime.timezone: _zone,
    zoneinfo.ZoneInfo: _zone,
    range: _range,
    fractions.Fraction: _fraction,
    uuid.UUID: lambda value: f"UUID({value})",
    decimal.Decimal: lambda value: f"Decimal({value})",
    **{
        kind: _named_text(kind.__name__)
        for kind in (
            pathlib.PurePosixPath,
            pathlib.PureWindowsPath,
            pathlib.PosixPath,
            pathlib.WindowsPath,
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
        )
    },
}


def _copied(base: Any) -> Callable[[Any], Any]:
    return lambda value: base(base.__iter__(value))


def _copied_items(base: Any) -> Callable[[Any], Any]:
    return lambda value: base(base.items(value))


_BASES: Final[dict[type[Any], Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__index__,
    float: float.__pos__,
    complex: complex.__pos__,
    bytes: lambda value: bytes(memoryview(value)),
    **{base: _copied(base) for base in (tuple, list, set, frozenset)},
    **{base: _copied_items(base) for base in (OrderedDict, dict)},
}
"""What makes a subclass of a builtin type that type itself, past what the subclass overrides."""
