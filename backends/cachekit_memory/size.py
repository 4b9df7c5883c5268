"""About how much memory an entry takes."""

import sys
from collections import deque
from types import ModuleType
from typing import Any, Final, cast

from cachekit.entry import Entry

ENTRY: Final = 1000
"""Bytes for the entry itself, a short key, and its places in the tables and queues."""

TAG: Final = 100
"""Bytes for each tag an entry carries."""

_SAMPLE: Final = 10
_BUDGET: Final = 100


def size_of(entry: Entry) -> int:
    """An estimate in bytes: both faces of the entry, as far as it has them, and `ENTRY`.

    Bytes count by their length. Containers and objects count with what they hold, judged by a
    sample: at most 10 parts of each and 100 in all, so that a large value costs no more to
    estimate than a small one.
    """
    faces = _deep(entry.payload) + _deep(entry.kept)
    return ENTRY + TAG * len(entry.tags) + int(faces)


def _deep(value: Any) -> float:
    total = 0.0
    queue = deque([(value, 1.0)])
    for _ in range(_BUDGET):
        if not queue:
            break
        part, weight = queue.popleft()
        total += weight * sys.getsizeof(part, 0)
        parts = _parts(part)
        sample = parts[:: -(-len(parts) // _SAMPLE) or 1]
        queue.extend((one, weight * len(parts) / len(sample)) for one in sample)
    return total


def _parts(value: Any) -> list[Any]:
    kind = cast("Any", type(value))
    if issubclass(kind, dict):
        return [*value.keys(), *value.values()]
    if issubclass(kind, (tuple, list, set, frozenset, deque)):
        return list(value)
    if issubclass(kind, (type, ModuleType)):
        return []
    state = object.__getstate__(value)
    return [] if state is None else [state]
