"""When what is kept is past its time: a timing wheel.

Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987.
"""

from array import array
from collections.abc import Iterator
from heapq import heappop, heappush
from math import frexp, inf, ldexp
from typing import Final

from cachekit_memory.rings import Rings

SWEEP: Final = 32
"""So many are looked at by one sweep, however many are overdue."""

LATE: Final = 32
"""A sweep finds a key late by one part in so many of its time at most; a power of two."""

SHORTEST: Final = ldexp(1.0, -10)
"""Seconds; what has less time than that is swept as if it had so much."""

PARTS: Final = 256
"""The table of keys is in so many parts, since one that grows is made anew at once."""


class Deadlines:
    """One deadline for each key; the overdue ones are found without a search.

    Times are seconds on one monotonic clock. Keys whose deadlines are close together wait in one
    bucket until the last of them is due. Buckets are wider the further off they are, so that there
    are a few thousand at most, and no key moves from one to another. Setting, dropping and each
    step of a sweep touch a few keys, however many there are.

    A bucket is a ring of keys; the deadlines are a column beside those of the rings. The places of
    keys are in several tables, so that none that grows takes long.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._places: list[dict[str, int]] = [{} for _ in range(PARTS)]
        self._at = array("d")
        self._rings: Rings[str] = Rings()
        self._buckets: dict[float, int] = {}
        self._ends: list[float] = []

    def __len__(self) -> int:
        return sum(len(part) for part in self._places)

    def set(self, key: str, at: float) -> None:
        """`key` is past its time from `at` on; `inf`: never."""
        if at == inf:
            self.drop(key)
            return
        bucket = self._bucket(_end(at, self._now))
        part = self._places[hash(key) % PARTS]
        place = part.get(key)
        if place is None:
            place = self._rings.add(bucket, key)
            self._at.extend([0.0] * (len(self._rings) - len(self._at)))
            self._at[place], part[key] = at, place
        else:
            self._rings.move(bucket, place)
            self._at[place] = at

    def drop(self, key: str) -> None:
        """`key` has no deadline."""
        place = self._places[hash(key) % PARTS].pop(key, None)
        if place is not None:
            self._rings.remove(place)

    def passed(self, key: str, now: float) -> bool:
        """Whether `key` is past its time."""
        place = self._places[hash(key) % PARTS].get(key)
        return place is not None and now >= self._at[place]

    def overdue(self, now: float) -> Iterator[str]:
        """Take out some keys that are past their time, those first that have been so for long."""
        self._now = now
        for _ in range(SWEEP):
            if not self._ends or self._ends[0] > now:
                return
            end = self._ends[0]
            bucket = self._buckets.get(end)
            if bucket is None:
                heappop(self._ends)
                continue
            place = self._rings.first(bucket)
            key = self._rings.key(place)
            if key is None:
                del self._buckets[end]
                self._rings.remove(bucket)
            elif self._places[hash(key) % PARTS].get(key) == place:
                self.drop(key)
                yield key
            else:  # left there by a signal handler that came in the middle of a write, or raised
                self._rings.remove(place)

    def _bucket(self, end: float) -> int:
        """The ring of those that are due at `end`."""
        bucket = self._buckets.get(end)
        if bucket is None:
            bucket = self._rings.new()
            heappush(self._ends, end)  # first: an end without a bucket is found, one without it not
            self._buckets[end] = bucket
        return bucket


def _end(at: float, now: float) -> float:
    """`at`, rounded up to a grid that is as coarse as the time until then allows."""
    left = at - now
    if left < SHORTEST:
        left, at = SHORTEST, max(at, now)
    cell = ldexp(0.5 / LATE, frexp(left)[1])
    return -(-at // cell) * cell
