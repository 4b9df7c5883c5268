"""What the actors of one seed share: the truth, the store, the judge, the dice."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cachekit import Cache
from cachekit.entry import Kind
from cachekit.keys import home_in, record_key, tag_key, value_key
from cachekit.testing.simulation import functions
from cachekit.testing.simulation.ages import Attempts
from cachekit.testing.simulation.checker import Checker
from cachekit.testing.simulation.debts import Debts
from cachekit.testing.simulation.functions import NAMESPACE, PREFIX, Functions
from cachekit.testing.simulation.history import History, short
from cachekit.testing.simulation.homes import HomesLink
from cachekit.testing.simulation.islands import draw_homes
from cachekit.testing.simulation.link import Link
from cachekit.testing.simulation.loads import Loader
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from cachekit.testing.simulation.origin import Load, Origin, Value
from cachekit.testing.simulation.question import Read
from cachekit.testing.simulation.shore import Setting, Shore
from cachekit.testing.simulation.tides import draw_tiers
from cachekit.testing.simulation.weather import CALM_WINDOWS, NEVER, Weather, Windows, draw


@dataclass(eq=False)
class Process:
    """One simulated process. `cache` is a `Cache`, or something with its methods.

    `functions` are its cached ones.
    """

    name: str
    link: Link
    cache: Any
    functions: Functions
    dead: bool = False
    seen: dict[str, int] = field(default_factory=dict[str, int])
    """By key: the version of what was there when one looked who wants something newer."""

    @property
    def journals(self) -> bool:
        """Whether it makes up for what was not acknowledged."""
        return isinstance(self.cache, Cache)

    @property
    def is_even(self) -> bool:
        """Whether there is nothing that it has yet to make up for."""
        nodes = self.cache.stats().nodes if self.journals else ()
        return not any(node.is_open or node.journaled for node in nodes)

    def kill(self, loop: VirtualLoop) -> None:
        """End it as `kill -9` does: what it had sent is on its way, and that is all."""
        self.dead = self.link.dead = True
        for task in loop.of(self.name):
            task.cancel()


@dataclass(frozen=True)
class Topic:
    """A cached thing: its key, the tags that every call declares, and who may change it.

    What is `written` through the cache has one writer at a time, as `set` demands. With `session`
    its function's loads need something that the key leaves out.
    """

    key: str
    tags: tuple[str, ...]
    written: bool
    windows: Windows = CALM_WINDOWS
    session: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class World:
    """One seed's world, in the weather drawn from the seed, with `changes` to that.

    `slack`: seconds that everything may take longer than it has to. In virtual time there is none.
    """

    slack = 0.0

    def __init__(
        self, loop: VirtualLoop, seed: int, setting: Setting, changes: Mapping[str, Any]
    ) -> None:
        self.loop = loop
        self.rng = random.Random(seed)
        self.weather = replace(self._draw(seed, setting), **changes)
        self.history = History()
        evicting = ("evict_tag_every", "evict_value_every", "evict_claim_every")
        evicts = any(getattr(self.weather, name) < NEVER for name in evicting)
        remembers = self.weather.remembers
        self.shore = Shore(loop, self.history, setting, evicts=evicts, remembers=remembers)
        self.tags = [f"t{i}" for i in range(self.weather.tags)]
        self.origin = Origin(self.history, self.rng, self.weather, [*self.tags, "n0", "n1"])
        skew = 2 * self.weather.skew + self.slack
        staleness = self.weather.staleness if setting.tiers else 0.0
        self.checker = Checker(self.history, self.origin, skew, self._there, staleness)
        self.debts = Debts(self.checker, self.now)
        self.attempts = Attempts(self.history, self.origin, self._there)
        self.origin.begins = self._begins
        self.origin.wrong = self._wrong_load
        self.many_windows = self.windows()
        self.topics = [self._topic(i) for i in range(self.weather.keys)]
        self.shore.wrong = self._wrong_store
        self.shore.forbids = self._is_private
        self.operations = 0
        self.asking: dict[Read, asyncio.Task[Any] | None] = {}

    def _draw(self, seed: int, setting: Setting) -> Weather:
        weather = draw(self.rng)
        if setting.homes:
            weather = draw_homes(random.Random(f"homes {seed}"), weather)
        return draw_tiers(random.Random(f"tiers {seed}"), weather) if setting.tiers else weather

    def _topic(self, index: int) -> Topic:
        key, tagged = f"{PREFIX}{index}", self.chance(self.weather.tagged)
        self.origin.versions[key] = 1
        tags = (self.rng.choice(self.tags),) if tagged else ()
        written = self.chance(self.weather.written)
        if self.chance(self.weather.names):
            self.origin.namers.add(key)
        return Topic(key, tags, written, self.windows(), self.chance(self.weather.sessions))

    def windows(self) -> Windows:
        """How something is refreshed, if it is."""
        weather = self.weather
        if not self.chance(weather.stale):
            return CALM_WINDOWS
        return Windows(weather.revalidate, weather.error, weather.early, weather.soft)

    def now(self) -> float:
        return self.loop.time()

    def chance(self, of: float) -> bool:
        return self.rng.random() < of

    def ttl(self) -> float:
        """A time to live, for one call."""
        return self.weather.ttl * self.rng.uniform(0.5, 1.0)

    def options(self, windows: Windows, ttl: float) -> dict[str, Any]:
        """How a call says all that."""

        def lives(value: str) -> float:
            return ttl

        return {
            "ttl": lives if self.chance(0.3) else ttl,
            "when": self.origin.counts,
            **windows.options,
        }

    def functions(self, cache: Any) -> Functions:
        """The cached functions of one more process."""
        ttl = self.weather.ttl
        one = {
            topic.key: functions.one(
                cache,
                topic.key,
                topic.tags,
                session=topic.session,
                **self.options(topic.windows, ttl),
            )
            for topic in self.topics
        }
        return Functions(one, functions.many(cache, **self.options(self.many_windows, ttl)))

    def ask(self, process: Process, topic: Topic, tags: tuple[str, ...], **more: Any) -> Read:
        """A caller asks now; the answer is judged by what is acknowledged so far."""
        more["calm_since"] = process.link.calm_since
        return self.checker.ask(self.now(), process.name, topic.key, tags, **more)

    def loader(self, process: Process, topic: Topic, **more: Any) -> Loader:
        """What one caller brings along."""
        more.setdefault("ttl", self.weather.ttl)
        more.setdefault("windows", topic.windows)
        more |= {"asked": self.now(), "calm_since": process.link.calm_since}
        more["has_reached"] = partial(process.link.has_reached, since=self.now())
        return Loader(self.origin, process.name, topic.key, **more)

    def _begins(self, load: Load) -> None:
        if wrong := self.attempts.judge(load) or self._needless(load):
            self._wrong_load(load, wrong)

    def _needless(self, load: Load) -> str | None:
        """What is fresh, and was within reach since it was asked for, is not loaded.

        It may hang on its key and on what users name, and on nothing else.
        """
        key = value_key(NAMESPACE, load.key)
        entry = self.shore.entry(key)
        if entry is None or load.alone or self.weather.early:
            return None
        fresh = self.now() + 2 * self.weather.skew < entry.fresh_until
        named = [tag for tag in entry.tags if tag.startswith(f"t:{NAMESPACE}:")]
        reached = fresh and load.has_reached((key, *named))
        if not (reached and self._there(load.key, load.tags, load.asked)):
            return None
        return "began, though there is a value at a home that is well"

    def _wrong_load(self, load: Load, what: str) -> None:
        what = f"{load.process}: {load.key}: load /{load.number} {what}"
        self.checker.report(self.now(), what, load.key, load.tags)

    def _there(self, key: str, tags: tuple[str, ...], since: float) -> bool:
        entry = self.shore.entry(value_key(NAMESPACE, key))
        if entry is None or entry.kind is not Kind.VALUE:
            return False
        usable = max(entry.stale_while_revalidate, entry.stale_if_error)
        stays = self.now() < entry.fresh_until + usable - 2 * self.weather.skew
        before = self.shore.since(value_key(NAMESPACE, key)) < since
        covers = all(_tag(tag) in entry.tags for tag in tags if self._is_here(tag, key))
        return stays and before and covers and self._holds(entry.tags)

    def _is_here(self, tag: str, key: str) -> bool:
        """Whether what is under `key` may carry `tag`, which may be the record of another home."""
        nodes, home = self.shore.nodes, home_in(tag)
        return nodes is None or not home or nodes.of(value_key(NAMESPACE, key)).name == home

    def _holds(self, tags: Mapping[str, int]) -> bool:
        records = {tag: self.shore.entry(tag) for tag in tags}
        return all(record and record.version == tags[tag] for tag, record in records.items())

    def wrong(self, what: str) -> None:
        """Something that concerns no one key is wrong."""
        self.checker.report(self.now(), what)

    def _wrong_store(self, key: str, what: str) -> None:
        self.checker.report(self.now(), what, short(key))

    def _is_private(self, payload: bytes) -> bool:
        return self.origin.is_private(Value.parse(payload.decode()))

    def change(self, process: Process, topic: Topic) -> int:
        """Commit a new version of a topic to the origin."""
        return self.origin.commit(self.now(), process.name, topic.key)

    def records(self, function: str) -> tuple[str, ...]:
        """The tags, as the store has them, of all that this function has stored, at each home."""
        nodes = self.shore.nodes
        homes = [""] if nodes is None else [node.name for node in nodes.all()]
        return tuple(record_key(NAMESPACE, f"fn:{function}", home) for home in homes)

    async def link(self, name: str) -> Link:
        """A connection of a process of that name, with a date of its own."""
        backend = await self.shore.connect()
        skew = self.rng.uniform(-1, 1) * self.weather.skew
        clock = VirtualClock(self.loop, skew)
        make = Link if self.shore.nodes is None else HomesLink
        return make(name, self.shore, backend, clock, self.weather, self.rng, self.history)


def _tag(tag: str) -> str:
    """A tag as the store has it, or the record of a function."""
    return tag if ":" in tag else tag_key(NAMESPACE, tag)
