"""Finding what two values share."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any


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
