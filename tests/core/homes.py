"""A store of three homes, each of which may be down by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

from cachekit import Cache
from cachekit.backend import (
    DONE,
    HOMES,
    NODES,
    ROOM,
    UNREACHED,
    C,
    Capability,
    Outcome,
    Unreached,
    Write,
)
from cachekit.entry import Entry
from cachekit.keys import home_in, record_key
from tests.core.conftest import Caches
from tests.core.nodes import REFUSED
from tests.core.slow_store import Shelf, SlowStore

NAMES: Final = ("a", "b", "c")
KEYS: Final = ("a1", "b1", "c1")
"""A key at each home."""


class HomeStore(SlowStore):
    """The first letter of a key or tag names its home. Those that are `down` do not answer.

    With `most_bytes` it takes no larger payload.
    """

    def __init__(self, shelf: Shelf, names: Sequence[str] = NAMES) -> None:
        super().__init__(shelf)
        self.names = names
        self.down: set[str] = set()
        self.most_bytes: int | None = None

    def home(self, key: str) -> str:
        home = home_in(key) or key.split(":", 2)[-1][:1]
        return home if home in self.names else self.names[0]

    def homes(self) -> Sequence[str]:
        return self.names

    node_of = home

    def heal(self) -> None:
        super().heal()
        self.down = set()

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        """At those that answer."""
        for key in [key for key in self.shelf.records if key.startswith(tuple(prefixes))]:
            if self.home(key) not in self.down:
                del self.shelf.records[key]
        return UNREACHED if self.down else DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        having = [NODES, HOMES, *([ROOM] if self.most_bytes is not None else [])]
        mine = any(cast("object", wanted) is token for token in having)
        return cast("C", self) if mine else super().capability(wanted)

    def _look(self, key: str) -> Entry | Unreached | None:
        return Unreached(REFUSED) if self.home(key) in self.down else super()._look(key)

    def _write(self, write: Write, data: bytes | None) -> Outcome:
        if self.home(write.key) in self.down:
            return UNREACHED
        return super()._write(write, data)

    def stored(self) -> set[str]:
        """The users' keys of all values and stubs."""
        return {key.removeprefix("v:test:") for key in self.shelf.records if key.startswith("v:")}

    def tags(self, key: str) -> set[str]:
        """What the entry under a user's key carries."""
        entry = self.shelf.entry(f"v:test:{key}")
        assert entry is not None
        return set(entry.tags)


def connected(caches: Caches) -> HomeStore:
    """One more process's connection to the one shelf."""
    store = HomeStore(caches.shelf)
    caches.backends.append(store)
    return store


async def back(store: HomeStore) -> None:
    """All are up, and asked again."""
    store.heal()
    await asyncio.sleep(1.01)


def record(home: str, name: str = "home", namespace: str = "test") -> str:
    """What all carry that lives at `home`; with a name of `fn:f`, all that function f has."""
    return record_key(namespace, name, home)


def records(name: str = "home", namespace: str = "test") -> list[str]:
    """The same of all homes."""
    return [record(home, name, namespace) for home in NAMES]


def function_of(cache: Cache, **options: Any) -> Any:
    """A function `f` of a key."""

    @cache.cached(key="{key}", name="f", **options)
    async def function(key: str) -> str:
        return f"new {key}"

    return function


def function_of_many(cache: Cache, **options: Any) -> Any:
    """A function `m` of a list of keys."""

    @cache.cached_many(key="{keys}", name="m", **options)
    async def function(keys: list[str]) -> Mapping[str, str]:
        return await loaded(keys)

    return function


async def loaded(keys: Sequence[str]) -> Mapping[str, str]:
    return {key: f"new {key}" for key in keys}


async def with_get_or_set(cache: Cache, **options: Any) -> None:
    for key in KEYS:
        await cache.get_or_set(key, lambda: "new", **options)


async def with_add(cache: Cache, **options: Any) -> None:
    for key in KEYS:
        assert await cache.add(key, "new", **options)


async def with_set(cache: Cache, **options: Any) -> None:
    for key in KEYS:
        await cache.set(key, "new", **options)


BY_HAND: Final[Mapping[str, Callable[..., Awaitable[Any]]]] = {
    "get_or_set": with_get_or_set,
    "get_or_set_many": lambda cache, **o: cache.get_or_set_many(KEYS, loaded, **o),
    "set": with_set,
    "set_many": lambda cache, **o: cache.set_many(dict.fromkeys(KEYS, "new"), **o),
    "add": with_add,
}
"""Ways to store something under each of `KEYS`."""


async def called(cache: Cache, **options: Any) -> None:
    for key in KEYS:
        await function_of(cache, **options)(key)


async def set_by_function(cache: Cache, **options: Any) -> None:
    for key in KEYS:
        await function_of(cache, **options).set("new", key)


async def called_with_many(cache: Cache, **options: Any) -> None:
    await function_of_many(cache, **options)(list(KEYS))


async def set_by_function_of_many(cache: Cache, **options: Any) -> None:
    await function_of_many(cache, **options).set(dict.fromkeys(KEYS, "new"))


BY_FUNCTION: Final[Mapping[str, tuple[str, str, Callable[..., Awaitable[Any]]]]] = {
    "called": ("f", "key", called),
    "set": ("f", "key", set_by_function),
    "called with many": ("m", "keys", called_with_many),
    "set many": ("m", "keys", set_by_function_of_many),
}
"""The same with a cached function, whose name and parameter come first."""
