"""Numbers that all processes of a crew see."""

from multiprocessing.sharedctypes import SynchronizedArray

from tests.races.crew import CONTEXT


class Numbers:
    """So many whole numbers, 0 at first, each of which changes in one step."""

    def __init__(self, size: int) -> None:
        self._array: SynchronizedArray[int] = CONTEXT.Array("q", size)

    def __getitem__(self, place: int) -> int:
        return self._array[place]

    def all(self) -> list[int]:
        return self._array[:]

    def add(self, place: int, number: int = 1) -> int:
        """The sum."""
        with self._array.get_lock():
            self._array[place] += number
            return self._array[place]

    def raise_to(self, place: int, number: int) -> None:
        """Make it `number`, unless it is more already."""
        with self._array.get_lock():
            self._array[place] = max(self._array[place], number)
