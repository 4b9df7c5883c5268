"""Processes that each have copies in front of one server, on a link of its own that may be bad."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import Backend
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from cachekit_tiered import TieredBackend
from tests.races.crew import CONTEXT, PATIENCE, Crew
from tests.races.memory import Numbers
from tests.servers.proxy import NONE, Faults, Proxy
from tests.tiered.ages import Acknowledged, Read, ages, now
from tests.tiered.pubsub import Published

PROCESSES: Final = 3
READERS: Final = 8
KEYS: Final = 40
GROUPS: Final = 8
TAGS: Final = 10

STALENESS: Final = 0.5
SLACK: Final = 0.05

TOGETHER: Final = 5
"""So many questions of a reader are asked one after the other."""

THINKS: Final = 0.01
RESTS: Final = 0.12
LOADS: Final = 0.005
"""Seconds, at most: before each of these, before each change of a writer, of a load."""

STUBBORN: Final = 0.05
STUBBORN_FOR: Final = 0.1
"""So many loads go on until what they have read is old, for so many seconds at most."""

WAITS: Final = 0.4
"""Seconds that the server may be silent: a machine with too much to do is no bad link."""

CALM, BAD, CALM_AGAIN, OVER = range(4)
"""The phases."""

WEATHER: Final = (
    Faults(delay=0.5, longest=0.05),
    Faults(delay=0.05, longest=1.5),
    Faults(delay=0.2, longest=0.02, split=0.2, cut=0.01),
    Faults(hole=0.02),
    Faults(reset=0.02),
    *[NONE] * 3,
)
SILENT: Final = 0.3
HELD: Final = 0.2
"""So often all connections there are fall silent; so often all is late, and nothing is lost."""

CHANGES: Final = (0.1, 0.9)
"""Seconds after which it is another one."""


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


class Fleet:
    """`PROCESSES` who read and write, while their links are well, bad, and well again.

    With `published` they follow what is published, as many do, instead of the stream.
    """

    def __init__(self, port: int, *, published: bool = False) -> None:
        self.published = published
        self.versions = Numbers(KEYS)
        self.phase = Numbers(1)
        self.reads = Numbers(1)
        self.ready = CONTEXT.Barrier(PROCESSES + 1)
        self.urls: list[str] = []
        self._port = port
        self._random = random.Random(port)

    def __getstate__(self) -> Mapping[str, Any]:
        return {**vars(self), "_random": None}

    async def run(self, seconds: Sequence[float], *, reads: int = 0) -> Log:
        """Have it happen, in phases of so many `seconds`; the bad one goes on for so many reads."""
        log = Log()
        async with AsyncExitStack() as stack:
            proxies = [
                await stack.enter_async_context(Proxy(self._port, seed=number))
                for number in range(PROCESSES)
            ]
            self.urls = [proxy.url for proxy in proxies]
            with Crew(PROCESSES, _live, self) as crew:
                await asyncio.to_thread(self.ready.wait, PATIENCE)
                for length in seconds:
                    await self._pass(length, reads, proxies)
                    self.phase.add(0)
                for each in await asyncio.to_thread(crew.results):
                    log.add(each)
        return log

    async def _pass(self, seconds: float, reads: int, proxies: Sequence[Proxy]) -> None:
        """One phase."""
        if self.phase[0] != BAD:
            await asyncio.sleep(seconds)
            return
        raging = [asyncio.create_task(self._rage(proxy)) for proxy in proxies]
        await asyncio.sleep(seconds)
        while self.reads[0] < reads:  # noqa: ASYNC110  other processes read
            await asyncio.sleep(0.1)
        for each in raging:
            each.cancel()
        await asyncio.gather(*raging, return_exceptions=True)

    async def _rage(self, proxy: Proxy) -> None:
        try:
            while True:
                proxy.faults = self._random.choice(WEATHER)
                if self._random.random() < SILENT:
                    proxy.silence()
                if self._random.random() < HELD:
                    proxy.hold()
                await asyncio.sleep(self._random.uniform(*CHANGES))
                proxy.release()
        finally:
            proxy.release()
            proxy.faults = NONE

    def backend(self, number: int) -> Backend:
        url = self.urls[number]
        far = RedisBackend(url, timeout=WAITS, connect_timeout=WAITS)
        used = Published(far, url) if self.published else far
        return TieredBackend(MemoryBackend(), used, max_staleness=STALENESS)


async def _live(fleet: Fleet, number: int) -> Log:
    log = Log()
    backend = fleet.backend(number)
    async with Cache(backend, namespace="fleet", deadline=WAITS + 0.1) as cache:
        reader, writer = Reader(fleet, cache, log), Writer(fleet, cache, log)
        await reader.warm_up()
        await asyncio.to_thread(fleet.ready.wait, PATIENCE)
        await asyncio.gather(
            *(reader.play() for _ in range(READERS)), writer.play(), _take_notes(fleet, cache, log)
        )
    return log


async def _take_notes(fleet: Fleet, cache: Cache, log: Log) -> None:
    """At the end of each phase."""
    reads = near = 0
    for phase in range(OVER):
        while fleet.phase[0] == phase:  # noqa: ASYNC110  another process decides
            await asyncio.sleep(0.005)
        so_far = len(log.reads), cache.stats().tiers[0].hits
        log.phases.append((so_far[0] - reads, so_far[1] - near))
        reads, near = so_far


class Reader:
    """Asks, one question after the other."""

    def __init__(self, fleet: Fleet, cache: Cache, log: Log) -> None:
        self._fleet = fleet
        self._cache = cache
        self._log = log
        self._kinds = (self._ask, self._look, self._ask_several)

    async def play(self) -> None:
        while self._fleet.phase[0] < OVER:
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
        version = self._fleet.versions[key]
        await asyncio.sleep(random.random() * LOADS)
        if random.random() < STUBBORN:
            end = now() + STUBBORN_FOR
            while now() < end and self._fleet.versions[key] == version:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        return version

    def _note(self, key: int, asked: float, found: list[int]) -> None:
        of, version = found
        self._log.impossible += of != key or version > self._fleet.versions[key]
        self._log.reads.append(Read(key, version, asked))
        self._fleet.reads.add(0)


class Writer:
    """Changes keys and has them forgotten; once that is acknowledged it says so."""

    def __init__(self, fleet: Fleet, cache: Cache, log: Log) -> None:
        self._fleet = fleet
        self._cache = cache
        self._log = log
        self._kinds = (self._forget_key, self._forget_tag, self._forget_prefix, self._clear)

    async def play(self) -> None:
        while self._fleet.phase[0] < OVER:
            await asyncio.sleep(random.random() * RESTS)
            try:
                await random.choices(self._kinds, (80, 12, 7, 1))[0](random.randrange(KEYS))
                self._log.invalidations += 1
            except InvalidationError:
                self._log.unacknowledged += 1

    def _commit(self, keys: Sequence[int]) -> dict[int, int]:
        return {key: self._fleet.versions.add(key) for key in keys}

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
