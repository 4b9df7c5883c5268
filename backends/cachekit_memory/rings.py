"""Keys in order: rings, in columns of numbers."""

from array import array
from typing import Final, Generic, TypeVar

K = TypeVar("K")

_NONE: Final = -1


class Rings(Generic[K]):
    """Any number of rings of keys, each in the order in which the keys came to its end.

    Each key has a numbered place, which knows the one before and the one after it; one place of
    each ring has no key and stands for the ring. Everything touches a few places, however many
    there are. They are columns of numbers, since objects would be work for the garbage collector,
    and a table that grows would be made anew at once.
    """

    def __init__(self) -> None:
        self._keys: list[K | None] = []
        self._before, self._after = array("q"), array("q")
        self._free, self._used = _NONE, 0

    def __len__(self) -> int:
        """The number of places there are, in use or not; it never falls."""
        return self._used

    def new(self) -> int:
        """A ring, still without a key."""
        ring = self._place(None)
        self._before[ring] = self._after[ring] = ring
        return ring

    def add(self, ring: int, key: K) -> int:
        """Put a key at the end of a ring; its place."""
        place = self._place(key)
        before, after = self._before, self._after
        last = before[ring]
        before[place], after[place] = last, ring
        after[last] = before[ring] = place
        return place

    def move(self, ring: int, place: int) -> None:
        """Put the key there at the end of that ring, or of another one."""
        before, after = self._before, self._after
        # Without a call in between: a signal handler may come, or raise, at any.
        ahead, behind = before[place], after[place]
        after[ahead], before[behind] = behind, ahead
        last = before[ring]
        before[place], after[place] = last, ring
        after[last] = before[ring] = place

    def remove(self, place: int) -> None:
        """Take out a key; or a ring, once it has none."""
        before, after = self._before, self._after
        ahead, behind = before[place], after[place]
        after[ahead], before[behind] = behind, ahead
        after[place], self._free = self._free, place
        self._keys[place] = None

    def first(self, ring: int) -> int:
        """The place of the key that came first; that of the ring if there is none."""
        return self._after[ring]

    def key(self, place: int) -> K | None:
        """The key there; `None` if that is a ring."""
        return self._keys[place]

    def _place(self, key: K | None) -> int:
        """One that was given back, or a new one; nobody else gets it, whoever comes in between."""
        place = self._free
        if place != _NONE:
            self._free = self._after[place]
        else:
            place = self._used
            self._used = place + 1
            self._reach(place)
        self._keys[place] = key
        return place

    def _reach(self, place: int) -> None:
        for column in (self._before, self._after):
            while len(column) <= place:
                column.append(_NONE)
        while len(self._keys) <= place:
            self._keys.append(None)
