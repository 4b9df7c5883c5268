"""An event loop whose time is virtual: where others sleep, it jumps to the next timer.

While an operation of a real backend is under way virtual time stands still, and the timers that
the backend itself sets are in real seconds.
"""

import asyncio
import gc
import os
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar, TypeVarTuple

from cachekit import policy

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PROCESS: Final[ContextVar[str]] = ContextVar("PROCESS", default="world")
"""The simulated process that a task belongs to; tasks inherit it from who starts them."""

BACKEND: Final = "backend"
"""Whose tasks those are that a real backend starts, whichever process uses it."""

HANGS: Final = 60.0
"""Real seconds after which an operation of a real backend is taken to hang."""

EPOCH: Final = 1_700_000_000.0


class DeadlockError(AssertionError):
    """Nothing is scheduled and the main task has not finished."""


class _Timer(NamedTuple):
    """A timer that a real backend has set, due at a real time."""

    due: float
    handle: asyncio.TimerHandle
    fire: Callable[[], object]


class _Jump(selectors.SelectSelector):
    """Moves the time on instead of waiting, unless something is really `under_way`."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.under_way = 0
        self.timers: list[_Timer] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.under_way:
            return self._wait(0.0 if timeout is not None and timeout <= 0.0 else HANGS)
        if timeout is None:
            raise DeadlockError("nothing is scheduled")
        self.now += max(0.0, timeout)
        return []

    def _wait(self, longest: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for a socket, a thread or a timer of the backend."""
        left = min([longest, *(timer.due - time.monotonic() for timer in self.timers)])
        events = super().select(max(0.0, left))
        if not (self._fire() or events) and longest == HANGS:
            raise DeadlockError(f"an operation of the backend did not end within {HANGS} s")
        return events

    def _fire(self) -> bool:
        now = time.monotonic()
        due = [timer for timer in self.timers if timer.due <= now]
        self.timers = [timer for timer in self.timers if timer.due > now]
        for timer in due:
            if not timer.handle.cancelled():
                timer.fire()
        return bool(due)


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

    def really(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Do `work` of a real backend; virtual time stands still until it has ended."""
        context = copy_context()
        context.run(PROCESS.set, BACKEND)
        self._jump.under_way += 1
        task = self.create_task(work, context=context)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._jump.under_way -= 1

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """A timer in virtual seconds; in real ones if a real backend sets it."""
        if (PROCESS.get() if context is None else context.get(PROCESS)) != BACKEND:
            return super().call_at(when, callback, *args, context=context)
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        fire = partial(self.call_soon, callback, *args, context=context or copy_context())
        due = time.monotonic() + when - self.time()
        self._jump.timers.append(_Timer(due, handle, fire))
        return handle


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
    """Run `main(loop)` to its end; `random` and `os.urandom` are seeded for it, then put back."""
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
    loop.run_until_complete(loop.really(loop.shutdown_default_executor()))
    loop.close()


@contextmanager
def _seeded(seed: int) -> Generator[None]:
    """All dice are the seed's: also what versions are made of, and what is early for a process."""
    state, entropy, salt = random.getstate(), os.urandom, getattr(policy, _SALT)
    random.seed(seed)
    os.urandom = random.Random(seed).randbytes
    setattr(policy, _SALT, seed ^ os.getpid())
    try:
        yield
    finally:
        random.setstate(state)
        os.urandom = entropy
        setattr(policy, _SALT, salt)


_SALT: Final = "_SALT"


@contextmanager
def _collected() -> Generator[None]:
    # When the collector runs is no part of a seed: what it closes may start something.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        if was_on:
            gc.enable()
