"""What the actors of one seed share: the truth, the store, the judge, the dice."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from cachekit.testing.simulation.checker import Checker, Read
from cachekit.testing.simulation.history import History, short
from cachekit.testing.simulation.link import Link
from cachekit.testing.simulation.loads import LOAD_TIMEOUT, Loader, Origin
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from cachekit.testing.simulation.shore import Setting, Shore
from cachekit.testing.simulation.weather import NEVER, draw

Function: TypeAlias = Callable[[], Coroutine[Any, Any, str]]

PREFIX: Final = "k"
"""What all keys begin with."""


@dataclass(eq=False)
class Process:
    """One simulated process. `cache` is a `Cache`, or something with its methods.

    `functions` are its cached functions, one for each topic, by key.
    """

    name: str
    link: Link
    cache: Any
    functions: dict[str, Function]
    dead: bool = False

    def kill(self, loop: VirtualLoop) -> None:
        """End it as `kill -9` does: what it had sent is on its way, and that is all."""
        self.dead = self.link.dead = True
        for task in loop.of(self.name):
            task.cancel()


@dataclass(frozen=True)
class Topic:
    """A cached thing: its key, the tags that every call declares, and who may change it.

    What is `written` through the cache has one writer at a time, as `set` demands.
    """

    key: str
    tags: tuple[str, ...]
    written: bool
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class World:
    """One seed's world, in the weather drawn from the seed, with `changes` to that."""

    def __init__(
        self, loop: VirtualLoop, seed: int, setting: Setting, changes: Mapping[str, Any]
    ) -> None:
        self.loop = loop
        self.rng = random.Random(seed)
        self.weather = replace(draw(self.rng), **changes)
        self.history = History()
        evicts = self.weather.evict_tag_every < NEVER or self.weather.evict_value_every < NEVER
        self.shore = Shore(loop, self.history, setting, evicts=evicts)
        self.origin = Origin(self.history, self.rng, self.weather)
        self.checker = Checker(self.history, self.origin, self.oldest())
        self.tags = [f"t{i}" for i in range(self.weather.tags)]
        self.topics = [self._topic(i) for i in range(self.weather.keys)]
        self.shore.wrong = self._wrong_store
        self.operations = 0
        self.asking: dict[Read, asyncio.Task[Any] | None] = {}

    def _topic(self, index: int) -> Topic:
        key, tagged = f"{PREFIX}{index}", self.chance(self.weather.tagged)
        self.origin.versions[key] = 1
        tags = (self.rng.choice(self.tags),) if tagged else ()
        return Topic(key, tags, written=self.rng.random() < self.weather.written)

    def oldest(self) -> float:
        """The greatest age, in seconds since its load began, that a served value may have."""
        return self.weather.ttl + 2 * self.weather.skew + LOAD_TIMEOUT

    def now(self) -> float:
        return self.loop.time()

    def chance(self, of: float) -> bool:
        return self.rng.random() < of

    def ttl(self) -> float:
        """A time to live, for one call."""
        return self.weather.ttl * self.rng.uniform(0.5, 1.0)

    def functions(self, name: str, cache: Any) -> dict[str, Function]:
        """For each topic a function that loads it, cached."""
        functions: dict[str, Function] = {}
        for topic in self.topics:
            load = Loader(self.origin, name, topic.key, may_cancel=False)
            decorate = cache.cached(key=topic.key, tags=topic.tags, ttl=self.weather.ttl)
            functions[topic.key] = decorate(_function(load))
        return functions

    def ask(self, process: Process, topic: Topic, tags: tuple[str, ...]) -> Read:
        """A caller asks now; the answer is judged by what is acknowledged so far."""
        return self.checker.ask(self.now(), process.name, topic.key, tags)

    def wrong(self, what: str) -> None:
        """Something that concerns no one key is wrong."""
        self.checker.report(self.now(), what)

    def _wrong_store(self, key: str, what: str) -> None:
        self.checker.report(self.now(), what, short(key))

    def change(self, process: Process, topic: Topic) -> int:
        """Commit a new version of a topic to the origin."""
        return self.origin.commit(self.now(), process.name, topic.key)

    async def link(self, name: str) -> Link:
        """A connection of a process of that name, with a date of its own."""
        backend = await self.shore.connect()
        skew = self.rng.uniform(-1, 1) * self.weather.skew
        clock = VirtualClock(self.loop, skew)
        return Link(name, self.shore, backend, clock, self.weather, self.rng, self.history)


def _function(load: Loader) -> Function:
    async def function() -> str:
        return await load()

    return function
