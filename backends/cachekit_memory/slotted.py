"""What eviction policies with a slot for each key have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from gc import is_tracked
from typing import Final, Generic, Self, TypeVar

from cachetools import Cache

from cachekit_memory.garbage import leads_on, let_go
from cachekit_memory.rings import Rings

K = TypeVar("K")
V = TypeVar("V")

NOWHERE: Final = -1
"""The place of a slot that is in no ring yet."""


class Slot(Generic[V]):
    """A value, its size, its place in a ring of keys, and how often it was used lately."""

    __slots__ = ("hits", "place", "ring", "size", "value")

    def __init__(self, value: V, size: float) -> None:
        self.value = value
        self.size = size
        self.hits = 0
        self.ring = self.place = NOWHERE


class Slotted(Cache[K, V]):
    """A `cachetools.Cache` in which a hit counts in the slot of its key, and moves nothing.

    It keeps its slots in one table, and no other: that of `cachetools.Cache` stays empty.

    `peek` may be called from any thread; everything else needs a lock around it. In the thread that
    has the lock, a destructor or a signal handler may come in the middle of anything, write itself,
    or raise: what that leaves in a ring without a slot, or without its place, is found and goes.
    """

    def __init__(self, maxsize: float, getsizeof: Callable[[V], float] | None = None) -> None:
        super().__init__(maxsize, getsizeof)
        self._slots: dict[K, Slot[V]] = {}
        self._start()

    def _start(self) -> None:
        self._size: float = 0
        self._rings: Rings[K] = Rings()

    @abstractmethod
    def peek(self, key: K) -> V | None:
        """The value, counted as used; `None` if there is none."""

    @abstractmethod
    def _admit(self, key: K, slot: Slot[V]) -> None:
        """Put a key that has come into a ring."""

    @abstractmethod
    def _forget(self, key: K, slot: Slot[V]) -> None:
        """A key was deleted."""

    @property
    def currsize(self) -> float:
        return self._size

    def look(self, key: K) -> V | None:
        """The value, without using it."""
        slot = self._slots.get(key)
        return None if slot is None else slot.value

    def __getitem__(self, key: K) -> V:
        self.peek(key)
        slot = self._slots.get(key)
        return self.__missing__(key) if slot is None else slot.value

    def __setitem__(self, key: K, value: V) -> None:
        size = self.getsizeof(value)
        if size > self.maxsize:
            raise ValueError("value too large")
        slot = self._slots.get(key)
        while slot is not None and self._size + size - slot.size > self.maxsize:
            self.popitem()
            slot = self._slots.get(key)
        if slot is not None and leads_on(value) and not is_tracked(slot):
            del self[key]  # its slot may lead nowhere
            slot = None
        if slot is None:
            self._insert(key, value, size)
        else:
            self._size += size - slot.size
            self._replace(slot, value, size)

    def __delitem__(self, key: K) -> None:
        slot = self._slots[key]
        self._remove(key)
        self._forget(key, slot)

    def __contains__(self, key: object) -> bool:
        return key in self._slots

    def __iter__(self) -> Iterator[K]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __copy__(self) -> Self:
        raise TypeError(f"a {type(self).__name__} cannot be copied")

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}({len(self)} keys, maxsize={self.maxsize}, currsize={self.currsize})"

    def clear(self) -> None:
        """Forget everything, in whatever state a fork left it."""
        gone, self._slots = self._slots, {}
        self._start()
        gone.clear()

    def _insert(self, key: K, value: V, size: float) -> None:
        while self._size + size > self.maxsize:
            self.popitem()
        slot = Slot(value, size)
        if not leads_on(value):
            let_go(slot)
        if key in self._slots:  # somebody came in between
            self[key] = value
            return
        self._slots[key] = slot
        self._size += size
        self._admit(key, slot)

    def _replace(self, slot: Slot[V], value: V, size: float) -> None:
        old, slot.size = slot.value, size
        slot.value = value
        del old  # not before: its destructor may come in between

    def _oldest(self, ring: int) -> K | None:
        """The key that came first to a ring."""
        rings = self._rings
        while (place := rings.first(ring)) != ring:
            key = rings.key(place)
            slot = None if key is None else self._slots.get(key)
            if slot is not None and slot.place == place:
                return key
            rings.remove(place)
        return None

    def _any(self) -> K:
        """A key, if no ring has one."""
        return next(iter(self._slots))

    def _join(self, ring: int, key: K, slot: Slot[V]) -> None:
        slot.ring, slot.place = ring, self._rings.add(ring, key)

    def _move(self, ring: int, slot: Slot[V]) -> None:
        slot.ring = ring
        self._rings.move(ring, slot.place)

    def _remove(self, key: K) -> Slot[V]:
        slot = self._slots[key]
        del self._slots[key]
        self._size -= slot.size
        if slot.place != NOWHERE:
            self._rings.remove(slot.place)
        return slot
