"""Keeping a value so that no caller can change what the next one gets."""

import copy
import datetime
import decimal
import fractions
import marshal
import pathlib
import pickle
import re
import types
import uuid
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, cast

from cachekit.errors import EncodeError

ATOMS: Final = frozenset({int, str, bytes, bool, float, complex, types.NoneType})
IMMUTABLE: Final = ATOMS | {
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    range,
    types.EllipsisType,
    re.Pattern,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
}


def freeze(value: Any, *, share: bool = False) -> tuple[Any, Callable[[Any], Any] | None]:
    """What to keep of `value`, and what makes a copy for each hit (`None`: serve what is kept).

    Immutable values, and all with `share`, are kept as they are. Nested builtins go through
    `marshal`, the fastest faithful copy of those; the rest through `pickle`, else `deepcopy`.
    Raises `EncodeError` for what cannot be copied.
    """
    try:
        if share or is_immutable(value):
            return value, None
        if is_plain(value):
            return marshal.dumps(value), marshal.loads
    except (RecursionError, ValueError):  # nested too deep, or in a circle: pickle knows
        pass
    return _snapshot(value)


def is_immutable(value: Any) -> bool:
    """Whether `value`, all the way down, is of types that nobody changes."""
    kind = cast("type[Any]", type(value))
    if kind in IMMUTABLE or isinstance(value, Enum):
        return True
    if isinstance(value, (tuple, frozenset)):
        return not hasattr(value, "__dict__") and all(map(is_immutable, cast("Any", value)))
    return _is_frozen_dataclass(value)


def is_plain(value: Any) -> bool:
    """Whether `value` is made of exactly the builtin types that `marshal` carries faithfully."""
    kind = cast("type[Any]", type(value))
    if kind in ATOMS:
        return True
    if kind is dict:
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    return kind in _CONTAINERS and all(map(is_plain, value))


_CONTAINERS: Final = frozenset({list, tuple, set, frozenset})


def _is_frozen_dataclass(value: Any) -> bool:
    if not is_dataclass(value) or isinstance(value, type):
        return False
    if not value.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # pyright: ignore
        return False
    names = {field.name for field in fields(value)}
    extra = set(getattr(value, "__dict__", ())) - names
    return not extra and all(is_immutable(getattr(value, name)) for name in names)


def _snapshot(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    for take, thaw in (_PICKLE, _DEEPCOPY):
        try:
            kept = take(value)
            if type(thaw(kept)) is type(value):
                return kept, thaw
        except Exception:
            continue
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise EncodeError(
        f"a {kind} cannot be copied, so callers would change each other's value; "
        "cache something else, or pass share=True to hand the same object to everyone"
    )


_PICKLE: Final = (lambda value: pickle.dumps(value, pickle.HIGHEST_PROTOCOL), pickle.loads)
_DEEPCOPY: Final = (copy.deepcopy, copy.deepcopy)
