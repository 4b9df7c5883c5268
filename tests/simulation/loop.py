"""An event loop whose time is virtual: where others sleep, it jumps to the next timer."""

import asyncio
import gc
import random
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, TypeVar

T = TypeVar("T")

PROCESS: Final[ContextVar[str]] = ContextVar("PROCESS", default="world")
"""The simulated process that a task belongs to; tasks inherit it from who starts them."""

EPOCH: Final = 1_700_000_000.0


class DeadlockError(AssertionError):
    """Nothing is scheduled and the main task has not finished."""


class _Jump(selectors.SelectSelector):
    """Waits for nothing: moves the time on instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError("nothing is scheduled")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A deterministic loop in virtual seconds, which knows its tasks and whose they are.

    Tasks of a process for which `is_dead` answers true end as soon as they are started.
    """

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.tasks: dict[asyncio.Task[Any], str] = {}
        self.is_dead: Callable[[str], bool] = lambda process: False
        self.set_task_factory(_start)

    def time(self) -> float:
        return self._jump.now

    def of(self, process: str) -> list[asyncio.Task[Any]]:
        """The unfinished tasks of a process, oldest first."""
        return [task for task, owner in self.tasks.items() if owner == process]


def _start(
    loop: asyncio.AbstractEventLoop,
    work: Any,
    context: Context | None = None,
) -> "asyncio.Task[Any]":
    assert isinstance(loop, VirtualLoop)
    context = copy_context() if context is None else context
    task = asyncio.Task(work, loop=loop, context=context)
    process = context.get(PROCESS, "world")
    loop.tasks[task] = process
    task.add_done_callback(loop.tasks.__delitem__)
    if loop.is_dead(process):
        task.cancel()
    return task


class VirtualClock:
    """`cachekit.clock.Clock` on virtual time; `skew`: seconds by which the host's date is wrong."""

    def __init__(self, loop: VirtualLoop, skew: float = 0.0) -> None:
        self.monotonic = loop.time
        self._skew = skew

    def time(self) -> float:
        return EPOCH + self.monotonic() + self._skew


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], seed: int) -> T:
    """Run `main(loop)` to its end; the module `random` is seeded for it, then put back."""
    with _seeded(seed), _collected():
        loop = VirtualLoop()
        try:
            return loop.run_until_complete(main(loop))
        except DeadlockError as error:
            raise DeadlockError(f"{error}\n{waiting(loop)}") from None
        finally:
            _end(loop)


def waiting(loop: VirtualLoop) -> str:
    """What each unfinished task waits for, a line each."""
    return "\n".join(f"  {process}: {where(task)}" for task, process in loop.tasks.items())


def where(task: "asyncio.Task[Any]") -> str:
    """The chain of awaits that a task is in: `get_or_set:41 > lead:17 > sleep:605`."""
    return " > ".join(_awaits(task.get_coro()))


def _awaits(work: Any) -> Iterator[str]:
    while work is not None:
        frame = getattr(work, "cr_frame", None)
        if frame is not None:
            yield f"{work.__qualname__}:{frame.f_lineno}"
        work = getattr(work, "cr_await", None)


def _end(loop: VirtualLoop) -> None:
    for _ in range(3):  # what is cancelled may start something to tidy up
        for task in list(loop.tasks):
            task.cancel()
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.close()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def _collected() -> Iterator[None]:
    # When the collector runs is no part of a seed: what it closes may start something.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        if was_on:
            gc.enable()
