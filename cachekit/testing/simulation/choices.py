"""Those who do not take whatever is there: `get_or_set(accept=...)`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from cachekit import CacheEntry

Wants: TypeAlias = Callable[[CacheEntry], bool]


@dataclass(eq=False)
class Choice:
    """What one caller takes: `accept` itself. It remembers its last verdict on each value.

    `looks` is told of each value that it is shown.
    """

    wants: Wants
    looks: Callable[[object], None] = lambda value: None
    verdicts: dict[str, bool] = field(default_factory=dict[str, bool])

    def __call__(self, there: CacheEntry) -> bool:
        self.looks(there.value)
        verdict = self.verdicts[str(there.value)] = self.wants(there)
        return verdict

    @property
    def refused(self) -> bool:
        """Whether it has said no to anything."""
        return not all(self.verdicts.values())


def wanting(rng: Random, ttl: float, seen: dict[str, int]) -> Wants:
    """What is young, what is newer than what its process has `seen` by key, or nothing."""
    wants = rng.choice([_young, _newer, _nothing])
    return wants(rng, ttl, seen)


def _young(rng: Random, ttl: float, seen: dict[str, int]) -> Wants:
    limit = ttl * rng.random()
    return lambda there: there.age < limit


def _newer(rng: Random, ttl: float, seen: dict[str, int]) -> Wants:
    known = dict(seen)

    def newer(there: CacheEntry) -> bool:
        seen[there.key] = there.version
        return there.version != known.get(there.key)

    return newer


def _nothing(rng: Random, ttl: float, seen: dict[str, int]) -> Wants:
    return lambda there: False
