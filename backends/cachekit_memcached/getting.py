"""The answer to a `get` of many, taken apart as it comes."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from aiomcache.exceptions import ClientException

Heads: TypeAlias = dict[bytes, tuple[bytes, int, int]]
"""By name: how its item began the last time, how long that is, and how long what follows is."""

_REMEMBERED: Final = 4096
"""Of so many names at most."""

ITEM: Final = b"VALUE "
"""All items do."""

_UNKNOWN: Final = b"?", 0, 0
"""No item begins so."""


class Getting:
    """What has come of what is under `names`. `heads` are known to all that is on one connection.

    aiomcache has a command for that, which reads line by line, in four times the time. Items come
    in the order of their names, and one that is as long as the last time begins like it.
    """

    def __init__(self, names: Sequence[bytes], heads: Heads) -> None:
        self._names = names
        self._left = iter(names)
        self._expected = b""
        self._heads = heads
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
        heads, found, size = self._heads, self._found, len(data)
        for name in self._left:
            head, skip, length = heads.get(name, _UNKNOWN)
            begin = at + skip
            if not data.startswith(head, at) or begin + length + 2 > size:
                self._expected = name
                break
            found[name] = data[begin : begin + length]
            at = begin + length + 2
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
        if len(self._heads) >= _REMEMBERED:
            self._heads.clear()
        self._heads[name] = head, len(head), length
        self._found[name] = data[begin:end]
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
