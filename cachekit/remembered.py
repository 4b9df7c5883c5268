"""What is worth while to remember: what came twice."""

from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 4096


class Remembered(Generic[K, V]):
    """Values by key: `known`, at most `most`. To look up there what is known takes nothing more.

    A key is known from the second time on that it is put, if that is within `most` others. So who
    goes once through many keys does not drive out those that are in use.
    """

    def __init__(self, most: int = MOST) -> None:
        self.known: dict[K, V] = {}
        self._most = most
        self._once: set[K] = set()

    def put(self, key: K, value: V) -> None:
        if key in self.known:
            self.known[key] = value
        elif key in self._once:
            self._once.discard(key)
            if len(self.known) >= self._most:
                self.known.clear()
            self.known[key] = value
        else:
            if len(self._once) >= self._most:
                self._once.clear()
            self._once.add(key)

    def forget(self) -> None:
        """Know nothing."""
        self.known.clear()
        self._once.clear()
