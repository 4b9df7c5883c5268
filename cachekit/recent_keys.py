"""The keys of the last calls of one function, for who calls it with the same arguments again."""

from collections.abc import Mapping
from itertools import cycle
from types import NoneType
from typing import Any, Final

from cachekit.signature import Arguments, KeyBuilder

MOST: Final = 1024
"""So many keys are kept for each function."""

EACH: Final = 8
"""Of those that are not kept one in so many is, from then on: who never asks for the same again
pays little for it, and what is asked for often soon has its turn."""

EXACT: Final = frozenset({str, int, NoneType})
"""Types of which two values that are equal are the same; `1` and `True` are not, nor `1.0`."""

HASHED: Final = "~"
"""What a store key has that does not hold the arguments themselves: they may be large."""


def with_recent(build: KeyBuilder) -> KeyBuilder:
    """`build`, which is not asked again for what it was asked a moment ago."""
    recent: dict[Arguments, str] = {}
    turns = cycle([True] + [False] * (EACH - 1))

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        for value in (*args, *kwargs.values()) if kwargs else args:
            if type(value) not in EXACT:
                return build(args, kwargs)
        asked = (args, *kwargs.items()) if kwargs else args
        key = recent.get(asked)
        if key is None:
            key = build(args, kwargs)
            if next(turns) and HASHED not in key:
                if len(recent) >= MOST:
                    recent.clear()
                recent[asked] = key
        return key

    return stored
