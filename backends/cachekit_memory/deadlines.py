"""When what is kept is past its time: a timing wheel.

Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987.
"""

from array import array
from collections.abc import Iterator
from heapq import heappop, heappush
from math import frexp, inf, ldexp
from typing import Final

SWEEP: Final = 32
"""So many are looked at by one sweep, however many are overdue."""

LATE: Final = 32
"""A sweep finds a key late by one part in so many of its time at most; a power of two."""

SHORTEST: Final = ldexp(1.0, -10)
"""Seconds; what has less time than that is swept as if it had so much."""

PARTS: Final = 256
"""The table of keys is in so many parts, since one that grows is made anew at once."""

_NONE: Final = -1


class Deadlines:
    """One deadline for each key; the overdue ones are found without a search.

    Times are seconds on one monotonic clock. Keys whose deadlines are close together wait in one
    bucket until the last of them is due. Buckets are wider the further off they are, so that there
    are a few thousand at most, and no key moves from one to another. Setting, dropping and each
    step of a sweep touch a few keys, however many there are.

    Each key has a numbered place. The places of one bucket are a ring, in which each knows the one
    before and the one after it; one place of the ring has no key and stands for the bucket. They
    are columns of numbers, since objects would be work for the garbage collector.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._places: list[dict[str, int]] = [{} for _ in range(PARTS)]
        self._keys: list[str] = []
        self._at, self._before, self._after = array("d"), array("q"), array("q")
        self._free = _NONE
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
            place = part[key] = self._place(key)
        else:
            self._leave(place)
        self._at[place] = at
        self._join(place, bucket)

    def drop(self, key: str) -> None:
        """`key` has no deadline."""
        place = self._places[hash(key) % PARTS].pop(key, None)
        if place is not None:
            self._leave(place)
            self._give_back(place)

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
            bucket = self._buckets[self._ends[0]]
            place = self._after[bucket]
            if place == bucket:
                del self._buckets[heappop(self._ends)]
                self._give_back(bucket)
            else:
                key = self._keys[place]
                self.drop(key)
                yield key

    def _bucket(self, end: float) -> int:
        """The place that stands for the bucket which is due at `end`."""
        bucket = self._buckets.get(end)
        if bucket is None:
            bucket = self._buckets[end] = self._place("")
            self._before[bucket] = self._after[bucket] = bucket
            heappush(self._ends, end)
        return bucket

    def _join(self, place: int, bucket: int) -> None:
        last = self._before[bucket]
        self._before[place], self._after[place] = last, bucket
        self._after[last] = self._before[bucket] = place

    def _leave(self, place: int) -> None:
        before, after = self._before[place], self._after[place]
        self._after[before], self._before[after] = after, before

    def _place(self, key: str) -> int:
        """One that was given back, or a new one."""
        place = self._free
        if place == _NONE:
            self._at.append(0.0)
            self._before.append(_NONE)
            self._after.append(_NONE)
            self._keys.append(key)
            return len(self._keys) - 1
        self._free = self._after[place]
        self._keys[place] = key
        return place

    def _give_back(self, place: int) -> None:
        self._keys[place] = ""
        self._after[place], self._free = self._free, place


def _end(at: float, now: float) -> float:
    """`at`, rounded up to a grid that is as coarse as the time until then allows."""
    left = at - now
    if left < SHORTEST:
        left, at = SHORTEST, max(at, now)
    cell = ldexp(0.5 / LATE, frexp(left)[1])
    return -(-at // cell) * cell
