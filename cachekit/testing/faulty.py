"""A backend that fails as told, or by chance, around one that does not."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from random import Random
from typing import Any, Final, Literal, TypeAlias, TypeVar

from cachekit.backend import (
    DONE,
    FORGET_PREFIX,
    LOCAL,
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

T = TypeVar("T")
Operation: TypeAlias = Literal["read", "write"]


class Fault(Enum):
    """What becomes of one operation: whether it is executed, and what its caller is told.

    - `NONE`: it is executed and answered.
    - `LOST`: it is not executed, and raises. `MUTE`: it is executed, and raises.
    - `LATE`: it raises; a write is executed all the same, `late` seconds after.
    - `UNREACHED`: it is not executed, and each key is answered as not reached. `SILENT`: it is
      executed, and answered like that. `PARTLY`: it is executed, and only its first key is
      answered.
    - `TORN`: of what is read or written half of the payload is lost. `GONE`: nothing is found;
      what is written is acknowledged and lost at once, as by an eviction.
    """

    NONE = "none"
    LOST = "lost"
    MUTE = "mute"
    LATE = "late"
    UNREACHED = "unreached"
    SILENT = "silent"
    PARTLY = "partly"
    TORN = "torn"
    GONE = "gone"


_NOT_EXECUTED: Final = (Fault.LOST, Fault.LATE, Fault.UNREACHED)
_RAISING: Final = (Fault.LOST, Fault.LATE, Fault.MUTE)
_UNANSWERED: Final = (Fault.UNREACHED, Fault.SILENT)


class _Far:
    suspends = True


class FaultyBackend(Backend):
    """`inner`, behind a link on which operations fail.

    By hand: `fail(Fault.LOST)` decides about the next operation. By chance: `chances` maps faults
    to how probable each is, from 0 to 1, drawn from a generator seeded with `seed`; what was
    decided by hand goes first. Forgetting by prefix counts as a write.

    Every operation takes up to `latency` seconds on its way to the store, and as much on its way
    back; a backend with latency suspends, whatever it wraps. `late` is when a late write is
    executed, in seconds. `sleep` is how time passes. Peeks have no link to fail on.
    """

    def __init__(
        self,
        inner: Backend,
        chances: Mapping[Fault, float] | None = None,
        *,
        seed: int = 0,
        latency: float = 0.0,
        late: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.inner = inner
        self.chances = dict(chances or {})
        self.latency = latency
        self.late = late
        self.struck = 0
        """How many operations had a fault."""
        self._random = Random(seed)
        self._sleep = sleep
        self._script: list[tuple[Operation | None, Fault]] = []
        self._late: set[asyncio.Task[None]] = set()

    @property
    def failing(self) -> bool:
        """Whether faults that were decided by hand are still to come."""
        return bool(self._script)

    def fail(self, *faults: Fault, only: Operation | None = None) -> None:
        """The next operations, or the next of those that `only` names, have these faults."""
        self._script.extend((only, fault) for fault in faults)

    def heal(self) -> None:
        """From now on nothing fails and nothing takes time; what is late still comes."""
        self._script.clear()
        self.chances.clear()
        self.latency = 0.0

    async def open(self) -> None:
        await self.inner.open()

    async def close(self) -> None:
        """Close what is wrapped; what is late by then never comes."""
        for task in self._late:
            task.cancel()
        if self._late:
            await asyncio.wait(self._late)
        await self.inner.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        able = self.inner.capability(wanted)
        own: dict[Capability[Any], object] = {FORGET_PREFIX: self}
        if self.latency:
            own[LOCAL] = _Far()
        return None if able is None else offer(wanted, own) or able

    async def read(self, keys: Sequence[str]) -> Found:
        fault = self._draw("read")
        unanswered: Found = {key: Unreached(ConnectionError("no answer")) for key in keys}
        if fault is Fault.LATE:
            fault = Fault.LOST
        found = await self._carry(fault, lambda: self.inner.read(keys), unanswered)
        if fault is Fault.PARTLY:
            return {**found, **{key: unanswered[key] for key in keys[1:]}}
        if fault is Fault.TORN:
            return {key: _torn(entry) for key, entry in found.items()}
        return {} if fault is Fault.GONE else found

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        fault = self._draw("write")
        if fault is Fault.TORN:
            writes = [write._replace(entry=_torn(write.entry)) for write in writes]
        unanswered: Sequence[Outcome] = [UNREACHED] * len(writes)
        outcomes = await self._carry(fault, lambda: self.inner.write(writes), unanswered)
        if fault is Fault.GONE:
            await self._lose(writes, outcomes)
        return [*outcomes[:1], *unanswered[1:]] if fault is Fault.PARTLY else outcomes

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        able = self.inner.capability(FORGET_PREFIX)
        assert able is not None
        return await self._carry(
            self._draw("write"), lambda: able.forget_prefix(prefixes), UNREACHED
        )

    def _draw(self, operation: Operation) -> Fault:
        fault = self._scripted(operation) or self._by_chance()
        self.struck += fault is not Fault.NONE
        return fault

    def _scripted(self, operation: Operation) -> Fault | None:
        for place, (only, fault) in enumerate(self._script):
            if only in (None, operation):
                del self._script[place]
                return fault
        return None

    def _by_chance(self) -> Fault:
        drawn = self._random.random() if self.chances else 1.0
        for fault, chance in self.chances.items():
            drawn -= chance
            if drawn < 0:
                return fault
        return Fault.NONE

    async def _carry(self, fault: Fault, work: Callable[[], Awaitable[T]], unanswered: T) -> T:
        await self._travel()
        if fault is Fault.LATE:
            self._postpone(work)
        answer = unanswered if fault in _NOT_EXECUTED else await work()
        await self._travel()
        if fault in _RAISING:
            raise ConnectionError(f"a fault on the way: {fault.value}")
        return unanswered if fault in _UNANSWERED else answer

    async def _travel(self) -> None:
        if self.latency:
            await self._sleep(self._random.uniform(0.0, self.latency))

    def _postpone(self, work: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.get_running_loop().create_task(self._execute(work))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _execute(self, work: Callable[[], Awaitable[object]]) -> None:
        await self._sleep(self.late)
        with suppress(Exception):
            await work()

    async def _lose(self, writes: Sequence[Write], outcomes: Sequence[Outcome]) -> None:
        written = [
            Write(write.key, None, write.entry.version)
            for write, outcome in zip(writes, outcomes, strict=True)
            if outcome is DONE and write.entry is not None
        ]
        await self.inner.write(written)


def _torn(found: T) -> T:
    """An entry with half of its payload, if it has any; else what it is."""
    if not isinstance(found, Entry) or not found.payload:
        return found
    torn = copy.copy(found)
    torn.payload = found.payload[: len(found.payload) // 2]
    return torn
