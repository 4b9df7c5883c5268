"""The answer to a `get` of many, taken apart as it comes."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from aiomcache.exceptions import ClientException

from cachekit.decoding import SMALL
from cachekit.remembered import Remembered

Items: TypeAlias = Remembered[bytes, tuple[bytes, bytes]]
"""By name: the whole item that came the last time, and the bytes in it."""

ITEM: Final = b"VALUE "
"""All items do."""

_UNKNOWN: Final = b"?", b""
"""No item begins so."""


class Getting:
    """What has come of what is under `names`. What comes is remembered in `items`, if it is small.

    aiomcache has a command for that, which reads line by line, in four times the time. Items come
    in the order of their names, and most often they are the same as the last time.
    """

    def __init__(self, names: Sequence[bytes], items: Items) -> None:
        self._names = names
        self._left = iter(names)
        self._expected = b""
        self._items = items
        self._found: dict[bytes, bytes] = {}

    def values(self) -> list[bytes | None]:
        """What was found under each name."""
        return list(map(self._found.get, self._names))

    def take(self, data: bytes, at: int) -> int:
        """Take the items that are in `data` as a whole, from `at` on; where the rest begins."""
        while True:
            begin = self._take_known(data, at)
            at = self._take_one(data, begin)
            if at == begin:
                return at

    def _take_known(self, data: bytes, at: int) -> int:
        items, found = self._items.known, self._found
        for name in self._left:
            item, value = items.get(name, _UNKNOWN)
            if not data.startswith(item, at):
                self._expected = name
                break
            found[name] = value
            at += len(item)
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
        self._go_on_behind(name)
        self._found[name] = value = data[begin:end]
        if length <= SMALL:
            self._items.put(name, (data[at : end + 2], value))
        return end + 2

    def _go_on_behind(self, name: bytes) -> None:
        """Its item has come, where another may have been expected: of those between there is none,
        if this is not what stands for servers and mixes what they answer."""
        if name == self._expected or name in self._left:
            return
        self._left = iter(self._names)
        if name not in self._left:
            raise ClientException("what was not asked for was answered", name)


def _told_by(head: bytes) -> tuple[bytes, int]:
    """The name of an item, and how many bytes follow."""
    words = head.split()
    if len(words) != 4 or not words[3].isdigit():
        raise ClientException("no item begins so", head)
    return words[1], int(words[3])
