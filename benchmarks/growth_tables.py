"""Tables of more and more entries: filling them, hits, sets, and forgetting all by one tag."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from rich.progress import track

from benchmarks.growth_series import DICT, ENTRIES, TTL, Series, sizes
from benchmarks.growth_worst import LARGEST, drive
from benchmarks.measuring import Effort, Figure, in_rounds
from benchmarks.results import OURS
from cachekit import Cache, Tag
from cachekit.backend import PEEK
from cachekit_memory import MemoryBackend

TAG: Final = "all"
SETS: Final = 10
"""A set takes so many times as long as a hit, and more: one is measured for so many hits."""

_OFTEN: Final = 10_000
"""So many entries at most are filled in again, to be forgotten again."""

_HIT, _GET = "a hit of a decorated function", "a get"
_PEEK, _SET = "a peek of the store", "a set"
Measure = Callable[[Sequence[int]], Awaitable[float]]


class Table:
    """A cache and a plain dict of the same `size` values; every entry carries one tag."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.values = [f"value {number}" for number in range(size)]
        self.plain = {f"item:{number}": value for number, value in enumerate(self.values)}
        self.keys = list(self.plain)
        self.cache = Cache(backend := MemoryBackend(max_entries=None), ttl=TTL)
        self.item = self.cache.cached(key="item:{number}", tags=[TAG])(self._load)
        able = backend.capability(PEEK)
        assert able is not None
        self.peek = able.peek

    async def _load(self, number: int) -> str:
        raise AssertionError(f"{number} is not in the cache")

    def fill(self) -> None:
        for number, value in enumerate(self.values):
            drive(self.item.set(value, number))

    async def hits(self, numbers: Sequence[int]) -> float:
        """Microseconds that a call takes, as all of these do."""
        started = time.thread_time()
        for number in numbers:
            await self.item(number)
        return _each(started, numbers)

    async def gets(self, numbers: Sequence[int]) -> float:
        keys = [self.keys[number] for number in numbers]
        started = time.thread_time()
        for key in keys:
            await self.cache.get(key)
        return _each(started, numbers)

    async def peeks(self, numbers: Sequence[int]) -> float:
        keys, peek = [f"v::{self.keys[number]}" for number in numbers], self.peek
        assert peek(keys[0]) is not None
        started = time.thread_time()
        for key in keys:
            peek(key)
        return _each(started, numbers)

    async def sets(self, numbers: Sequence[int]) -> float:
        started = time.thread_time()
        for number in numbers:
            await self.item.set("another", number)
        return _each(started, numbers)

    async def plain_gets(self, numbers: Sequence[int]) -> float:
        keys, plain = [self.keys[number] for number in numbers], self.plain
        started = time.thread_time()
        for key in keys:
            plain[key]
        return _each(started, numbers)

    async def plain_sets(self, numbers: Sequence[int]) -> float:
        keys, plain = [self.keys[number] for number in numbers], self.plain
        started = time.thread_time()
        for key in keys:
            plain[key] = "another"
        return _each(started, numbers)

    async def forget(self) -> float:
        """Microseconds that it takes to forget all by their tag; makes sure that all are gone."""
        await self.cache.invalidate(Tag("another"))
        started = time.thread_time()
        await self.cache.invalidate(Tag(TAG))
        took = time.thread_time() - started
        left = sum(self.cache.peek(key) is not None for key in self.keys)
        assert not left, f"{left} of {self.size} are still there"
        return took * 1e6


@dataclass
class Turn:
    """One operation on one table, on keys at random."""

    series: Series
    size: int
    call: Measure
    hits: int
    runner: asyncio.Runner
    random: Random = field(default_factory=lambda: Random(1))
    figure: Figure = field(default_factory=Figure)

    def measure(self) -> float:
        numbers = self.random.choices(range(self.size), k=self.hits)
        took = self.runner.run(_measured(self.call, numbers))
        self.series.add(self.size, took)
        return took


def tables(effort: Effort) -> list[Series]:
    """Fills tables of all sizes, measures in rounds, then forgets."""
    counts = sizes(min(effort.most, LARGEST), min(1000, effort.most))
    made = [Table(size) for size in counts]
    for table in track(made, description="filling tables"):
        table.fill()
    with asyncio.Runner() as runner:
        return [
            *_beside(_HIT, made, Table.hits, Table.plain_gets, effort, runner),
            *_beside(_GET, made, Table.gets, Table.plain_gets, effort, runner),
            *_beside(_PEEK, made, Table.peeks, Table.plain_gets, effort, runner),
            *_beside(_SET, made, Table.sets, Table.plain_sets, effort, runner),
            _forgetting(made, runner, effort),
        ]


def _beside(
    what: str,
    made: Iterable[Table],
    ours: Callable[[Table, Sequence[int]], Awaitable[float]],
    plain: Callable[[Table, Sequence[int]], Awaitable[float]],
    effort: Effort,
    runner: asyncio.Runner,
) -> Iterator[Series]:
    """Each entry was asked for before, in the same way: the first time a call is looked at."""
    both = Series(what, DICT, ENTRIES, floor=True), Series(what, OURS, ENTRIES)
    turns: list[Turn] = []
    calls = max(1, effort.hits // SETS) if what == _SET else effort.hits
    for table in made:
        if what in (_HIT, _GET):
            runner.run(_measured(ours.__get__(table), range(table.size)))
        for series, call in zip(both, (plain, ours), strict=True):
            turns.append(Turn(series, table.size, call.__get__(table), calls, runner))
    in_rounds(f"{what}, over size", turns, Turn.measure, effort.rounds)
    yield from both


def _forgetting(made: Sequence[Table], runner: asyncio.Runner, effort: Effort) -> Series:
    """Of one entry and more; of few again and again."""
    series = Series("forgetting all by their tag", OURS, ENTRIES)
    small = [Table(size) for size in sizes(min(100, effort.most))]
    for table in track([*small, *made], description="forgetting by tag"):
        for _ in range(max(1, min(effort.rounds, _OFTEN // table.size))):
            if table.size <= _OFTEN:
                table.fill()
            series.add(table.size, runner.run(table.forget()))
    return series


async def _measured(call: Measure, numbers: Sequence[int]) -> float:
    return await call(numbers)


def _each(started: float, numbers: Sequence[int]) -> float:
    return (time.thread_time() - started) / len(numbers) * 1e6
