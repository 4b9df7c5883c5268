"""The way from one process to its backend: a `Backend` that delays, loses, tears and runs late."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Any, Final, TypeAlias, cast

from cachekit.backend import (
    DONE,
    FORGET_PREFIX,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.testing.simulation.history import EVERYWHERE, History, short
from cachekit.testing.simulation.loop import VirtualClock
from cachekit.testing.simulation.shore import Packed, Shore
from cachekit.testing.simulation.weather import Weather

TRAVEL: Final = 0.0008
"""Mean seconds of one way."""

LINGERS: Final = 12.0
"""Seconds after which a connection that never answered is known to be broken."""


UNANSWERED: Final = Unreached(ConnectionError("this node did not answer"))


@dataclass
class Trip:
    """What becomes of one request: when each item of its batch is executed, and its answer.

    An item without a moment is never executed; one in `missing` has no answer of its own. What is
    executed at one moment goes to the backend as one batch. `error` is what that raised.
    """

    size: int
    moments: list[float | None]
    answers: float
    fault: str = ""
    missing: frozenset[int] = frozenset()
    error: Exception | None = None

    def batches(self) -> dict[float, list[int]]:
        """The items that are executed, by their moment."""
        batches: dict[float, list[int]] = {}
        for index, moment in enumerate(self.moments):
            if moment is not None:
                batches.setdefault(moment, []).append(index)
        return batches


Work: TypeAlias = Callable[[list[int]], Coroutine[Any, Any, list[Any]]]
"""Executes some items of a batch; one result for each."""


class Link(Backend):
    """One process's connection. A `dead` one sends nothing.

    `down_until` is the end of an outage; until `good_until` nothing goes wrong at all.

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
        self.down_until = 0.0
        self.good_until = 0.0
        self.dead = False

    async def read(self, keys: Sequence[str]) -> Found:
        trip = self._plan(len(keys))
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
        trip = self._plan(len(writes))
        packed = [_pack(write) for write in writes]
        for write in packed:
            self._note(trip, write.key)
        if trip.fault == "lurks":
            for write in packed:
                self.shore.lurk(self.process, write, self.rng.choice([0.25, 0.3, 1.0]))
        outcomes = await self._travel(
            trip, lambda items: self._write(trip, [packed[i] for i in items])
        )
        return [UNREACHED if i in trip.missing else o for i, o in enumerate(outcomes)]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        trip = self._plan(len(prefixes))
        self._note(trip, EVERYWHERE)
        outcomes = await self._travel(
            trip, lambda items: self._forget(trip, [prefixes[i] for i in items])
        )
        return UNREACHED if trip.missing or UNREACHED in outcomes else DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        if cast("object", wanted) is not FORGET_PREFIX or self.backend.capability(wanted) is None:
            return None
        return cast("C", self)

    def calm_since(self, moment: float) -> bool:
        """Whether nothing has gone wrong since a second before that."""
        return self.troubled_at < moment - 1.0

    def _unpack(self, key: str, data: bytes | Unreached | None) -> Entry | Unreached | None:
        return unpack(key, data, self.clock) if isinstance(data, bytes) else data

    async def _write(self, trip: Trip, writes: Sequence[Packed]) -> list[Outcome]:
        outcomes = await self.shore.write(self.backend, self.process, writes)
        if trip.fault == "late":
            self.history.covered["late writes executed"] += outcomes.count(DONE)
        return outcomes

    async def _forget(self, trip: Trip, prefixes: Sequence[str]) -> list[Outcome]:
        outcome = await self.shore.forget_prefix(self.backend, self.process, prefixes)
        return [outcome] * len(prefixes)

    def _note(self, trip: Trip, key: str) -> None:
        if trip.fault:
            self.history.add(self._now(), self.process, f"sends ({trip.fault})", short(key))

    def _now(self) -> float:
        return self.clock.monotonic()

    def _plan(self, size: int) -> Trip:
        moments = self._moments(size)
        arrived = moments[-1] if moments else self._now()
        trip = Trip(size, [*moments], arrived + self.rng.expovariate(1 / TRAVEL))
        trip.fault = self._fault()
        if trip.fault:
            self.faults += 1
            self.troubled_at = self._now()
            _FAULTS[trip.fault](trip, self.rng)
        return trip

    def _moments(self, size: int) -> list[float]:
        at = self._now() + self.rng.expovariate(1 / TRAVEL)
        if self.rng.random() < self.weather.together:
            return [at] * size
        mean = 0.01 if self.rng.random() < self.weather.spread else TRAVEL
        later = (self.rng.expovariate(1 / mean) for _ in range(1, size))
        return list(accumulate(later, initial=at))

    def _fault(self) -> str:
        if self._now() < self.good_until:
            return ""
        if self._now() < self.down_until:
            return "lost"
        draw = self.rng.random()
        for kind in _FAULTS:
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
        if trip.fault in _RAISES:
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


def _pack(write: Write) -> Packed:
    entry = write.entry
    if entry is None:
        return Packed(write.key, None, None, write.expected, write.announce)
    data = pack(write.key, entry)
    return Packed(write.key, data, entry.keep, write.expected, write.announce)


def _refuse(trip: Trip, rng: random.Random) -> None:
    trip.moments = []


def _lose(trip: Trip, rng: random.Random) -> None:
    trip.moments = []
    trip.answers += LINGERS


def _leave_unanswered(trip: Trip, rng: random.Random) -> None:
    trip.answers += LINGERS


def _delay(trip: Trip, rng: random.Random) -> None:
    by = rng.choice([0.25, 0.3, 1.0]) + rng.expovariate(1 / 1.0)
    trip.moments = [moment and moment + by for moment in trip.moments]
    trip.answers += by


def _tear(trip: Trip, rng: random.Random) -> None:
    del trip.moments[rng.randint(0, len(trip.moments)) :]


def _miss(trip: Trip, rng: random.Random) -> None:
    # One of two nodes gives no answer in time; what it was sent may be done never, or late.
    trip.missing = frozenset(i for i in range(len(trip.moments)) if rng.random() < 0.5)
    for index in trip.missing:
        late = (trip.moments[index] or 0.0) + rng.expovariate(1 / 0.5)
        trip.moments[index] = rng.choice([None, late])


def _slow_down(trip: Trip, rng: random.Random) -> None:
    by = rng.uniform(0.0, 0.15)
    trip.moments = [moment and moment + by for moment in trip.moments]
    trip.answers += by + rng.uniform(0.0, 0.15)


_FAULTS: Final[Mapping[str, Callable[[Trip, random.Random], None]]] = {
    "refused": _refuse,
    "lost": _lose,
    "unanswered": _leave_unanswered,
    "late": _delay,
    "lurks": _lose,
    "torn": _tear,
    "partial": _miss,
    "slow": _slow_down,
}
_RAISES: Final = frozenset({"refused", "lost", "unanswered", "lurks", "torn"})
