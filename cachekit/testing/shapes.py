"""Comparing values with their types."""

import datetime
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast


def shape(value: Any) -> Any:
    """Equal for two values only if they have the same types and values all the way down.

    A NaN is equal to another, -0.0 is not 0.0, and dicts are equal if their order is.
    """
    kind = cast("Any", type(value))
    if isinstance(value, Mapping):
        pairs = cast("Any", value).items()
        factory = getattr(cast("Any", value), "default_factory", None)
        return kind, factory, tuple((shape(key), shape(inner)) for key, inner in pairs)
    if isinstance(value, set | frozenset):
        return kind, frozenset(Counter(map(shape, cast("Any", value))).items())
    if isinstance(value, list | tuple | deque):
        parts = cast("Any", value)
        return kind, getattr(parts, "maxlen", None), tuple(map(shape, parts))
    return kind, _content(value)


def _content(value: Any) -> Any:
    if isinstance(value, datetime.datetime | datetime.time):
        return value.replace(tzinfo=None).isoformat(), value.fold, shape(value.tzinfo)
    if isinstance(value, Fraction):
        return shape(value.numerator), shape(value.denominator)
    if is_dataclass(value) and not isinstance(value, type):
        return tuple(shape(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, BaseException):
        return shape(value.args), shape(vars(value))
    if isinstance(value, int):
        return int(value)
    if " object at 0x" in repr(value):
        return shape(getattr(value, "__dict__", None))
    return str(value) if isinstance(value, Decimal) else repr(value)
