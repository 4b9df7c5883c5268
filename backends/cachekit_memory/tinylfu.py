"""TinyLFU, an eviction policy that keeps what was asked for more often.

Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on
Storage 2017. Einziger, Eytan, Friedman, Manes: "Adaptive Software Cache Management", Middleware
2018.
"""

from collections import OrderedDict
from typing import Any, Final, TypeVar

from cachekit_memory.sketch import Sketch
from cachekit_memory.slotted import NOWHERE, Slot, Slotted

K = TypeVar("K")
V = TypeVar("V")

MOVES: Final = 32
"""One eviction moves so many keys at most, however hot they all are."""

ROUNDS: Final = 3
"""Hits are worth so many rounds in the main queue at most."""

WINDOW: Final = 0.1
"""The window has this part of the cached keys, at first."""

WIDEST: Final = 0.9
"""The window has this part of the cached keys, at most."""

STEP: Final = 0.005
"""The window's part changes by so much when a key returns; it is never less than this."""

GHOSTS: Final = 0.02
"""Of so many keys each queue remembers that it gave them up, as a part of the cached ones."""


class TinyLFU(Slotted[K, V]):
    """A `cachetools.Cache` that evicts what was asked for less often.

    New keys queue in a window. What was used there moves on to the main queue, and so does what was
    asked for more often than the oldest of the main queue: a sketch counts the requests for all
    keys, cached or not. The rest is evicted. In the main queue, each hit is worth another round.

    Two things differ from the papers. There are queues in place of LRU lists, so that a hit moves
    nothing: it counts in its slot, and the sketch gets to know of it when the slot is looked at.
    And the window's size does not climb after the hit ratio, which would have to be known for that:
    it grows when a key returns that the window has just given up, and shrinks when one returns that
    the main queue has. Where both happen as often, neither queue would do more with another place.

    A key that is deleted and returns, with a newer value, comes to the queue that it was in, and
    that does not count as a request: writing is no use, and with TTLs this is worth up to 3 points
    of hit ratio.

    `peek` may be called from any thread; everything else needs a lock around it.
    """

    def _start(self) -> None:
        super()._start()
        self._window, self._main = self._rings.new(), self._rings.new()
        self._in_window = 0
        self._from_window: OrderedDict[K, None] = OrderedDict()
        self._from_main: OrderedDict[K, None] = OrderedDict()
        self._deleted: OrderedDict[K, int] = OrderedDict()
        self._sketch = Sketch()
        self._part = WINDOW
        self._full = 0.0

    def peek(self, key: K) -> V | None:
        """The value, counted as used; `None` if there is none."""
        slot = self._slots.get(key)
        if slot is None:
            return None
        # Threads may meet here: then a hit is lost, or those before it count twice.
        slot.hits += 1
        return slot.value

    def popitem(self) -> tuple[K, V]:
        """Evict one: the oldest that is worth less than another, after 32 moves the oldest."""
        if not self._slots:
            raise KeyError(f"{type(self).__name__} is empty")
        self._full = max(self._full, self._size)
        for _ in range(MOVES):
            if not self._move_on():
                break
        window, main = self._oldest(self._window), self._oldest(self._main)
        if window is None:
            self._in_window = 0
        key = main if window is None or (main is not None and self._excess() < 0) else window
        key = self._any() if key is None else key
        slot = self._remove(key)
        ghosts = self._from_window if slot.ring == self._window else self._from_main
        ghosts[key] = None
        self._trim(ghosts, GHOSTS)
        return key, slot.value

    def _excess(self) -> float:
        """How many keys the window has over its part; from 0 on, it is the one to give one up."""
        return self._in_window - self._part * len(self._slots)

    def _move_on(self) -> bool:
        """Move one that is worth more than to be evicted; whether there was one."""
        new = self._oldest(self._window) if self._excess() >= 0 else None
        old = self._oldest(self._main)
        if new is not None and (self._use(new, 0) or self._outdoes(new, old)):
            self._promote(new)
        elif old is not None and self._use(old, ROUNDS - 1):
            self._move(self._main, self._slots[old])
        else:
            return False
        return True

    def _use(self, key: K, rest: int) -> bool:
        """Use up its hits, but so many at most; whether there were any."""
        slot = self._slots[key]
        hits = slot.hits
        if hits:
            left = slot.hits = min(hits - 1, rest)
            self._sketch.add(key, hits - left)  # not of what others count meanwhile
        return hits > 0

    def _outdoes(self, new: K, old: K | None) -> bool:
        """Whether one was asked for more often than the other, which was not used lately."""
        if old is None or self._slots[old].hits:
            return False
        return self._sketch.count(new) > self._sketch.count(old)

    def _promote(self, key: K) -> None:
        self._in_window -= 1
        self._move(self._main, self._slots[key])

    def _admit(self, key: K, slot: Slot[V]) -> None:
        if len(self._slots) > self._sketch.keys:
            self._sketch.grow()
        ring = self._deleted.pop(key, None)
        if ring is None:
            self._sketch.add(key, 1)
            self._adapt(key)
            ring = self._window
        self._in_window += ring == self._window
        self._join(ring, key, slot)
        self._spill()

    def _adapt(self, key: K) -> None:
        """Change the window's part, if the key tells that it is too small or too large."""
        if key in self._from_window:
            del self._from_window[key]
            self._part = min(WIDEST, self._part + STEP)
        elif key in self._from_main:
            del self._from_main[key]
            self._part = max(STEP, self._part - STEP)

    def _spill(self) -> None:
        """While it was never as full as now, the main queue gets what the window has too much."""
        if self._excess() > 1 and self._size > self._full:
            oldest = self._oldest(self._window)
            if oldest is not None:
                self._promote(oldest)

    def _remove(self, key: K) -> Slot[V]:
        slot = super()._remove(key)
        self._in_window -= slot.ring == self._window
        if slot.hits:
            self._sketch.add(key, slot.hits)
        return slot

    def _forget(self, key: K, slot: Slot[V]) -> None:
        if slot.ring != NOWHERE:
            self._deleted[key] = slot.ring
            self._trim(self._deleted, 1)

    def _trim(self, ghosts: OrderedDict[K, Any], part: float) -> None:
        """Leave no more than this part of the cached keys, and two."""
        while len(ghosts) > 2 + part * len(self._slots):
            ghosts.popitem(last=False)
