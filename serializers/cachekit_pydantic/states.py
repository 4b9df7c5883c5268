"""What objects keep in their attributes."""

from functools import cached_property
from typing import Any


def kept(kind: type[Any], state: dict[str, Any]) -> dict[str, Any]:
    """Without what is worked out anew, and the type arguments that `Class[int](...)` leaves."""
    return {
        name: part
        for name, part in state.items()
        if name != "__orig_class__" and not isinstance(getattr(kind, name, None), cached_property)
    }


def attributes(value: Any) -> dict[str, Any]:
    """All of them, those in slots as well."""
    state: Any = object.__getstate__(value)
    if isinstance(state, tuple):
        return {**(state[0] or {}), **state[1]}
    return state or {}
