"""One seed from beginning to end: processes come and go, then all is calm and must be tidy."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.clock import Clock
from cachekit.entry import Kind
from cachekit.keys import claim_of, value_key
from cachekit.policy import LEASE
from cachekit.testing.simulation.accidents import heal, slow_down, start_again, take_down
from cachekit.testing.simulation.bytestore import in_bytes
from cachekit.testing.simulation.calls import PATIENCE
from cachekit.testing.simulation.checker import Violation
from cachekit.testing.simulation.functions import NAMESPACE
from cachekit.testing.simulation.history import EVERYWHERE, short
from cachekit.testing.simulation.loop import PROCESS, VirtualLoop, run, where
from cachekit.testing.simulation.origin import LOAD_TIMEOUT
from cachekit.testing.simulation.reads import READS, Operation
from cachekit.testing.simulation.shore import Setting
from cachekit.testing.simulation.stream import KEY
from cachekit.testing.simulation.text import TextSerializer
from cachekit.testing.simulation.weather import CALM, NEVER, Weather
from cachekit.testing.simulation.world import Process, World
from cachekit.testing.simulation.writes import BY_PREFIX, OF_HOMES, OF_TIERS, WRITES

OPERATIONS: Final = 500
"""Calls per seed, at least."""

SETTLES: Final = 20
"""Seconds after the last call in which everything must have come to an end."""

MakeCache: TypeAlias = Callable[[Backend, Clock, Weather], Any]


def make_cache(backend: Backend, clock: Clock, weather: Weather) -> Cache:
    """The cache that is judged."""
    return Cache(
        backend,
        namespace=NAMESPACE,
        serializer=TextSerializer(),
        load_timeout=LOAD_TIMEOUT,
        max_loads=weather.max_loads,
        clock=clock,
    )


class Result(NamedTuple):
    """What a seed has shown."""

    seed: int
    violation: Violation | None
    covered: Counter[str]
    operations: int
    digest: str


def simulate(
    seed: int,
    setting: Setting | None = None,
    *,
    processes: int = 2,
    make: MakeCache = make_cache,
    changes: Mapping[str, Any] | None = None,
) -> Result:
    """Run one seed; `make` is what every process calls to get its cache.

    `changes` are what the weather is to be whatever the seed says.
    """

    async def main(loop: VirtualLoop) -> Result:
        world = World(loop, seed, setting or in_bytes(), changes or {})
        await Simulation(world, processes, make).run()
        history = world.history
        violation = world.checker.violation
        return Result(seed, violation, history.covered, world.operations, history.digest())

    with _quiet():
        return run(main, seed)


@contextmanager
def _quiet() -> Generator[None]:
    """Without the log of what is done to the caches."""
    log = logging.getLogger("cachekit")
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


class Simulation:
    """The life of one world."""

    def __init__(self, world: World, processes: int, make: MakeCache) -> None:
        self.world = world
        self.make = make
        self.size = processes
        self.processes: dict[str, Process] = {}
        self.actors: list[asyncio.Task[None]] = []
        self.dead: set[str] = set()
        world.loop.is_dead = self.dead.__contains__
        world.loop.set_exception_handler(self._unhandled)

    async def run(self) -> None:
        try:
            await self.world.shore.connect()
            await self._live()
        finally:
            await self.world.shore.close()

    async def _live(self) -> None:
        world = self.world
        self.reads = _weights(world, READS)
        self.writes = _weights(world, _possible(world, WRITES))
        for letter in "ABCDEFGH"[: self.size]:
            await self._boot(letter, 1)
        chores = [asyncio.create_task(work) for work in self._chores()]
        while world.operations < OPERATIONS and self._right:
            await asyncio.sleep(0.1)
            self.world.debts.collect()
            self._look_for_hanging()
            self._raise_own_errors()
        for chore in chores:
            chore.cancel()
        if self._right:
            await self._stop()
        if self._right:
            await self._settle()

    @property
    def _right(self) -> bool:
        return self.world.checker.violation is None

    async def _boot(self, letter: str, life: int) -> None:
        """Start a process: a cache of its own, and those who use it."""
        name = f"{letter}{life}"
        link = await self.world.link(name)
        cache = self.make(link, link.clock, self.world.weather)
        process = Process(name, link, cache, self.world.functions(cache))
        self.processes[letter] = process
        weather = self.world.weather
        for _ in range(weather.readers):
            self._spawn(process, self._act(process, self.reads, weather.think))
        for _ in range(weather.writers):
            self._spawn(process, self._act(process, self.writes, weather.pause))

    def _spawn(self, process: Process, work: Any) -> "asyncio.Task[None]":
        context = copy_context()
        context.run(PROCESS.set, process.name)
        task: asyncio.Task[None] = self.world.loop.create_task(work, context=context)
        self.actors.append(task)
        return task

    async def _act(
        self, process: Process, operations: Mapping[Operation, float], pause: float
    ) -> None:
        rng, names, weights = self.world.rng, list(operations), list(operations.values())
        while self.world.operations < OPERATIONS and self._right:
            await asyncio.sleep(rng.expovariate(1 / pause))
            await rng.choices(names, weights)[0](self.world, process)

    def _chores(self) -> list[Any]:
        world, weather = self.world, self.world.weather
        rng, shore = world.rng, world.shore
        return [
            self._now_and_then(weather.evict_value_every, lambda: shore.evict(rng, "v:")),
            self._now_and_then(weather.evict_tag_every, lambda: shore.evict(rng, "t:")),
            self._now_and_then(weather.evict_claim_every, lambda: shore.evict(rng, "c:")),
            self._now_and_then(weather.corrupt_every, lambda: shore.corrupt(rng)),
            self._now_and_then(weather.flush_every, lambda: shore.flush(rng, weather.restarts)),
            self._now_and_then(weather.outage_every, self._cut_off),
            self._now_and_then(weather.deaf_every, self._deafen),
            self._now_and_then(weather.others_every, self._tell_of_others),
            self._now_and_then(weather.crash_every, self._crash),
            self._now_and_then(weather.origin_down_every, self._take_origin_down),
            self._now_and_then(weather.node_down_every, lambda: take_down(world)),
            self._now_and_then(weather.node_slow_every, lambda: slow_down(world)),
            self._now_and_then(weather.node_emptied_every, lambda: start_again(world)),
        ]

    async def _now_and_then(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while every < NEVER:
            await asyncio.sleep(self.world.rng.expovariate(1 / every))
            await work()

    async def _cut_off(self) -> None:
        world = self.world
        process = world.rng.choice(list(self.processes.values()))
        process.link.down_until = world.now() + world.rng.expovariate(1 / 2.0)
        world.history.covered["outages"] += 1
        world.history.add(world.now(), process.name, "IS CUT OFF", EVERYWHERE)

    async def _deafen(self) -> None:
        """No news come to a process, on a link that is well otherwise."""
        world = self.world
        process = world.rng.choice(list(self.processes.values()))
        process.link.deaf_until = world.now() + world.rng.expovariate(
            1 / world.weather.max_staleness
        )
        world.history.covered["processes without news"] += 1
        world.history.add(world.now(), process.name, "HAS NO NEWS", EVERYWHERE)

    async def _tell_of_others(self) -> None:
        """Changes of another cache on the same store."""
        for _ in range(self.world.rng.randint(1, 5)):
            self.world.shore.stream.tell(KEY, "v:others:")

    async def _take_origin_down(self) -> None:
        world = self.world
        world.origin.down_until = world.now() + world.rng.expovariate(1 / 5.0)
        world.history.covered["outages of the origin"] += 1
        world.history.add(world.now(), "-", "THE ORIGIN IS DOWN", EVERYWHERE)

    async def _crash(self) -> None:
        world = self.world
        letter = world.rng.choice(list(self.processes))
        process = self.processes[letter]
        self.dead.add(process.name)
        self._count(process)
        process.kill(world.loop)
        world.history.covered["crashes"] += 1
        world.history.add(world.now(), process.name, "DIES", EVERYWHERE)
        await self._boot(letter, int(process.name[1:]) + 1)

    def _look_for_hanging(self) -> None:
        now = self.world.now()
        for read, task in self.world.asking.items():
            if now - read.asked > PATIENCE:
                doing = "" if task is None else where(task)
                self.world.checker.fail(now, read, f"has no answer since {read.asked:.3f}: {doing}")

    def _raise_own_errors(self) -> None:
        """An actor that raises is a mistake in the simulation itself."""
        for task in self.actors:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody looked at: an exception in a callback or in a task that was let go."""
        self.world.wrong(f"unhandled: {context['message']}: {context.get('exception')!r}")

    async def _stop(self) -> None:
        """Let every call under way end, in good weather."""
        weather = self.world.weather
        calm = replace(CALM, max_loads=weather.max_loads, load_nests=weather.load_nests)
        self.world.origin.weather = calm
        self.world.origin.down_until = 0.0
        heal(self.world)
        for process in self.processes.values():
            process.link.weather = CALM
            process.link.down_until = process.link.deaf_until = 0.0
        _, late = await asyncio.wait(self.actors, timeout=PATIENCE)
        for task in late:
            self.world.wrong(f"an actor hangs: {where(task)}")
        self._raise_own_errors()

    async def _settle(self) -> None:
        """Nothing is left behind, and all keys can be read."""
        world = self.world
        for _ in range(SETTLES):
            await asyncio.sleep(1.0)
            if not any(world.origin.running.values()):
                break
        await self._find_stubs()
        await asyncio.sleep(SETTLES)
        world.debts.collect()
        for process in self.processes.values():
            if left := _under_way(process.cache):
                world.wrong(f"{process.name} has flights or polls left: {left}")
            await self._spawn(process, self._read_all(process))
            self._count(process)
            await self._spawn(process, process.cache.close())
        await world.shore.close()
        for task, owner in world.loop.tasks.items():
            if owner != "world":
                world.wrong(f"{owner} has a task left: {where(task)}")

    def _count(self, process: Process) -> None:
        """What its copies were good for, and how full its journals."""
        if not isinstance(process.cache, Cache):
            return
        stats, covered = process.cache.stats(), self.world.history.covered
        for tier in stats.tiers[:1]:
            covered["answers from copies"] += tier.hits
            covered["questions past the copies"] += tier.bypasses
        covered["journals that were full"] += sum(node.overflows for node in stats.nodes)

    async def _find_stubs(self) -> None:
        """R2: none may be there for longer than a lease after the last load has ended."""
        world = self.world
        keys = [value_key(NAMESPACE, topic.key) for topic in world.topics]
        keys = [*keys, *map(claim_of, keys)]
        before = await world.shore.left(Kind.STUB, keys)
        await asyncio.sleep(LEASE + 1.0)
        for key, version in (await world.shore.left(Kind.STUB, keys)).items():
            if before.get(key) == version:
                world.checker.report(world.now(), f"a stub is left under {key}", short(key))

    async def _read_all(self, process: Process) -> None:
        for topic in self.world.topics:
            read = self.world.ask(process, topic, topic.tags)
            value = await process.cache.get(topic.key, default=None)
            if value is not None:
                self.world.checker.answer(self.world.now(), read, value)


