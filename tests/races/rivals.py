"""Readers and writers in several processes, who race for some keys.

A writer commits new versions, has the cache forget the old ones and, once that is acknowledged,
says so: whoever asks after that and gets an older one was served stale.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from tests.races.crew import CONTEXT, PATIENCE, Crew
from tests.races.origin import KEYS, Origin, Question, Value, group, name, tag
from tests.races.store import Store

PROCESSES: Final = 4
READERS: Final = 24
WRITERS: Final = 3

PACE: Final = 18
"""A writer writes once in so many reads on average: machines are not equally fast."""

AIMED: Final = 0.8
"""The share of writes that change what is being loaded."""

TOLD: Final = 5
"""So many of the wrong answers of a process are told."""


@dataclass
class Report:
    """What a process saw, or all of them.

    - `reads`: answers; `hits`: those that had been loaded before they were asked for; `met`: those
      that were loaded while something newer was acknowledged. `loads`: keys looked up.
    - `by_key`, `by_tag`, `by_prefix`, `clears`: acknowledged invalidations; `unacknowledged`.
    - `refused`: fills that the store refused; `unreached`: operations that it did not answer.
    - `wrong`: answers that are too old, or of another key; some are in `told`.
    """

    reads: int = 0
    hits: int = 0
    met: int = 0
    loads: int = 0
    by_key: int = 0
    by_tag: int = 0
    by_prefix: int = 0
    clears: int = 0
    unacknowledged: int = 0
    refused: int = 0
    unreached: int = 0
    wrong: int = 0
    told: list[str] = field(default_factory=list[str])

    def add(self, other: "Report") -> None:
        """Count what another one saw as well."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class Rivalry:
    """So many `reads` by all readers together, while the writers write."""

    def __init__(self, store: Store, *, reads: int) -> None:
        self.store = store
        self.reads = reads
        self.origin = Origin()
        self.ready = CONTEXT.Barrier(PROCESSES)

    def run(self, *, patience: float = PATIENCE) -> Report:
        """Have it happen, in `patience` seconds at most."""
        report = Report()
        with Crew(PROCESSES, _compete, self) as crew:
            for each in crew.results(patience=patience):
                report.add(each)
        return report


async def _compete(rivalry: Rivalry, number: int) -> Report:
    async with rivalry.store.cache() as cache:
        await cache.get("nothing")  # it is connected before all begin
        await asyncio.to_thread(rivalry.ready.wait, PATIENCE)
        report = Report()
        await asyncio.gather(
            *(Reader(rivalry, cache, report).play() for _ in _share(READERS, number)),
            *(Writer(rivalry, cache, report).play() for _ in _share(WRITERS, number)),
        )
        stats = cache.stats()
        report.refused, report.unreached = stats.refused_fills, stats.unreached
        return report


def _share(players: int, number: int) -> range:
    """Those of all players that are in process `number`."""
    return range(number, players, PROCESSES)


class Reader:
    """Asks, one question after the other."""

    def __init__(self, rivalry: Rivalry, cache: Cache, report: Report) -> None:
        self._origin = rivalry.origin
        self._reads = rivalry.reads
        self._cache = cache
        self._report = report

    async def play(self) -> None:
        while self._origin.reads < self._reads:
            await random.choices((self._ask, self._look, self._ask_several), (8, 1, 1))[0]()

    async def _ask(self) -> None:
        key = random.randrange(KEYS)
        question = self._origin.ask(key)

        async def load() -> list[int]:
            return (await self._load([key]))[name(key)]

        found = await self._cache.get_or_set(name(key), load, tags=[tag(key)])
        self._judge(question, found)

    async def _look(self) -> None:
        question = self._origin.ask(random.randrange(KEYS))
        found = await self._cache.get(name(question.key))
        if found is not None:
            self._judge(question, found)

    async def _ask_several(self) -> None:
        keys = _tagged(random.randrange(KEYS))
        questions = [self._origin.ask(key) for key in keys]

        async def load(names: list[str]) -> dict[str, list[int]]:
            return await self._load([key for key in keys if name(key) in names])

        found = await self._cache.get_or_set_many(
            [name(key) for key in keys], load, tags=[tag(keys[0])]
        )
        for question in questions:
            self._judge(question, found[name(question.key)])

    async def _load(self, keys: Sequence[int]) -> dict[str, list[int]]:
        self._report.loads += len(keys)
        found = await self._origin.load(keys)
        return {name(key): list(value) for key, value in found.items()}

    def _judge(self, question: Question, found: list[int]) -> None:
        report, value = self._report, Value._make(found)
        was_there = value.loaded < question.asked
        self._origin.count()
        report.reads += 1
        report.hits += was_there
        report.met += value.overtaken and not was_there
        if wrong := self._origin.wrong(question, value):
            report.wrong += 1
            report.told += [wrong][: TOLD - len(report.told)]


class Writer:
    """Changes keys and has them forgotten, as long as there is reading."""

    def __init__(self, rivalry: Rivalry, cache: Cache, report: Report) -> None:
        self._origin = rivalry.origin
        self._reads = rivalry.reads
        self._cache = cache
        self._report = report
        self._weights = (70, 20, 7 if rivalry.store.has_prefixes else 0, 3)

    async def play(self) -> None:
        kinds = (self._forget_key, self._forget_tag, self._forget_prefix, self._clear)
        while await self._reach(self._origin.reads + random.expovariate(1 / PACE)):
            try:
                await random.choices(kinds, self._weights)[0](self._aim())
            except InvalidationError:
                self._report.unacknowledged += 1

    async def _reach(self, reads: float) -> bool:
        """Wait for so many reads; false if there will not be so many."""
        while self._origin.reads < min(reads, self._reads):  # noqa: ASYNC110  others are processes
            await asyncio.sleep(0.001)
        return reads < self._reads

    def _aim(self) -> int:
        loading = self._origin.under_load() if random.random() < AIMED else []
        return random.choice(loading or range(KEYS))

    async def _forget_key(self, key: int) -> None:
        versions = self._origin.commit([key])
        await self._cache.invalidate(Key(name(key)))
        self._origin.acknowledge(versions)
        self._report.by_key += 1

    async def _forget_tag(self, key: int) -> None:
        versions = self._origin.commit(_tagged(key))
        await self._cache.invalidate(Tag(tag(key)))
        self._origin.acknowledge(versions)
        self._report.by_tag += 1

    async def _forget_prefix(self, key: int) -> None:
        versions = self._origin.commit(other for other in range(KEYS) if group(other) == group(key))
        await self._cache.invalidate(Prefix(group(key)))
        self._origin.acknowledge(versions)
        self._report.by_prefix += 1

    async def _clear(self, key: int) -> None:
        versions = self._origin.commit(range(KEYS))
        await self._cache.clear()
        self._origin.acknowledge(versions)
        self._report.clears += 1


def _tagged(key: int) -> list[int]:
    return [other for other in range(KEYS) if tag(other) == tag(key)]
