"""What entries carry: the framework's own records, and those of the tags that users name."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from cachekit.backend import HOMES, Backend, Homes
from cachekit.call import several
from cachekit.keys import record_key, tag_key

_REMEMBERED: Final = 4096


class Carried:
    """Store keys of records. R18: the framework's own exist once at each home, and what lives at
    one carries those of that one.

    `find` gives the backend, which says what homes there are; it is made now if it is not yet.
    """

    def __init__(self, namespace: str, find: Callable[[], Backend]) -> None:
        self._namespace = namespace
        self._find = find
        self._homes: Homes | None = None
        self._knows = False
        self._own = lru_cache(_REMEMBERED)(self._own_at)
        self.known = lru_cache(_REMEMBERED)(self.at)
        """The same as `at`, remembered."""

    def of(self, key: str, tags: Iterable[str]) -> tuple[str, ...]:
        """What is carried by what is stored under `key` with declared `tags`, by hand."""
        homes = self._homes if self._knows else self._ask()
        own = self._own("" if homes is None else homes.home(key))
        return own if tags == () else self._with(own, several("tags", tags))

    def at(self, home: str, names: tuple[str, ...], function: str) -> tuple[str, ...]:
        """What is carried at `home` by what a function has stored with the tags `names`."""
        return self._with(self._own(home, function), names)

    def home_of(self, key: str) -> str:
        """Where what is under `key` lives, `""` if all live together."""
        homes = self._homes if self._knows else self._ask()
        return "" if homes is None else homes.home(key)

    def records(self, name: str) -> dict[str, str]:
        """The framework's own record of that name, one for each home: the home by the record."""
        homes = self._homes if self._knows else self._ask()
        places = ("",) if homes is None else homes.homes()
        return {record_key(self._namespace, name, home): home for home in places}

    def forget_homes(self) -> None:
        """There may be another backend from now on."""
        self._knows = False

    def _ask(self) -> Homes | None:
        self._homes, self._knows = self._find().capability(HOMES), True
        return self._homes

    def _own_at(self, home: str, function: str = "") -> tuple[str, ...]:
        """The framework's own: of all, and of all that a function has stored."""
        names = ("home", f"fn:{function}") if function else ("home",)
        return tuple(record_key(self._namespace, name, home) for name in names)

    def _with(self, own: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*own, *(tag_key(self._namespace, name) for name in names))))
