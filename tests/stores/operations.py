"""Each operation of a cache by itself, on what `stored()` has stored."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from cachekit import Cache, InvalidationError, Key, Prefix, Tag

Call: TypeAlias = Callable[[Cache], Awaitable[object]]


async def stored(cache: Cache) -> None:
    """What the calls ask for is there, and what is new to them is not."""
    await cache.set_many({"k": 1, "l": 1, "of": 1}, tags=["t"], ttl=300)
    await cache.delete("new")


async def load() -> int:
    return 1


async def load_all(keys: list[str]) -> dict[str, int]:
    return dict.fromkeys(keys, 1)


READS: Final[Mapping[str, Call]] = {
    "get": lambda cache: cache.get("k"),
    "get_many": lambda cache: cache.get_many(["k", "l"]),
    "exists": lambda cache: cache.exists("k"),
    "entry": lambda cache: cache.entry("k"),
    "get_or_set": lambda cache: cache.get_or_set("k", load, tags=["t"]),
    "get_or_set, a miss": lambda cache: cache.get_or_set("new", load, tags=["new"]),
    "get_or_set_many": lambda cache: cache.get_or_set_many(["k", "new"], load_all, tags=["t"]),
    "function": lambda cache: cache.cached(key="of")(load)(),
    "add": lambda cache: cache.add("new", 1, tags=["new"]),
    "touch": lambda cache: cache.touch("k", 600),
}
"""They do without the store where that fails."""

FORGETS: Final[Mapping[str, Call]] = {
    "set": lambda cache: cache.set("k", 1, tags=["t"]),
    "set, a new one": lambda cache: cache.set("new", 1, tags=["new"]),
    "set_many": lambda cache: cache.set_many({"k": 1, "new": 2}, tags=["t"]),
    "delete": lambda cache: cache.delete("k"),
    "delete_many": lambda cache: cache.delete_many(["k", "l"]),
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "key and tag": lambda cache: cache.invalidate(Key("k"), Tag("t")),
    "clear": lambda cache: cache.clear(),
    "function.invalidate": lambda cache: cache.cached(key="of")(load).invalidate(),
    "function.refresh": lambda cache: cache.cached(key="of")(load).refresh(),
    "function.clear": lambda cache: cache.cached(key="of")(load).clear(),
}
"""They raise where it fails."""

PREFIXES: Final[Mapping[str, Call]] = {
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "all of them": lambda cache: cache.invalidate(Key("k"), Tag("t"), Prefix("k")),
}
"""They as well, on stores that can forget by prefix."""

CALLS: Final[Mapping[str, Call]] = {**READS, **FORGETS}


async def timed(work: Awaitable[object]) -> tuple[float, bool]:
    """Seconds that it took, and whether it raised that it was not acknowledged."""
    begun = time.perf_counter()
    try:
        await work
    except InvalidationError:
        return time.perf_counter() - begun, True
    return time.perf_counter() - begun, False
