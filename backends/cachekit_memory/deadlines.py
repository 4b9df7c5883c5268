"""When what is kept is past its time."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

SWEEP: Final = 32
"""So many are looked at by one sweep, however many are overdue."""


class Deadlines:
    """One deadline for each key; the overdue ones are found without a search.

    Times are seconds on one monotonic clock. Setting and sweeping cost the logarithm of the number
    of keys; deadlines that were moved are cleared away once they outnumber the true ones.
    """

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: str, at: float) -> None:
        """`key` is past its time from `at` on; `inf`: never."""
        if at == inf:
            self.drop(key)
            return
        self._at[key] = at
        heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + SWEEP:
            self._heap = [(at, key) for key, at in self._at.items()]
            heapify(self._heap)

    def drop(self, key: str) -> None:
        """`key` has no deadline."""
        self._at.pop(key, None)

    def passed(self, key: str, now: float) -> bool:
        """Whether `key` is past its time."""
        return now >= self._at.get(key, inf)

    def overdue(self, now: float) -> Iterator[str]:
        """Take out some keys that are past their time."""
        for _ in range(SWEEP):
            if not self._heap or self._heap[0][0] > now:
                return
            at, key = heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                yield key
