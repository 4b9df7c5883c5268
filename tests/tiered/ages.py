"""How old what was read is: for how long something newer had been acknowledged."""

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple


def now() -> float:
    """Seconds, by a clock that all processes of a machine have in common."""
    return time.monotonic()


class Read(NamedTuple):
    """An answer: the version, and when it was asked for."""

    key: int
    version: int
    asked: float


class Acknowledged(NamedTuple):
    """From `at` on whoever asks is to have this version, or a newer one."""

    key: int
    version: int
    at: float


class _Key:
    """What was acknowledged of one key: the versions, and from when on they were old."""

    def __init__(self, told: Iterable[Acknowledged]) -> None:
        newest_first = sorted(told, key=lambda each: each.version, reverse=True)
        earliest = accumulate((each.at for each in newest_first), min)
        self._versions = [each.version for each in reversed(newest_first)]
        self._since = [*reversed([*earliest])]

    def age(self, read: Read) -> float:
        """Seconds, 0.0 if nothing newer was acknowledged before the question."""
        place = bisect_right(self._versions, read.version)
        return max(0.0, read.asked - self._since[place]) if place < len(self._since) else 0.0


def ages(reads: Iterable[Read], told: Iterable[Acknowledged]) -> Iterator[float]:
    """The age of each answer. It takes as long as there are reads, however many were told."""
    by_key: dict[int, list[Acknowledged]] = {}
    for each in told:
        by_key.setdefault(each.key, []).append(each)
    keys = {key: _Key(some) for key, some in by_key.items()}
    return (keys[read.key].age(read) if read.key in keys else 0.0 for read in reads)
