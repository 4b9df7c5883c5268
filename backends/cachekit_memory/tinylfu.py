"""TinyLFU, an eviction policy that keeps what was asked for more often.

Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on
Storage 2017. Einziger, Eytan, Friedman, Manes: "Adaptive Software Cache Management", Middleware
2018.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from cachetools import Cache

from cachekit_memory.sketch import Sketch

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


class Slot(Generic[V]):
    """A value, and how often it was used since it was last looked at."""

    __slots__ = ("hits", "value")

    def __init__(self, value: V) -> None:
        self.value = value
        self.hits = 0


class TinyLFU(Cache[K, V]):
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

    def __init__(self, maxsize: float, getsizeof: Callable[[V], float] | None = None) -> None:
        super().__init__(maxsize, getsizeof)
        self._slots: dict[K, Slot[V]] = {}
        self._start()

    def _start(self) -> None:
        self._window: OrderedDict[K, None] = OrderedDict()
        self._main: OrderedDict[K, None] = OrderedDict()
        self._from_window: OrderedDict[K, None] = OrderedDict()
        self._from_main: OrderedDict[K, None] = OrderedDict()
        self._deleted: OrderedDict[K, OrderedDict[K, None]] = OrderedDict()
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

    def __getitem__(self, key: K) -> V:
        self.peek(key)
        return super().__getitem__(key)

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        slot = self._slots.get(key)
        if slot is None:
            self._slots[key] = Slot(value)
            self._admit(key)
        else:
            slot.value = value

    def __delitem__(self, key: K) -> None:
        queue = self._queue(key)
        self._remove(key)
        self._deleted[key] = queue
        self._trim(self._deleted, 1)

    def popitem(self) -> tuple[K, V]:
        """Evict one: the oldest that is worth less than another, after 32 moves the oldest."""
        if not self._slots:
            raise KeyError(f"{type(self).__name__} is empty")
        self._full = max(self._full, self.currsize)
        for _ in range(MOVES):
            if not self._move():
                break
        small = self._excess() >= 0 or not self._main
        key = next(iter(self._window if small else self._main))
        value = self._remove(key)
        ghosts = self._from_window if small else self._from_main
        ghosts[key] = None
        self._trim(ghosts, GHOSTS)
        return key, value

    def clear(self) -> None:
        """Forget everything, ghosts and counts too, in whatever state a fork left it."""
        super().__init__(self.maxsize, self.getsizeof)
        self._slots.clear()
        self._start()

    def _excess(self) -> float:
        """How many keys the window has over its part; from 0 on, it is the one to give one up."""
        return len(self._window) - self._part * len(self._slots)

    def _move(self) -> bool:
        """Move one on that is worth more than to be evicted; whether there was one."""
        new = next(iter(self._window)) if self._excess() >= 0 else None
        old = next(iter(self._main), None)
        if new is not None and (self._use(new, 0) or self._outdoes(new, old)):
            self._promote(new)
        elif old is not None and self._use(old, ROUNDS - 1):
            self._main.move_to_end(old)
        else:
            return False
        return True

    def _use(self, key: K, rest: int) -> bool:
        """Use up its hits, but so many at most; whether there were any."""
        slot = self._slots[key]
        hits = slot.hits
        if hits:
            slot.hits = min(hits - 1, rest)
            self._sketch.add(key, hits - slot.hits)
        return hits > 0

    def _outdoes(self, new: K, old: K | None) -> bool:
        """Whether one was asked for more often than the other, which was not used lately."""
        if old is None or self._slots[old].hits:
            return False
        return self._sketch.count(new) > self._sketch.count(old)

    def _promote(self, key: K) -> None:
        del self._window[key]
        self._main[key] = None

    def _admit(self, key: K) -> None:
        if len(self._slots) > self._sketch.keys:
            self._sketch.grow()
        queue = self._deleted.pop(key, None)
        if queue is None:
            self._sketch.add(key, 1)
            self._adapt(key)
            queue = self._window
        queue[key] = None
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
        if self._excess() > 1 and self.currsize > self._full:
            self._promote(next(iter(self._window)))

    def _remove(self, key: K) -> V:
        super().__delitem__(key)
        slot = self._slots.pop(key)
        if slot.hits:
            self._sketch.add(key, slot.hits)
        del self._queue(key)[key]
        return slot.value

    def _queue(self, key: K) -> OrderedDict[K, None]:
        return self._main if key in self._main else self._window

    def _trim(self, ghosts: OrderedDict[K, Any], part: float) -> None:
        """Leave no more than this part of the cached keys, and two."""
        while len(ghosts) > 2 + part * len(self._slots):
            ghosts.popitem(last=False)
