"""The callers of the simulation in real time, on real backends that nothing stands between.

Here the store itself decides what comes first. Nothing is made to go wrong on the way to it, and
what only virtual time can tell, how long something took, is judged with some slack.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar, cast

from cachekit import Cache
from cachekit.backend import FORGET_PREFIX, Backend, Found, Outcome, Write
from cachekit.clock import Clock
from cachekit.testing.simulation import Connect, Result, Setting
from cachekit.testing.simulation.functions import NAMESPACE
from cachekit.testing.simulation.link import Link
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from cachekit.testing.simulation.simulation import Simulation
from cachekit.testing.simulation.text import TextSerializer
from cachekit.testing.simulation.weather import NEVER, Weather
from cachekit.testing.simulation.world import World
from tests.races.store import DEADLINE

T = TypeVar("T")

WEATHER: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("refused", "lost", "unanswered", "late", "lurks", "torn", "partial"), 0.0),
    **dict.fromkeys(("slow", "load_slow", "load_hangs", "skew"), 0.0),
    **dict.fromkeys(("outage_every", "crash_every", "flush_every", "corrupt_every"), NEVER),
    **dict.fromkeys(("evict_value_every", "evict_tag_every", "evict_claim_every"), NEVER),
    "origin_down_every": NEVER,
    "readers": 10,
    "writers": 2,
    "think": 0.01,
    "pause": 0.05,
    "ttl": 1.0,
}
"""What is not left to the seed."""


class LiveLoop(asyncio.SelectorEventLoop):
    """One whose time is real, for those who expect a `VirtualLoop`."""

    def really(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return self.create_task(work)


class LiveLink(Link):
    """Passes all on to the backend."""

    async def read(self, keys: Sequence[str]) -> Found:
        return await self.backend.read(keys)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self.backend.write(writes)

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        able = self.backend.capability(FORGET_PREFIX)
        assert able is not None
        return await able.forget_prefix(prefixes)

    def calm_since(self, moment: float) -> bool:
        """Never: what is judged only in calm needs to know what the store has."""
        return False


class LiveWorld(World):
    """One in which other things than the world take time."""

    slack = 1.0

    async def link(self, name: str) -> Link:
        backend, clock = await self.shore.connect(), VirtualClock(self.loop)
        return LiveLink(name, self.shore, backend, clock, self.weather, self.rng, self.history)


class LiveSimulation(Simulation):
    """It ends as soon as there were enough calls, or something was wrong."""

    async def _live(self) -> None:
        try:
            await super()._live()
        finally:
            await self._end()

    async def _settle(self) -> None:
        for process in self.processes.values():
            await self._read_all(process)

    async def _end(self) -> None:
        for actor in self.actors:
            actor.cancel()
        await asyncio.gather(*self.actors, return_exceptions=True)
        for process in self.processes.values():
            await process.cache.close()
            self.world.history.covered.update(figures(process.cache))


def figures(cache: Cache) -> dict[str, int]:
    """Those of the cache itself."""
    stats = asdict(cache.stats())
    return {name: value for name, value in stats.items() if isinstance(value, int)}


def live(seed: int, connect: Connect, *, processes: int = 3) -> Result:
    """Run one seed; with real servers it never shows the same again.

    What it has covered includes the stats of all caches.
    """
    with asyncio.Runner(loop_factory=LiveLoop) as runner:
        return runner.run(_live(seed, connect, processes))


async def _live(seed: int, connect: Connect, processes: int) -> Result:
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    world = LiveWorld(loop, seed, Setting(connect), WEATHER)
    await LiveSimulation(world, processes, _make_cache).run()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, left
    history, violation = world.history, world.checker.violation
    return Result(seed, violation, history.covered, world.operations, history.digest())


def _make_cache(backend: Backend, clock: Clock, weather: Weather) -> Cache:
    return Cache(
        backend,
        namespace=NAMESPACE,
        serializer=TextSerializer(),
        deadline=DEADLINE,
        max_loads=weather.max_loads,
        clock=clock,
    )
