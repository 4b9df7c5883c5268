"""Tags that an entry carries, and callers that wait for one load: more and more of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.growth_series import Series, sizes
from benchmarks.measuring import Effort, Figure, in_rounds
from benchmarks.results import OURS
from cachekit import Cache

TAGS: Final = (1, 2, 4, 8, 16)
WAITERS: Final = 10_000
_ITEMS: Final = 1000
_FUTURE: Final = "one future, awaited by all"
_Measure = Callable[[], Awaitable[float]]


@dataclass
class Turn:
    """One operation at one size."""

    series: Series
    size: int
    call: _Measure
    runner: asyncio.Runner
    figure: Figure = field(default_factory=Figure)

    def measure(self) -> float:
        took = self.runner.run(_run(self.call))
        self.series.add(self.size, took)
        return took


def crowds(effort: Effort) -> list[Series]:
    """Of few and many tags, then of few and many waiters; microseconds for each call."""
    with asyncio.Runner() as runner:
        turns = [*_tagged(effort, runner), *_waiting(effort, runner)]
        in_rounds("tags and waiters", turns, Turn.measure, effort.rounds)
    return list({id(turn.series): turn.series for turn in turns}.values())


def _tagged(effort: Effort, runner: asyncio.Runner) -> Iterator[Turn]:
    hits, sets = (Series(what, OURS, "tags") for what in ("a hit", "a set"))
    for count in TAGS:
        tagged = _Tagged(count, effort.hits)
        yield Turn(sets, count, tagged.sets, runner)  # first: it fills
        yield Turn(hits, count, tagged.hits, runner)


class _Tagged:
    """A decorated function whose entries carry so many tags, all of them of several entries."""

    def __init__(self, count: int, hits: int) -> None:
        tags = [f"tag {number}" for number in range(count)]
        cache = Cache(ttl=3600)
        self.item = cache.cached(key="item:{number}", tags=tags)(self._load)
        self.numbers = [number % _ITEMS for number in range(hits)]
        self.written = range(min(_ITEMS, hits))

    async def _load(self, number: int) -> str:
        raise AssertionError(f"{number} is not in the cache")

    async def sets(self) -> float:
        started = time.thread_time()
        for number in self.written:
            await self.item.set("value", number)
        return (time.thread_time() - started) / len(self.written) * 1e6

    async def hits(self) -> float:
        started = time.thread_time()
        for number in self.numbers:
            await self.item(number)
        return (time.thread_time() - started) / len(self.numbers) * 1e6


def _waiting(effort: Effort, runner: asyncio.Runner) -> Iterator[Turn]:
    what = "a caller of one load"
    ours, plain = Series(what, OURS, "waiters"), Series(what, _FUTURE, "waiters", floor=True)
    for count in sizes(min(WAITERS, effort.most)):
        yield Turn(plain, count, _Shared(count).wait, runner)
        yield Turn(ours, count, _Waiters(count).wait, runner)


class _Waiters:
    """So many callers at once of a key that is not there."""

    def __init__(self, count: int) -> None:
        self.cache, self.count, self.loads = Cache(ttl=3600), count, 0

    async def _load(self) -> str:
        self.loads += 1
        await asyncio.sleep(0)
        return "value"

    async def wait(self) -> float:
        await self.cache.delete("key")
        before, started = self.loads, time.thread_time()
        calls = (self.cache.get_or_set("key", self._load) for _ in range(self.count))
        await asyncio.gather(*calls)
        took = time.thread_time() - started
        assert self.loads == before + 1, f"{self.loads - before} loads"
        return took / self.count * 1e6


class _Shared:
    """The same without a cache: all await one future."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def wait(self) -> float:
        started = time.thread_time()
        load = asyncio.ensure_future(asyncio.sleep(0, "value"))
        await asyncio.gather(*(_await(load) for _ in range(self.count)))
        return (time.thread_time() - started) / self.count * 1e6


async def _await(load: "asyncio.Future[str]") -> str:
    return await asyncio.shield(load)


async def _run(call: _Measure) -> float:
    return await call()
