"""What was to be forgotten and may still be there."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cachekit.backend import Homes, Write
from cachekit.entry import Entry, Kind
from cachekit.keys import home_in, record_key

_SPACE: Final = re.compile(r"([vtc]):([^:~]*)[:~]")


class Journal:
    """Keys and prefixes, each once, of one node. Of more than `most` all is forgotten instead.

    `homes` tells where all that is, if that is at several places.
    """

    def __init__(self, most: int, homes: Callable[[], Homes | None] = lambda: None) -> None:
        self.overflows = 0
        self._homes = homes
        self._most = most
        self._keys: dict[str, int] = {}
        self._prefixes: dict[str, int] = {}
        self._added = 0

    def __len__(self) -> int:
        return len(self._keys) + len(self._prefixes)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, keys: Iterable[str], prefixes: Iterable[str]) -> None:
        """What was added before counts as new."""
        self._added += 1
        self._keys.update(dict.fromkeys(keys, self._added))
        self._prefixes.update(dict.fromkeys(prefixes, self._added))
        if len(self) > self._most:
            self._give_in()

    def _give_in(self) -> None:
        """What all entries of a namespace carry; of one home alone, where that will do."""
        self.overflows += 1
        homes = self._homes()
        records = [record for key in self._keys for record in _carried(key, _reached(key, homes))]
        for prefix in self._prefixes:  # R18: what begins with it may be anywhere
            records += _carried(prefix, _all(homes))
        self._keys, self._prefixes = dict.fromkeys(records, self._added), {}

    def page(self) -> "Page":
        """All that is to be forgotten now."""
        return Page(self._added, list(self._keys), list(self._prefixes))

    def strike(self, page: "Page") -> int:
        """What was on `page` is forgotten, but for what was added since; how much that is."""
        before = len(self)
        self._keys = {key: at for key, at in self._keys.items() if at > page.until}
        self._prefixes = {prefix: at for prefix, at in self._prefixes.items() if at > page.until}
        return before - len(self)


class Page:
    """What a journal held at a moment."""

    def __init__(self, until: int, keys: Sequence[str], prefixes: Sequence[str]) -> None:
        self.until = until
        self.keys = keys
        self.prefixes = prefixes

    def writes(self) -> list[Write]:
        """What forgets the keys. With new versions: an old one would bring back what a later
        invalidation of the same tag has made invalid."""
        return [Write(key, _instead(key), announce=True) for key in self.keys]


def _instead(key: str) -> Entry | None:
    return Entry(Kind.TAG) if key.startswith("t:") else None


def _carried(key: str, homes: Sequence[str]) -> list[str]:
    """What all at `homes` carry that are of the namespace of `key`; itself, if it is of none."""
    found = _SPACE.match(key)
    return [record_key(found[2], "home", home) for home in homes] if found else [key]


def _reached(key: str, homes: Homes | None) -> Sequence[str]:
    """The homes of what `key` is about: a tag may be carried anywhere."""
    if homes is None or (key.startswith("t:") and not home_in(key)):
        return _all(homes)
    return (home_in(key) or homes.home(key),)


def _all(homes: Homes | None) -> Sequence[str]:
    return ("",) if homes is None else homes.homes()
