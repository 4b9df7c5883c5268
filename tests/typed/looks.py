"""Comparing values with their types, in another way than the serializer does."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, time
from enum import Enum
from typing import Any, cast

from pydantic import BaseModel


def look(value: Any) -> Any:
    """Equal for two values only if they are of the same types all the way down.

    Only zones count by their offset, and dicts in any order, as the serializer promises.
    """
    kind = cast("Any", type(value))
    if isinstance(value, BaseModel):
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        names = type(value).model_fields
        return kind, [look(getattr(value, name)) for name in names], look(extra), look(private)
    if is_dataclass(value):
        return kind, [look(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return kind, _mapping(value)
    if isinstance(value, set | frozenset):
        return kind, sorted(map(look, value), key=repr)
    if isinstance(value, list | tuple | deque):
        return kind, [look(part) for part in value]
    if isinstance(value, datetime | time):
        return kind, value.replace(tzinfo=None).isoformat(), value.fold, value.utcoffset()
    return kind, value.name if isinstance(value, Enum) else repr(value)


def _mapping(value: Mapping[Any, Any]) -> Any:
    pairs = [(look(key), look(part)) for key, part in value.items()]
    factory = value.default_factory if isinstance(value, defaultdict) else None
    return factory, pairs if isinstance(value, OrderedDict) else sorted(pairs, key=repr)
