"""Saying why a value cannot be carried, and what to do."""

from collections.abc import Container
from enum import Enum
from typing import Any, cast

from cachekit.errors import EncodeError
from cachekit_msgpack.registered import fields_of, is_namedtuple


def refusal(value: Any, carried: Container[type[Any]]) -> EncodeError:
    """The error for a value whose class is none of `carried`."""
    kind = cast("Any", type(value))
    return EncodeError(f"a {kind.__module__}.{kind.__qualname__} {_reason(kind, carried)}")


def _reason(kind: Any, carried: Container[type[Any]]) -> str:
    name = kind.__name__
    register = f"is carried only if registered: MsgpackSerializer(types=[{name}])"
    typed = f"{register}; or by cachekit_pydantic: give type={name}, or annotate the function"
    if issubclass(kind, Enum) or is_namedtuple(kind):
        return typed
    if fields_of(kind) is not None:
        return register if hasattr(kind, "__attrs_attrs__") else typed
    for base in kind.__mro__[1:]:
        if base in carried:
            return f"would come back as {base.__name__}: cache {base.__name__}(value)"
    return "cannot be turned into msgpack: cache the builtin values it is made of"
