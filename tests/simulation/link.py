"""The way from one process to the store: a `Backend` that delays, loses, tears and runs late."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

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
from cachekit.errors import UnreadableError
from tests.simulation.history import EVERYWHERE, History, short
from tests.simulation.loop import VirtualClock
from tests.simulation.store import Packed, Store
from tests.simulation.weather import Weather

TRAVEL: Final = 0.0008
"""Mean seconds of one way."""

LINGERS: Final = 12.0
"""Seconds after which a connection that never answered is known to be broken."""


UNANSWERED: Final = Unreached(ConnectionError("this node did not answer"))


@dataclass
class Trip:
    """What becomes of one request: when each item of its batch is executed, and its answer.

    An item without a moment is never executed; one in `missing` has no answer of its own.
    """

    moments: list[float | None]
    answers: float
    fault: str = ""
    missing: frozenset[int] = frozenset()


class Link(Backend):
    """One process's connection. A `dead` one sends nothing.

    `down_until` is the end of an outage; until `good_until` nothing goes wrong at all.

    What was sent is executed even if its sender has given up, or died.
    """

    def __init__(
        self,
        process: str,
        store: Store,
        clock: VirtualClock,
        weather: Weather,
        rng: random.Random,
        history: History,
    ) -> None:
        self.process = process
        self.store = store
        self.clock = clock
        self.weather = weather
        self.rng = rng
        self.history = history
        self.faults = 0
        self.down_until = 0.0
        self.good_until = 0.0
        self.dead = False

    async def read(self, keys: Sequence[str]) -> Found:
        trip = self._plan(len(keys))
        found = await self._travel(trip, [partial(self.store.read, key) for key in keys])
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
                self.store.lurk(self.process, write, self.rng.choice([0.25, 0.3, 1.0]))
        outcomes = await self._travel(trip, [partial(self._write, trip, write) for write in packed])
        return [UNREACHED if i in trip.missing else o for i, o in enumerate(outcomes)]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        trip = self._plan(len(prefixes))
        self._note(trip, EVERYWHERE)
        forget = self.store.forget_prefix
        await self._travel(trip, [partial(forget, self.process, prefix) for prefix in prefixes])
        return UNREACHED if trip.missing else DONE

    def capability(self, wanted: Capability[C]) -> C | None:
        return cast("C", self) if cast("object", wanted) is FORGET_PREFIX else None

    def _unpack(self, key: str, data: bytes | None) -> Entry | None:
        try:
            return None if data is None else unpack(key, data, self.clock)
        except UnreadableError:
            return None

    def _write(self, trip: Trip, write: Packed) -> Outcome:
        outcome = self.store.write(self.process, write)
        if trip.fault == "late" and outcome is DONE:
            self.history.covered["late writes executed"] += 1
        return outcome

    def _note(self, trip: Trip, key: str) -> None:
        if trip.fault:
            self.history.add(self._now(), self.process, f"sends ({trip.fault})", short(key))

    def _now(self) -> float:
        return self.clock.monotonic()

    def _plan(self, size: int) -> Trip:
        spread = 0.01 if self.rng.random() < self.weather.spread else 0.0
        at = self._now()
        moments: list[float | None] = []
        for _ in range(size):
            at += self.rng.expovariate(1 / (spread if moments and spread else TRAVEL))
            moments.append(at)
        trip = Trip(moments, at + self.rng.expovariate(1 / TRAVEL))
        trip.fault = self._fault()
        if trip.fault:
            self.faults += 1
            _FAULTS[trip.fault](trip, self.rng)
        return trip

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

    async def _travel(self, trip: Trip, work: Sequence[Callable[[], Any]]) -> list[Any]:
        if self.dead:
            raise ConnectionError("this process is dead")
        loop = asyncio.get_running_loop()
        results: list[Any] = [None] * len(work)
        for index, moment in enumerate(trip.moments):
            if moment is not None:
                # By the world, not by a task of the process: that one may be gone by then.
                loop.call_at(moment, _execute, results, index, work[index])
        answer: asyncio.Future[None] = loop.create_future()
        loop.call_at(trip.answers, _settle, answer)
        await answer
        if trip.fault in _RAISES:
            raise ConnectionError(trip.fault)
        return results


def _execute(results: list[Any], index: int, work: Callable[[], Any]) -> None:
    results[index] = work()


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
