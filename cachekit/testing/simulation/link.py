"""The way from one process to its backend: a `Backend` that delays, loses, tears and runs late."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from math import inf
from typing import Any, Final, TypeAlias

from cachekit.backend import (
    DONE,
    FEED,
    FORGET_PREFIX,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.testing.simulation.feed import Passage, StreamFeed
from cachekit.testing.simulation.history import EVERYWHERE, History, short
from cachekit.testing.simulation.loop import VirtualClock
from cachekit.testing.simulation.nodes import Node
from cachekit.testing.simulation.shore import Packed, Shore
from cachekit.testing.simulation.stream import KEY, PREFIX, Stream
from cachekit.testing.simulation.trips import FAULTS, LINGERS, RAISES, TRAVEL, Trip
from cachekit.testing.simulation.weather import Weather

RECOVERY: Final = 2.5
"""Seconds after the last thing that went wrong on a link within which its store is asked again.

What is under way may take one until it is given up, the next attempt is made within another.
"""

PATIENCE: Final = 1.0
"""Seconds that each step of what takes long may take."""

UNANSWERED: Final = Unreached(ConnectionError("this node did not answer"))


Work: TypeAlias = Callable[[list[int]], Coroutine[Any, Any, list[Any]]]
"""Executes some items of a batch; one result for each."""


class Link(Backend):
    """One process's connection. A `dead` one sends nothing.

    `down_until` is the end of an outage; until `good_until` nothing goes wrong at all; until
    `deaf_until` no news come.

    What was sent is executed even if its sender has given up, or died.
    """

    def __init__(
        self,
        process: str,
        shore: Shore,
        backend: Backend,
        clock: VirtualClock,
        weather: Weather,
        rng: random.Random,
        history: History,
    ) -> None:
        self.process = process
        self.shore = shore
        self.backend = backend
        self.clock = clock
        self.weather = weather
        self.rng = rng
        self.history = history
        self.faults = 0
        self.troubled_at = -inf
        self.down_until = -inf
        self.good_until = 0.0
        self.deaf_until = 0.0
        self.dead = False

    async def read(self, keys: Sequence[str]) -> Found:
        return await self._read(keys)

    async def _read(self, keys: Sequence[str], node: Node | None = None) -> Found:
        trip = self._plan(len(keys), node)
        found = await self._travel(
            trip, lambda items: self.shore.read(self.backend, [keys[i] for i in items])
        )
        answer: dict[str, Entry | Unreached] = {}
        for index, key in enumerate(keys):
            entry = UNANSWERED if index in trip.missing else self._unpack(key, found[index])
            if entry is not None:
                answer[key] = entry
        return answer

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self._write(writes)

    async def _write(self, writes: Sequence[Write], node: Node | None = None) -> Sequence[Outcome]:
        trip, apart = self._plan(len(writes), node), self._tells_apart()
        packed = [_pack(write, tells=self.tiers and not apart) for write in writes]
        for write in packed:
            self._note(trip, write.key)
        if trip.fault == "lurks":
            for write in packed:
                self.shore.lurk(self.process, write, self.rng.choice([0.25, 0.3, 1.0]))
        outcomes = await self._travel(
            trip, lambda items: self._apply(trip, [packed[i] for i in items])
        )
        outcomes = [UNREACHED if i in trip.missing else o for i, o in enumerate(outcomes)]
        return await self._tell(writes, outcomes) if apart else outcomes

    async def _tell(
        self, writes: Sequence[Write], outcomes: Sequence[Outcome]
    ) -> Sequence[Outcome]:
        """Have the shore tell what was done, as where another node does that."""
        done = [i for i, write in enumerate(writes) if write.announce and outcomes[i] is DONE]
        told = set[int]()
        if done:
            self.history.covered["changes that were told apart"] += 1
            with suppress(ConnectionError):
                told = await self._have_told(KEY, {i: writes[i].key for i in done})
        return [UNREACHED if i in done and i not in told else o for i, o in enumerate(outcomes)]

    async def _have_told(self, kind: str, names: Mapping[int, str]) -> set[int]:
        trip, numbers = self._plan(len(names)), list(names)

        async def tell(items: list[int]) -> list[None]:
            for item in items:
                self.shore.stream.tell(kind, names[numbers[item]])
            return [None] * len(items)

        await self._travel(trip, tell)
        return {number for i, number in enumerate(numbers) if i not in trip.missing}

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        return await asyncio.wait_for(self._forget_prefix(prefixes), PATIENCE)

    async def _forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        trip, apart = self._plan(len(prefixes)), self._tells_apart()
        self._note(trip, EVERYWHERE)
        tells = self.tiers and not apart
        outcomes = await self._travel(
            trip, lambda items: self._forget([prefixes[i] for i in items], tells=tells)
        )
        if apart and not trip.missing:
            names = dict(enumerate(prefixes))
            apart = len(await self._have_told(PREFIX, names)) < len(names)
        return UNREACHED if trip.missing or apart or UNREACHED in outcomes else DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {}
        if self.backend.capability(FORGET_PREFIX) is not None:
            having[FORGET_PREFIX] = self
        if self.tiers and self.weather.feeds:
            having[FEED] = StreamFeed(self)
        return offer(wanted, having)

    @property
    def tiers(self) -> bool:
        """Whether there are copies in front of it, to which changes are told."""
        return self.shore.setting.tiers

    @property
    def stream(self) -> Stream:
        return self.shore.stream

    @property
    def count(self) -> int:
        return self.weather.count

    def passage(self, wait: float) -> Passage:
        """The way of a question for news, which has a connection of its own."""
        now, draw, weather = self._now(), self.rng.random(), self.weather
        there, back = (self.rng.expovariate(1 / TRAVEL) for _ in range(2))
        broken = now + wait + self.rng.choice([0.1, 1.0, LINGERS])
        if self.dead or now < self.down_until or now < self.deaf_until or draw < weather.news_lost:
            return Passage(None, back, broken)
        if draw < weather.news_lost + weather.news_late:
            late = weather.max_staleness * self.rng.choice([0.2, 1.0])
            there += self.rng.expovariate(1 / (0.2 * late))
            back += self.rng.expovariate(1 / late)
            self.history.covered["late news"] += 1
        return Passage(now + there, back, broken)

    def has_reached(self, keys: Sequence[str], since: float) -> bool:
        """Whether nothing has kept it from what is under `keys`; False where that is not known."""
        return False

    def calm_since(self, moment: float) -> bool:
        """Whether nothing has gone wrong since so long before that, that all is as ever again."""
        return max(self.troubled_at, self.down_until) < moment - RECOVERY

    def _unpack(self, key: str, data: bytes | Unreached | None) -> Entry | Unreached | None:
        return unpack(key, data, self.clock) if isinstance(data, bytes) else data

    async def _apply(self, trip: Trip, writes: Sequence[Packed]) -> list[Outcome]:
        outcomes = await self.shore.write(self.backend, self.process, writes)
        if trip.fault == "late":
            self.history.covered["late writes executed"] += outcomes.count(DONE)
        return outcomes

    async def _forget(self, prefixes: Sequence[str], *, tells: bool) -> list[Outcome]:
        outcome = await self.shore.forget_prefix(self.backend, self.process, prefixes, tells=tells)
        return [outcome] * len(prefixes)

    def _tells_apart(self) -> bool:
        return self.tiers and self.rng.random() < self.weather.apart

    def _note(self, trip: Trip, key: str) -> None:
        if trip.fault:
            self.history.add(self._now(), self.process, f"sends ({trip.fault})", short(key))

    def _now(self) -> float:
        return self.clock.monotonic()

    def _plan(self, size: int, node: Node | None = None) -> Trip:
        moments = self._moments(size)
        arrived = moments[-1] if moments else self._now()
        trip = Trip(size, [*moments], arrived + self.rng.expovariate(1 / TRAVEL))
        trip.fault = self._fault(node)
        if trip.fault:
            self.faults += 1
            self.troubled_at = self._now()
            FAULTS[trip.fault](trip, self.rng)
        return trip

    def _moments(self, size: int) -> list[float]:
        at = self._now() + self.rng.expovariate(1 / TRAVEL)
        if self.rng.random() < self.weather.together:
            return [at] * size
        mean = 0.01 if self.rng.random() < self.weather.spread else TRAVEL
        later = (self.rng.expovariate(1 / mean) for _ in range(1, size))
        return list(accumulate(later, initial=at))

    def _fault(self, node: Node | None) -> str:
        """What becomes of a request, to one node where there are several."""
        if self._now() < self.good_until:
            return ""
        if self._now() < self.down_until:
            return "lost"
        draw = self.rng.random()
        for kind in FAULTS:
            draw -= getattr(self.weather, kind)
            if draw < 0:
                return kind
        return ""

    async def _travel(self, trip: Trip, work: Work) -> list[Any]:
        if self.dead:
            raise ConnectionError("this process is dead")
        loop = asyncio.get_running_loop()
        results: list[Any] = [None] * trip.size
        for moment, items in trip.batches().items():
            # By the world, not by a task of the process: that one may be gone by then.
            loop.call_at(moment, self._begin, trip, items, work, results)
        answer: asyncio.Future[None] = loop.create_future()
        loop.call_at(trip.answers, _settle, answer)
        await answer
        if trip.fault in RAISES:
            raise ConnectionError(trip.fault)
        if trip.error is not None:
            raise trip.error
        return results

    def _begin(self, trip: Trip, items: list[int], work: Work, results: list[Any]) -> None:
        self.shore.begin(self.backend, _execute(trip, items, work, results))


async def _execute(trip: Trip, items: list[int], work: Work, results: list[Any]) -> None:
    try:
        for index, result in zip(items, await work(items), strict=True):
            results[index] = result
    except Exception as error:
        trip.error = error


def _settle(answer: "asyncio.Future[None]") -> None:
    if not answer.done():
        answer.set_result(None)


def _pack(write: Write, *, tells: bool) -> Packed:
    entry, announce = write.entry, write.announce
    data = None if entry is None else pack(write.key, entry)
    keep = None if entry is None else entry.keep
    return Packed(write.key, data, keep, write.expected, announce, tells and announce)
