"""A backend that fails as told, around one that does not."""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, TypeVar, cast

from cachekit.backend import (
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

T = TypeVar("T")


class Fault(Enum):
    """What becomes of one operation."""

    NONE = "none"
    LOST = "lost"  # not executed
    MUTE = "mute"  # executed, but no answer
    TORN = "torn"  # executed, with an answer for the first key only


class Faulty(Backend):
    """`inner`, whose next operations have the faults in `script`; `struck` is set by each."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.script: list[Fault] = []
        self.struck = False

    async def open(self) -> None:
        await self.inner.open()

    async def close(self) -> None:
        await self.inner.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        able = self.inner.capability(wanted)
        mine = cast("Any", wanted) is FORGET_PREFIX and able is not None
        return cast("C", self) if mine else able

    async def read(self, keys: Sequence[str]) -> Found:
        fault, found = await self._do(lambda: self.inner.read(keys))
        return {**found, **dict.fromkeys(keys[1:], Unreached())} if fault is Fault.TORN else found

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        fault, outcomes = await self._do(lambda: self.inner.write(writes))
        if fault is Fault.TORN:
            return [*outcomes[:1], *[UNREACHED] * (len(outcomes) - 1)]
        return outcomes

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        able = self.inner.capability(FORGET_PREFIX)
        assert able is not None
        return (await self._do(lambda: able.forget_prefix(prefixes)))[1]

    async def _do(self, work: Callable[[], Awaitable[T]]) -> tuple[Fault, T]:
        fault = self.script.pop(0) if self.script else Fault.NONE
        self.struck |= fault is not Fault.NONE
        if fault is Fault.LOST:
            raise ConnectionError("lost before it was executed")
        answer = await work()
        if fault is Fault.MUTE:
            raise ConnectionError("lost on the way back")
        return fault, answer
