"""Comparing values with their types, and finding what two of them share."""

import datetime
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any


def shape(value: Any) -> Any:
    """Equal for two values only if they have the same types and values all the way down."""
    kind = type(value)
    if isinstance(value, dict):
        pairs = tuple((shape(key), shape(inner)) for key, inner in value.items())
        return kind, getattr(value, "default_factory", None), pairs
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(Counter(map(shape, value)).items())
    if isinstance(value, (list, tuple, deque)):
        return kind, getattr(value, "maxlen", None), tuple(map(shape, value))
    if isinstance(value, (datetime.datetime, datetime.time)):
        return kind, value.replace(tzinfo=None).isoformat(), value.fold, shape(value.tzinfo)
    if isinstance(value, Fraction):
        return kind, shape(value.numerator), shape(value.denominator)
    if is_dataclass(value) and not isinstance(value, type):
        return kind, tuple(shape(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, BaseException):
        return kind, shape(value.args), shape(vars(value))
    if isinstance(value, int):
        return kind, int(value)
    if " object at 0x" in repr(value):
        return kind, shape(getattr(value, "__dict__", None))
    return kind, str(value) if isinstance(value, Decimal) else repr(value)


def mutable_parts(value: Any) -> Iterator[int]:
    """The ids of everything in `value` that can be changed in place."""
    if isinstance(value, (list, dict, set, bytearray, deque)) or hasattr(value, "__dict__"):
        yield id(value)
    if isinstance(value, defaultdict | dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        for part in value:
            yield from mutable_parts(part)
    for part in getattr(value, "__dict__", {}).values():
        yield from mutable_parts(part)
