"""The Cache's side of its backend: opens it, reaches it from any loop or thread, never raises."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from cachekit.backend import (
    FORGET_PREFIX,
    PEEK,
    UNREACHED,
    Backend,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.batch import ReadBatches
from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.errors import CacheClosedError, ConfigurationError, UnsupportedError
from cachekit.guard import Guard
from cachekit.health import Health
from cachekit.home import HOMES, OPENING, Home
from cachekit.runtime import (
    LoopHeldError,
    Repeating,
    Ways,
    afresh_after_fork,
    check_waits,
    drive,
    running_loop,
)
from cachekit.stats import Counters

T = TypeVar("T")
log: Final = logging.getLogger("cachekit")

MISTAKES: Final = (CacheClosedError, ConfigurationError, UnsupportedError)
"""Errors of who uses the cache, not of a backend that fails: they are raised, not lived with."""


_NO_ANSWER: Final = ConnectionError("no answer")


_ROUNDS: Final = 500


def _tell(task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("%s", error)


def _of_size(outcomes: Sequence[Outcome], size: int) -> Sequence[Outcome]:
    if len(outcomes) != size:
        raise ValueError(f"the backend gave {len(outcomes)} outcomes for {size} writes")
    return outcomes


def _nothing(key: str) -> Entry | None:
    return None


class Store:
    """Reads and writes for one Cache. A backend that fails or hangs gives `Unreached`.

    `deadline` is how many seconds an operation of a backend that does I/O may take.
    """

    def __init__(
        self, find: Callable[[], Backend], deadline: float, clock: Clock, counters: Counters
    ) -> None:
        self.peek: Callable[[str], Entry | None] = _nothing
        self.closed = False
        self.deadline = deadline
        self._find = find
        self._count = counters
        self._health = Health(clock)
        self._held_up: LoopHeldError | None = None
        self.after_fork()
        afresh_after_fork(self)

    def _forget(self) -> None:
        self.peek = _nothing
        self.home: Home | None = None
        self._entered: Home | None = None

    def after_fork(self) -> None:
        """R12: nothing of the parent's loops, threads and connections works in the child."""
        self._guard: Guard | None = None
        self._batches: ReadBatches | None = None
        self._entering = threading.RLock()
        self._later: set[asyncio.Task[Any]] = set()
        self._finishing: set[asyncio.Task[Any]] = set()
        self._forget()

    @property
    def failure(self) -> BaseException | None:
        """Why the backend does not answer, if so."""
        return self._health.failure or self._held_up

    @property
    def inline(self) -> bool:
        """Whether the backend never suspends, once that is known."""
        return self.home is not None and self.home.inline

    async def open(self, ways: Ways, timeout: float | None = None) -> Home:
        """The open backend's home. Raises if it does not open, or not within the deadline."""
        self._check_open()
        home = self.home
        if home is None or home.gone:
            home = self._enter()
            await home.open(ways, timeout or self.deadline)
            self._move_in(home)
            self._check_open()  # it may have been closed meanwhile
        return home

    def _check_open(self) -> None:
        if self.closed:
            raise CacheClosedError(
                "this cache was closed; open it again with `await cache.open()` or `async with`"
            )

    def _enter(self) -> Home:
        with self._entering:
            if self._entered is None or self._entered.gone:
                self._entered = HOMES.enter(self._find(), self)
            return self._entered

    def _move_in(self, home: Home) -> None:
        with self._entering:
            if self.home is home or self._entered is not home:
                return
            self._guard = None if home.local else Guard(home.backend, self.deadline)
            self._batches = ReadBatches(self._guard or home.backend)
            self.home = home
            peek = home.backend.capability(PEEK)
            self.peek = _nothing if peek is None else peek.peek

    async def close(self, ways: Ways) -> None:
        """Wait for what is under way; the last cache of a backend closes it."""
        self.closed = True
        with self._entering:
            home, guard = self._entered, self._guard
            self._forget()
        if home is None:
            return
        try:
            if not home.inline and not home.gone:
                await home.do(ways, lambda: self._drain(guard), OPENING)
        finally:
            await self._last_out(home, ways)

    async def _last_out(self, home: Home, ways: Ways) -> None:
        if not HOMES.leave(home, self):
            return
        try:
            if not home.gone:
                await home.do(ways, home.close, OPENING + 1.0)
        finally:
            if home.thread:
                home.thread.stop()

    async def _drain(self, guard: Guard | None) -> None:
        loop = running_loop()
        later = [task for task in self._later if task.get_loop() is loop]
        if later:
            await asyncio.wait(later, timeout=self.deadline)
        if guard is not None:
            await guard.close()

    def check_waits(self, ways: Ways) -> None:
        """A `LoopHeldError` where a blocking caller may not wait for this backend."""
        if self._entered is not None and not self._entered.inline:
            check_waits(ways)

    async def read(self, keys: Sequence[str], ways: Ways) -> dict[str, Entry | Unreached]:
        """What is under `keys`; each is `Unreached` if the backend failed."""
        found: dict[str, Entry | Unreached] = {}
        try:
            home = await self.open(ways)
            if home.inline:
                return dict(await home.backend.read(keys))
            found.update(await home.do(ways, lambda: self._batched(keys), self._patience))
        except MISTAKES:
            raise
        except LoopHeldError as error:
            self._warn(error)
            return dict.fromkeys(keys, Unreached(error))
        except Exception as error:
            found.update(dict.fromkeys(keys, Unreached(error)))
        unreached = next((e for e in found.values() if isinstance(e, Unreached)), None)
        if unreached is not None:
            self._check_open()  # closing ends what is under way
        self._count.unreached += unreached is not None
        self._health.note("reads", None if unreached is None else unreached.cause or _NO_ANSWER)
        return found

    async def ready(self, ways: Ways) -> bool:
        """Whether the backend is open, so that what it is like is known."""
        try:
            await self.open(ways)
        except MISTAKES:
            raise
        except Exception as error:
            self._health.note("writes", error)
            return False
        return True

    async def write(self, writes: Sequence[Write], ways: Ways) -> Sequence[Outcome]:
        """One outcome for each write; all `UNREACHED` if the backend failed."""
        return await self._send(lambda home: self._writing(home, writes), len(writes), ways)

    async def forget_prefix(self, prefixes: Sequence[str], ways: Ways) -> Outcome:
        """Delete by prefix; raises `UnsupportedError` if the backend cannot."""
        return (await self._send(lambda home: self._forgetting(home, prefixes), 1, ways))[0]

    async def finish(self, work: Coroutine[Any, Any, T], ways: Ways) -> T:
        """R10: what forgets goes on to its end, even if its caller is cancelled."""
        if self.inline or running_loop() is None or not ways.waits:
            return await work
        task = asyncio.get_running_loop().create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_tell)  # its caller is gone, and would not hear of it
            raise

    async def finished(self, ways: Ways) -> None:
        """Wait for what still has to finish, here and on other loops."""
        for _ in range(_ROUNDS):
            if not any(not task.get_loop().is_closed() for task in list(self._finishing)):
                return
            await ways.pause(OPENING / _ROUNDS)

    def later(self, writes: Sequence[Write]) -> None:
        """Writes that nobody waits for."""
        home = self.home
        if not writes or home is None or home.gone:
            return
        if home.inline or home.loop is None:
            drive(self._trying(home, writes))
        elif home.loop is running_loop():
            self._start(lambda: self._trying(home, writes))
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to write
                home.loop.call_soon_threadsafe(self._start, lambda: self._trying(home, writes))

    def every(
        self, period: float, work: Callable[[], Coroutine[Any, Any, bool]]
    ) -> Repeating | None:
        """Repeat `work` on the backend's loop until it returns False or the result is stopped.

        `None` on a backend that never suspends: there is nothing there to keep alive.
        """
        home = self.home
        if home is None or home.loop is None or home.gone:
            return None
        return Repeating(home.loop, period, work)

    @property
    def _patience(self) -> float:
        return 2 * self.deadline + 1.0

    async def _batched(self, keys: Sequence[str]) -> Found:
        assert self._batches is not None
        return await self._batches.read(keys)

    async def _writing(self, home: Home, writes: Sequence[Write]) -> Sequence[Outcome]:
        if home.inline or self._guard is None:
            return await home.backend.write(writes)
        return await self._guard.write(writes)

    async def _forgetting(self, home: Home, prefixes: Sequence[str]) -> Sequence[Outcome]:
        able = home.backend.capability(FORGET_PREFIX)
        if able is None:
            raise UnsupportedError(
                f"{type(home.backend).__name__} cannot forget by Prefix; use a Tag instead"
            )
        work = able.forget_prefix(prefixes)
        return [await (work if home.inline or self._guard is None else self._guard.within(work))]

    async def _send(
        self,
        work: Callable[[Home], Coroutine[Any, Any, Sequence[Outcome]]],
        size: int,
        ways: Ways,
    ) -> Sequence[Outcome]:
        failure: BaseException | None = None
        outcomes: Sequence[Outcome] = [UNREACHED] * size
        try:
            home = await self.open(ways)
            answer = await home.do(ways, lambda: work(home), self._patience)
            outcomes = _of_size(answer, size)
        except MISTAKES:
            raise
        except LoopHeldError as error:
            self._warn(error)
            return outcomes
        except Exception as error:
            self._check_open()
            failure = error
        if UNREACHED in outcomes:
            self._count.unreached += 1
            failure = failure or _NO_ANSWER
        self._health.note("writes", failure)
        return outcomes

    async def _trying(self, home: Home, writes: Sequence[Write]) -> None:
        try:
            await self._writing(home, writes)
        except Exception as error:
            self._health.note("writes", error)

    def _start(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        task = asyncio.get_running_loop().create_task(work())
        self._later.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._later.discard(task)
        self._finishing.discard(task)
        if not task.cancelled():
            task.exception()

    def _warn(self, error: LoopHeldError) -> None:
        if self._held_up is None:
            log.warning("a blocking call does without the backend: %s", error)
        self._held_up = error
