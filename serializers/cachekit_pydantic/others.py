"""Which other serializer carries a value."""

import sys
from enum import Enum
from typing import Any, Final, cast

from cachekit_pydantic.places import first_part

_LOOKED_AT: Final = 1000
"""So many parts of a value tell what classes are in it."""

_FIELDS: Final = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_extra__")


def other_serializer(value: Any) -> str:
    """Which to take for `value`, with the classes that have to be registered there."""
    own = [kind for kind in _classes_in(value) if not _is_builtin(kind)]
    if not all(map(_can_be_registered, own)):
        return "take serializer=PickleSerializer(keys=[key])"
    types = f"types=[{', '.join(kind.__name__ for kind in own)}]" if own else ""
    return f"take serializer=MsgpackSerializer({types})"


def holds_a_secret(value: Any) -> bool:
    """Whether something in it shows what it is of by `get_secret_value` only."""
    return any(hasattr(kind, "get_secret_value") for kind in _classes_in(value))


def _classes_in(value: Any) -> list[Any]:
    seen: list[Any] = []

    def is_last(part: Any) -> bool:
        seen.append(type(part))
        return len(seen) >= _LOOKED_AT

    first_part(value, is_last)
    return list(dict.fromkeys(seen))


def _is_builtin(kind: Any) -> bool:
    home = str(kind.__module__).partition(".")[0]
    is_known = home in sys.stdlib_module_names and kind not in (object, type)
    return is_known and not issubclass(kind, Enum)


def _can_be_registered(kind: Any) -> bool:
    """As MsgpackSerializer says: by its members, or by fields that are all there is of it."""
    if issubclass(kind, Enum) or (tuple in kind.__mro__ and hasattr(kind, "_fields")):
        return True
    has_fields = any(hasattr(kind, name) for name in _FIELDS)
    bases = cast("tuple[Any, ...]", kind.__mro__[1:-1])
    return has_fields and not any(base.__module__ == "builtins" for base in bases)
