"""The store keys of the last calls, for who asks for the same again."""

from collections.abc import Callable, Hashable, Mapping
from itertools import cycle
from types import NoneType
from typing import Any, Final

from cachekit.call import Hit
from cachekit.entry import Caller
from cachekit.keys import value_key_in
from cachekit.missing import MISSING
from cachekit.signature import Arguments, KeyBuilder
from cachekit.stats import Info

MOST: Final = 1024
"""So many keys are kept."""

EACH: Final = 8
"""Of those that are not kept one in so many is, from then on: who never asks for the same again
pays little for it, and what is asked for often soon has its turn."""

EXACT: Final = frozenset({str, int, NoneType})
"""Types of which two values that are equal are the same; `1` and `True` are not, nor `1.0`."""

HASHED: Final = "~"
"""What a store key has that does not hold what it was made of: that may be large."""


class Recent:
    """Store keys by what was asked for. Look into `known` first, then `keep` what has its turn."""

    def __init__(self) -> None:
        self.known: Final[dict[Hashable, str]] = {}
        self.turns: Final = cycle([False] * (EACH - 1) + [True])

    def keep(self, asked: Hashable, key: str) -> None:
        if HASHED not in key:
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[asked] = key


def with_recent(build: KeyBuilder) -> KeyBuilder:
    """`build`, which is not asked again for what it was asked a moment ago."""
    recent = Recent()
    known, turns = recent.known, recent.turns

    def stored(args: Arguments, kwargs: Mapping[str, Any]) -> str:
        for value in (*args, *kwargs.values()) if kwargs else args:
            if type(value) not in EXACT:
                return build(args, kwargs)
        asked = (args, *kwargs.items()) if kwargs else args
        key = known.get(asked)
        if key is None:
            key = build(args, kwargs)
            if next(turns):
                recent.keep(asked, key)
        return key

    return stored


def glancing(head: str, hit: Hit, direct: Info) -> Callable[[str, Caller], Any]:
    """A warm hit of a direct call without tags, or `MISSING`: where the store `is_near`."""
    recent = Recent()
    known, turns = recent.known, recent.turns

    def glance(key: str, caller: Caller) -> Any:
        if type(key) is not str:
            return MISSING
        stored = known.get(key)
        if stored is None:
            stored = value_key_in(head, key)
            if next(turns):
                recent.keep(key, stored)
        return hit(stored, caller, direct)

    return glance