def _under_way(cache: Any) -> list[Any]:
    """The loads and polls that a `Cache` believes to be under way."""
    if not isinstance(cache, Cache):
        return []
    rides = cache._engine.rides  # pyright: ignore[reportPrivateUsage]
    watches = rides.watches._watches.values()  # pyright: ignore[reportPrivateUsage]
    return [*rides.flights.all(), *rides.unstored.all(), *watches]


def _possible(world: World, table: Mapping[Operation, float]) -> Mapping[Operation, float]:
    if world.shore.setting.tiers:
        table = {**table, **OF_TIERS}
    if world.shore.setting.homes:
        table = {**table, **OF_HOMES}
    if world.shore.has_prefixes:
        return table
    return {operation: often for operation, often in table.items() if operation not in BY_PREFIX}


def _weights(world: World, table: Mapping[Operation, float]) -> dict[Operation, float]:
    """How often this seed does what: some things much more, some not at all."""
    left_out = world.rng.choice([0.1, 0.3, 0.6])
    weights = {
        operation: 0.0 if world.chance(left_out) else weight * world.rng.lognormvariate(0.0, 1.0)
        for operation, weight in table.items()
    }
    for operation in table:
        if operation.__name__ in world.weather.mostly:
            weights[operation] = 10.0
    return weights if any(weights.values()) else dict(table)
