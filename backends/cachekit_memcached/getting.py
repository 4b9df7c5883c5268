"""The answer to a `get` of many, taken apart as it comes."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from aiomcache.exceptions import ClientException

from cachekit.decoding import SMALL
from cachekit.remembered import Remembered

Items: TypeAlias = Remembered[bytes, tuple[bytes, bytes]]
"""By name: the whole item that came the last time, and the bytes in it."""

ITEM: Final = b"VALUE "
"""All items begin so."""

_END: Final = b"\r\n"


class Getting:
    """What has come of what is under `names`. What comes is remembered in `items`, if it is small.

    aiomcache has a command for that, which reads line by line. Here items are known again: they
    come in the order of their names, and most often they are the same as the last time.
    """

    def __init__(self, names: Sequence[bytes], items: Items) -> None:
        self._names = names
        self._items = items
        self._next = 0
        self._places: dict[bytes, int] = {}
        self.values: list[bytes | None] = [None] * len(names)
        """What was found under each of them."""

    def take(self, data: bytes, at: int) -> int:
        """Take the items that are in `data` as a whole, from `at` on; where the rest begins."""
        while True:
            begin = self._take_known(data, at)
            at = self._take_one(data, begin)
            if at == begin:
                return at

    def _take_known(self, data: bytes, at: int) -> int:
        names, known, values = self._names, self._items.known, self.values
        for place in range(self._next, len(names)):
            item = known.get(names[place])
            if item is None or not data.startswith(item[0], at):
                self._next = place
                break
            values[place] = item[1]
            at += len(item[0])
        else:
            self._next = len(names)
        return at

    def _take_one(self, data: bytes, at: int) -> int:
        begin = data.find(b"\n", at) + 1
        head = data[at:begin]
        if not head.startswith(ITEM):
            return at
        name, length = _told_by(head)
        end = begin + length
        if len(data) < end + 2:
            return at
        if not data.startswith(_END, end):
            raise ClientException("an item does not end where it should", head)
        place = self._place(name)
        self._next = place + 1
        self.values[place] = value = data[begin:end]
        if length <= SMALL:
            self._items.put(name, (data[at : end + 2], value))
        return end + 2

    def _place(self, name: bytes) -> int:
        """Where it is among the names: there is nothing under those between, but that something
        which stands for several servers may mix what they answer."""
        if self._next < len(self._names) and self._names[self._next] == name:
            return self._next
        if not self._places:
            self._places = {name: place for place, name in enumerate(self._names)}
        if name not in self._places:
            raise ClientException("what was not asked for was answered", name)
        return self._places[name]


def _told_by(head: bytes) -> tuple[bytes, int]:
    """The name of an item, and how many bytes follow."""
    words = head.split()
    if len(words) != 4 or not words[3].isdigit():
        raise ClientException("no item begins so", head)
    return words[1], int(words[3])
