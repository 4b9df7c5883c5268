"""All ask for the same at the same time, before it is there."""

import asyncio
import random
from typing import Any, Final, NamedTuple

from cachekit import Cache
from tests.races.crew import CONTEXT, PATIENCE, Crew
from tests.races.memory import Numbers
from tests.races.store import Store

PROCESSES: Final = 4

SPREAD: Final = 0.02

BRIEFLY: Final = 0.02
"""Seconds that a load takes after all have asked."""

NOTHING: Final = [f"nothing:{number}" for number in range(20)]
"""Keys of all the servers that a store may consist of."""


class Outcome(NamedTuple):
    """How often each key was loaded, and the values that each process got: which load's."""

    loads: list[int]
    values: list[list[int]]


class Stampede:
    """Each process asks for each of `keys` keys in `tasks` tasks, within `SPREAD` seconds.

    All keys and tags are new. A load goes on until all have asked. `fatal`: the first one has no
    end, and its process is to be killed.
    """

    def __init__(self, store: Store, *, keys: int, tasks: int, fatal: bool = False) -> None:
        self.store = store
        self.keys = range(keys)
        self.tasks = tasks
        self.fatal = fatal
        self.asking = PROCESSES * keys * tasks
        self.ready = CONTEXT.Barrier(PROCESSES)
        self.loads = Numbers(keys)
        self.asked = Numbers(1)
        self.leader = Numbers(1)
        self.leads = CONTEXT.Event()

    def run(self) -> Outcome:
        """Have it happen; the leader of a fatal load is killed while it loads."""
        with Crew(PROCESSES, _ask, self) as crew:
            if self.fatal:
                self._kill(crew)
            values = crew.results()
        return Outcome(self.loads.all(), values)

    def _kill(self, crew: Crew[Any, Any]) -> None:
        assert self.leads.wait(PATIENCE), "nobody loads"
        crew.kill(self.leader[0])

    async def load(self, key: int, number: int) -> int:
        """What process `number` looks up: how often this key was looked up until now."""
        load = self.loads.add(key)
        while self.asked[0] < self.asking:  # noqa: ASYNC110  others are processes
            await asyncio.sleep(0.001)
        if self.fatal and load == 1:
            self.leader.add(0, number)
            self.leads.set()
            await asyncio.sleep(PATIENCE)
        await asyncio.sleep(BRIEFLY)
        return load


async def _ask(stampede: Stampede, number: int) -> list[int]:
    async with stampede.store.cache() as cache:
        await cache.get_many(NOTHING)  # it is connected before all begin
        await asyncio.to_thread(stampede.ready.wait, PATIENCE)
        tasks = [key for key in stampede.keys for _ in range(stampede.tasks)]
        return await asyncio.gather(*(_ask_for(stampede, cache, key, number) for key in tasks))


async def _ask_for(stampede: Stampede, cache: Cache, key: int, number: int) -> int:
    await asyncio.sleep(random.uniform(0.0, SPREAD))
    stampede.asked.add(0)
    return await cache.get_or_set(
        f"key:{key}", lambda: stampede.load(key, number), tags=[f"tag:{key}"]
    )
