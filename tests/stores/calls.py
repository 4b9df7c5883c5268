"""Every kind of call, and what holds for it whatever the server does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import Backend
from cachekit.guard import Guard
from cachekit.stats import NodeStats
from tests.servers.waiting import eventually

T = TypeVar("T")

READ: Final[tuple[str, ...]] = ("k", "l")
SLOW: Final = "slow"
"""What a load is under way for all the time."""
OF: Final = "of:1"
"""The key of what the function has stored."""
KEYS: Final[tuple[str, ...]] = (*READ, SLOW)
ALL: Final[tuple[str, ...]] = (*KEYS, OF)

SOON: Final = 0.05
"""Seconds within which a guard tries again, where it is not to be waited for."""

_ATTEMPTS: Final = 100


async def all_of(work: Iterable[Awaitable[T]]) -> list[T]:
    """What they come to, all at once; if one fails, the others have ended by then."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            raise error
    return [result for result in results if not isinstance(result, BaseException)]


def guarded(backend: Backend) -> Guard:
    """What a cache makes of `backend`, but that it is tried again soon."""
    return Guard(backend, deadline=5.0, probe_interval=SOON)


async def asked_again(cache: Cache) -> None:
    """Wait until what was not acknowledged is forgotten, and the store is asked for all again."""
    nodes = cache.stats
    await eventually(lambda: not any(map(_is_shut, nodes().nodes)), "a store that is asked")


def _is_shut(node: NodeStats) -> bool:
    return node.is_open or node.journaled > 0


@dataclass
class Origin:
    """What is cached: a number that only rises.

    Nothing below `floor` may be served: that was forgotten, and the cache had said so.
    """

    now: int = 1
    floor: int = 1
    loads: int = 0

    async def load(self) -> int:
        self.loads += 1
        return self.now


class SlowLoad:
    """A load that reads `origin` at its begin, and ends when it is told to."""

    def __init__(self, cache: Cache, origin: Origin) -> None:
        self._origin = origin
        self._begun = asyncio.Event()
        self._may_end = asyncio.Event()
        self._call = asyncio.ensure_future(cache.get_or_set(SLOW, self._load, tags=["t"], ttl=60))

    async def _load(self) -> int:
        number = self._origin.now
        self._begun.set()
        await self._may_end.wait()
        return number

    async def begun(self) -> "SlowLoad":
        await self._begun.wait()
        return self

    async def end(self) -> object:
        self._may_end.set()
        return await self._call


@dataclass
class Story:
    """One cache, something stored in it that has the tag `t`, and what was found wrong."""

    cache: Cache
    origin: Origin = field(default_factory=Origin)
    wrong: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        @self.cache.cached(key="of:{n}", tags=["t"], ttl=60)
        async def function(n: int) -> int:
            return await self.origin.load()

        self.function = function

    async def read(self) -> None:
        """Reads and fills never raise, and never give what was forgotten."""
        reads = [self.saw(key, self.get_or_set(key)) for key in READ]
        reads += [self.saw("function", self.function(1))]
        looks = [self.saw("get", self.cache.get("k"), or_nothing=True)]
        looks += [self.look_at_many(), self.look_at_entry(), self.look_whether()]
        await all_of(reads + looks)

    async def get_or_set(self, key: str) -> object:
        return await self.cache.get_or_set(key, self.origin.load, tags=["t"], ttl=60)

    async def look_at_many(self) -> None:
        for key, value in (await self.cache.get_many(ALL)).items():
            self.note(f"get_many {key}", value, self.origin.floor)

    async def look_at_entry(self) -> None:
        floor, entry = self.origin.floor, await self.cache.entry("k")
        if entry is not None:
            self.note("entry", entry.value, floor)

    async def look_whether(self) -> None:
        await self.cache.exists("k")
        await self.cache.touch("k", 60)
        await self.cache.add("k", self.origin.now, tags=["t"], ttl=60)

    async def saw(self, what: str, work: Awaitable[object], *, or_nothing: bool = False) -> None:
        floor, value = self.origin.floor, await work
        if value is not None or not or_nothing:
            self.note(what, value, floor)

    def note(self, what: str, value: object, floor: int) -> None:
        if not isinstance(value, int) or not floor <= value <= self.origin.now:
            self.wrong.append(f"{what}: {value!r}, not {floor} to {self.origin.now}")

    async def change(self, forget: "Forget") -> bool:
        """A new number, and the old one forgotten; whether that was acknowledged."""
        self.origin.now += 1
        try:
            await forget(self)
        except InvalidationError:
            return False
        self.origin.floor = self.origin.now
        return True

    async def end_slow_load(self, load: SlowLoad) -> None:
        """Its caller came before all changes; who comes after it must not see what it stored."""
        self.note("a slow load", await load.end(), 1)
        await self.saw(SLOW, self.get_or_set(SLOW))

    async def recovers(self) -> int:
        """How many rounds it takes until the cache serves again what it has stored."""
        for attempt in range(_ATTEMPTS):
            before = self.origin.loads
            await self.read()
            if self.origin.loads == before:
                return attempt
            await asyncio.sleep(0.01)
        self.wrong.append("it does not serve again")
        return _ATTEMPTS


Forget: TypeAlias = Callable[[Story], Awaitable[object]]
"""Forgets, in one of the ways, all that a story has stored."""


async def _set(story: Story) -> None:
    await all_of(story.cache.set(key, story.origin.now, tags=["t"], ttl=60) for key in KEYS)
    await story.function.set(story.origin.now, 1)


async def _set_many(story: Story) -> None:
    values: dict[str, int] = dict.fromkeys(KEYS, story.origin.now)
    await story.cache.set_many(values, tags=["t"], ttl=60)
    await story.function.set(story.origin.now, 1)  # with the record of the function


async def _keys(story: Story) -> None:
    await story.cache.invalidate(*map(Key, KEYS))


async def _function(story: Story) -> None:
    await all_of((_keys(story), story.function.invalidate(1)))


async def _refresh(story: Story) -> None:
    await all_of((_keys(story), story.function.refresh(1)))


async def _all_of_function(story: Story) -> None:
    await all_of((_keys(story), story.function.clear()))


FORGETS: Final[Mapping[str, Forget]] = {
    "set": _set,
    "set_many": _set_many,
    "delete": lambda story: all_of(story.cache.delete(key) for key in ALL),
    "key": lambda story: story.cache.invalidate(*map(Key, ALL)),
    "tag": lambda story: story.cache.invalidate(Tag("t")),
    "prefix": lambda story: story.cache.invalidate(*map(Prefix, (*KEYS, "of:"))),
    "clear": lambda story: story.cache.clear(),
    "function.invalidate": _function,
    "function.refresh": _refresh,
    "function.clear": _all_of_function,
}

WITHOUT_PREFIX: Final = {way: forget for way, forget in FORGETS.items() if way != "prefix"}
"""Those that every backend knows."""
