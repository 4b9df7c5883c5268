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
        self._free = _NONE

    def __len__(self) -> int:
        """The number of places there are, in use or not; it never falls."""
        return len(self._keys)

    def new(self) -> int:
        """A ring, still without a key."""
        ring = self._place(None)
        self._before[ring] = self._after[ring] = ring
        return ring

    def add(self, ring: int, key: K) -> int:
        """Put a key at the end of a ring; its place."""
        place = self._place(key)
        self._join(ring, place)
        return place

    def move(self, ring: int, place: int) -> None:
        """Put the key there at the end of that ring, or of another one."""
        self._leave(place)
        self._join(ring, place)

    def remove(self, place: int) -> None:
        """Take out a key; or a ring, once it has none."""
        self._leave(place)
        self._keys[place] = None
        self._after[place], self._free = self._free, place

    def first(self, ring: int) -> K | None:
        """The key that came first; `None` if there is none."""
        return self._keys[self._after[ring]]

    def _join(self, ring: int, place: int) -> None:
        last = self._before[ring]
        self._before[place], self._after[place] = last, ring
        self._after[last] = self._before[ring] = place

    def _leave(self, place: int) -> None:
        before, after = self._before[place], self._after[place]
        self._after[before], self._before[after] = after, before

    def _place(self, key: K | None) -> int:
        """One that was given back, or a new one."""
        place = self._free
        if place == _NONE:
            self._before.append(_NONE)
            self._after.append(_NONE)
            self._keys.append(key)
            return len(self._keys) - 1
        self._free = self._after[place]
        self._keys[place] = key
        return place
