"""Calls by hand that only read, made once for the keys that are in use."""

from collections.abc import Callable
from typing import Final

from cachekit.call import Call
from cachekit.keys import LONGEST
from cachekit.remembered import Remembered


class Looks:
    """Those in one format. Look into `known` first: that takes no call. It has no long keys."""

    def __init__(self, make: Callable[[str], Call]) -> None:
        self._make: Final = make
        self._remembered: Final[Remembered[str, Call]] = Remembered()
        self.known: Final = self._remembered.known

    def at(self, key: str) -> Call:
        """A new one, for what users call `key`."""
        call = self._make(key)
        if len(key) <= LONGEST:
            self._remembered.put(key, call)
        return call

    def forget(self) -> None:
        """Know none."""
        self._remembered.forget()
