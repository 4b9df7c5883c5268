"""Who reads and who writes, and what they saw."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from tests.races.memory import Numbers
from tests.tiered.ages import Acknowledged, Read, ages, now

KEYS: Final = 40
GROUPS: Final = 8
TAGS: Final = 10

TOGETHER: Final = 5
"""So many questions of a reader are asked one after the other."""

THINKS: Final = 0.01
RESTS: Final = 0.12
LOADS: Final = 0.005
"""Seconds, at most: before each of these, before each change of a writer, of a load."""

STUBBORN: Final = 0.05
STUBBORN_FOR: Final = 0.1
"""So many loads go on until what they have read is old, for so many seconds at most."""

CALM, BAD, CALM_AGAIN, OVER = range(4)
"""The phases."""


def name(key: int) -> str:
    return f"group-{key // GROUPS}:{key}"


def tag(key: int) -> str:
    return f"tag-{key % TAGS}"


@dataclass
class Log:
    """What one process saw, or all of them.

    `phases`: of each, so many reads, and those that were answered from copies.
    """

    reads: list[Read] = field(default_factory=list[Read], repr=False)
    told: list[Acknowledged] = field(default_factory=list[Acknowledged], repr=False)
    invalidations: int = 0
    unacknowledged: int = 0
    impossible: int = 0
    phases: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, other: "Log") -> None:
        """Have what another one saw as well."""
        self.reads += other.reads
        self.told += other.told
        self.invalidations += other.invalidations
        self.unacknowledged += other.unacknowledged
        self.impossible += other.impossible
        mine = self.phases or [(0, 0)] * len(other.phases)
        both = zip(mine, other.phases, strict=True)
        self.phases = [(reads + more, near + nearer) for (reads, near), (more, nearer) in both]

    def ages(self) -> list[float]:
        return list(ages(self.reads, self.told))

    def share(self, phase: int) -> float:
        """The part of the reads of a phase that was answered from copies."""
        reads, near = self.phases[phase]
        return near / max(1, reads)


class Truth:
    """What all processes see: the newest version of each key, and what phase it is."""

    def __init__(self) -> None:
        self.versions = Numbers(KEYS)
        self.phase = Numbers(1)
        self.reads = Numbers(1)


class Reader:
    """Asks, one question after the other."""

    def __init__(self, truth: Truth, cache: Cache, log: Log) -> None:
        self._truth = truth
        self._cache = cache
        self._log = log
        self._kinds = (self._ask, self._look, self._ask_several)

    async def play(self) -> None:
        while self._truth.phase[0] < OVER:
            await asyncio.sleep(random.random() * THINKS)
            for _ in range(TOGETHER):
                await random.choices(self._kinds, (93, 6, 1))[0](random.randrange(KEYS))

    async def warm_up(self) -> None:
        for key in range(KEYS):
            await self._ask(key)
        self._log.reads.clear()

    async def _ask(self, key: int) -> None:
        async def load() -> list[int]:
            return [key, await self._load(key)]

        asked = now()
        found = await self._cache.get_or_set(name(key), load, tags=[tag(key)])
        self._note(key, asked, found)

    async def _look(self, key: int) -> None:
        asked = now()
        found = await self._cache.get(name(key))
        if found is not None:
            self._note(key, asked, found)

    async def _ask_several(self, key: int) -> None:
        keys = {name(other): other for other in range(KEYS) if tag(other) == tag(key)}

        async def load(names: list[str]) -> dict[str, list[int]]:
            return {each: [keys[each], await self._load(keys[each])] for each in names}

        asked = now()
        found = await self._cache.get_or_set_many(keys, load, tags=[tag(key)])
        for each, value in found.items():
            self._note(keys[each], asked, value)

    async def _load(self, key: int) -> int:
        version = self._truth.versions[key]
        await asyncio.sleep(random.random() * LOADS)
        if random.random() < STUBBORN:
            end = now() + STUBBORN_FOR
            while now() < end and self._truth.versions[key] == version:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        return version

    def _note(self, key: int, asked: float, found: list[int]) -> None:
        of, version = found
        self._log.impossible += of != key or version > self._truth.versions[key]
        self._log.reads.append(Read(key, version, asked))
        self._truth.reads.add(0)


class Writer:
    """Changes keys and has them forgotten; once that is acknowledged it says so."""

    def __init__(self, truth: Truth, cache: Cache, log: Log, *, prefixes: bool = True) -> None:
        self._truth = truth
        self._cache = cache
        self._log = log
        self._kinds = (self._forget_key, self._forget_tag, self._clear, self._forget_prefix)
        self._often = (80, 12, 1, 7 * prefixes)

    async def play(self) -> None:
        while self._truth.phase[0] < OVER:
            await asyncio.sleep(random.random() * RESTS)
            try:
                await random.choices(self._kinds, self._often)[0](random.randrange(KEYS))
                self._log.invalidations += 1
            except InvalidationError:
                self._log.unacknowledged += 1

    def _commit(self, keys: Sequence[int]) -> dict[int, int]:
        return {key: self._truth.versions.add(key) for key in keys}

    def _acknowledge(self, versions: Mapping[int, int]) -> None:
        at = now()
        self._log.told += [Acknowledged(key, version, at) for key, version in versions.items()]

    async def _forget_key(self, key: int) -> None:
        versions = self._commit([key])
        await self._cache.invalidate(Key(name(key)))
        self._acknowledge(versions)

    async def _forget_tag(self, key: int) -> None:
        versions = self._commit([other for other in range(KEYS) if tag(other) == tag(key)])
        await self._cache.invalidate(Tag(tag(key)))
        self._acknowledge(versions)

    async def _forget_prefix(self, key: int) -> None:
        group = name(key).partition(":")[0] + ":"
        versions = self._commit([other for other in range(KEYS) if name(other).startswith(group)])
        await self._cache.invalidate(Prefix(group))
        self._acknowledge(versions)

    async def _clear(self, key: int) -> None:
        versions = self._commit(range(KEYS))
        await self._cache.clear()
        self._acknowledge(versions)
