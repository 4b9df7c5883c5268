"""Who is measured by `hit`: ours and the peers, each as its docs use it, in this process."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Final

from cachetools import LRUCache

from benchmarks.hit_functions import nested, nested_now, text, text_now
from benchmarks.results import OURS
from cachekit import Cache
from cachekit.backend import PEEK, Write
from cachekit.entry import Entry, Kind
from cachekit_memory import MemoryBackend

Call = Callable[[Any], Any]
Function = Callable[..., Any]
Decorate = Callable[[Function], Any]

TTL: Final = 600
SIZE: Final = 1000

ASYNC: Final = "a decorated async def, an immutable value"
MUTABLE: Final = "a decorated async def, a nested mutable value"
SYNC: Final = "a decorated def, an immutable value"
SYNC_MUTABLE: Final = "a decorated def, a nested mutable value"
BY_KEY: Final = "await get(key), an immutable value"
OR_SET: Final = "await get_or_set(key), an immutable value"
TABLE: Final = "get(key) of the table alone, an immutable value"

FUNCTIONS: Final[dict[str, Function]] = {
    ASYNC: text,
    MUTABLE: nested,
    SYNC: text_now,
    SYNC_MUTABLE: nested_now,
}
"""By case: what is decorated."""


@dataclass(frozen=True)
class Maker:
    """One subject in one case: `make` gives what is called with `argument`, again and again."""

    metric: str
    subject: str
    make: Callable[[], Awaitable[Call]]
    awaited: bool = True
    argument: Any = 1
    floor: bool = False


def makers() -> list[Maker]:
    """All of this process; in each case the floor comes first."""
    decorated = [each for metric in FUNCTIONS for each in _decorated(metric)]
    return [*decorated, *_by_key(), *_or_set(), *_table()]


def _decorated(metric: str) -> list[Maker]:
    function = FUNCTIONS[metric]
    awaited = metric in (ASYNC, MUTABLE)
    plain = nested_now if metric in (MUTABLE, SYNC_MUTABLE) else text_now
    floor = partial(_made, lru_cache(SIZE), plain)
    peers = {**_OURS, **(ASYNC_PEERS if awaited else SYNC_PEERS)}
    return [
        Maker(metric, "functools.lru_cache", floor, awaited=False, floor=True),
        *(
            Maker(metric, name, partial(_made, each, function), awaited)
            for name, each in peers.items()
        ),
    ]


async def _made(decorate: Decorate, function: Function) -> Call:
    call: Call = decorate(function)
    return call


def _cachekit(function: Function) -> Call:
    return Cache(ttl=TTL).cached(function)


def _tagged(function: Function) -> Call:
    return Cache(ttl=TTL).cached(name="tagged", tags=["t", "u"])(function)


def _by_template(function: Function) -> Call:
    return Cache(ttl=TTL).cached(key="item:{number}")(function)


def _async_lru(function: Function) -> Any:
    return import_module("async_lru").alru_cache(maxsize=SIZE)(function)


def _cachebox(function: Function) -> Any:
    cachebox: Any = import_module("cachebox")
    return cachebox.cached(cachebox.TTLCache(SIZE, TTL))(function)


def _cachetools(function: Function) -> Any:
    cachetools: Any = import_module("cachetools")
    return cachetools.cached(cachetools.TTLCache(SIZE, TTL))(function)


def _aiocache(function: Function) -> Any:
    return import_module("aiocache").cached(ttl=TTL)(function)


def _cashews(function: Function) -> Any:
    return _cashews_in_memory().cache(ttl=TTL)(function)


def _fastapi_cache(function: Function) -> Any:
    backend: Any = import_module("fastapi_cache.backends.inmemory").InMemoryBackend()
    import_module("fastapi_cache").FastAPICache.init(backend)
    return import_module("fastapi_cache.decorator").cache(expire=TTL)(function)


def _dogpile(function: Function) -> Any:
    region: Any = import_module("dogpile.cache").make_region()
    region.configure("dogpile.cache.memory", expiration_time=TTL)
    return region.cache_on_arguments()(function)


_OURS: Final[dict[str, Decorate]] = {
    OURS: _cachekit,
    f"{OURS}, two tags": _tagged,
    f"{OURS}, a key template": _by_template,
}
ASYNC_PEERS: Final[dict[str, Decorate]] = {
    "async_lru": _async_lru,
    "cachebox": _cachebox,
    "aiocache": _aiocache,
    "cashews": _cashews,
    "fastapi-cache2": _fastapi_cache,
}
SYNC_PEERS: Final[dict[str, Decorate]] = {
    "cachetools": _cachetools,
    "cachebox": _cachebox,
    "dogpile.cache": _dogpile,
}


def _by_key() -> list[Maker]:
    made = {OURS: _get, "aiocache": _aiocache_get, "cashews": _cashews_get}
    return [
        Maker(BY_KEY, "cachetools.LRUCache", _lru_get, awaited=False, argument="k", floor=True),
        *(Maker(BY_KEY, name, make, argument="k") for name, make in made.items()),
    ]


def _or_set() -> list[Maker]:
    made = {OURS: _get_or_set, "cashews": _cashews_get_or_set}
    return [
        Maker(OR_SET, "cachetools.LRUCache", _lru_get, awaited=False, argument="k", floor=True),
        *(Maker(OR_SET, name, make, argument="k") for name, make in made.items()),
    ]


def _table() -> list[Maker]:
    made = {OURS: _peek, "cachebox.TTLCache": _cachebox_get, "cachetools.TTLCache": _ttl_get}
    return [
        Maker(TABLE, "cachetools.LRUCache", _lru_get, awaited=False, argument="k", floor=True),
        *(Maker(TABLE, name, make, awaited=False, argument="k") for name, make in made.items()),
    ]


async def _lru_get() -> Call:
    return _filled(LRUCache(SIZE))


async def _ttl_get() -> Call:
    return _filled(import_module("cachetools").TTLCache(SIZE, TTL))


async def _cachebox_get() -> Call:
    return _filled(import_module("cachebox").TTLCache(SIZE, TTL))


def _filled(table: Any) -> Call:
    table["k"] = "value 1"
    get: Call = table.get
    return get


async def _peek() -> Call:
    """What a hit asks of the memory backend, and of the entry: whether it is fresh."""
    backend, now = MemoryBackend(), time.monotonic
    entry = Entry(Kind.VALUE).keeping("value 1", share=False)
    entry.fresh_until = entry.serves_until = now() + TTL
    await backend.write([Write("k", entry)])
    able = backend.capability(PEEK)
    assert able
    peek = able.peek

    def get(key: str) -> Any:
        found = peek(key)
        return found.kept if found is not None and found.serves(now()) else None

    return get


async def _get() -> Call:
    cache = Cache(ttl=TTL)
    await cache.set("k", "value 1")
    return cache.get


async def _get_or_set() -> Call:
    cache = Cache(ttl=TTL)

    async def get(key: str) -> Any:
        return await cache.get_or_set(key, _load)

    return get


async def _aiocache_get() -> Call:
    cache: Any = import_module("aiocache").SimpleMemoryCache()
    await cache.set("k", "value 1", ttl=TTL)
    get: Call = cache.get
    return get


async def _cashews_get() -> Call:
    cache = _cashews_in_memory()
    await cache.set("k", "value 1", expire=TTL)
    get: Call = cache.get
    return get


async def _cashews_get_or_set() -> Call:
    cache = _cashews_in_memory()

    async def get(key: str) -> Any:
        return await cache.get_or_set(key, _load, expire=TTL)

    return get


def _cashews_in_memory() -> Any:
    cache: Any = import_module("cashews").Cache()
    cache.setup("mem://")
    return cache


async def _load() -> str:
    return "value 1"
