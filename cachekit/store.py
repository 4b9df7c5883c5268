"""The Cache's side of its backend: opens it, reaches it from any loop or thread, never raises."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from cachekit.backend import (
    FORGET_PREFIX,
    PEEK,
    ROOM,
    TIERS,
    UNREACHED,
    Backend,
    Found,
    Outcome,
    Room,
    Tiers,
    Unreached,
    Write,
)
from cachekit.batch import of_size, pieces
from cachekit.carrier import FORGETTING, NO_ANSWER, Carrier
from cachekit.clock import Clock
from cachekit.entry import Entry
from cachekit.errors import (
    BackendError,
    CacheClosedError,
    ConfigurationError,
    TooLargeError,
    UnsupportedError,
)
from cachekit.finishing import Finishing
from cachekit.guard import Guard
from cachekit.health import Health
from cachekit.home import HOMES, OPENING, Home
from cachekit.runtime import (
    ON_LOOP,
    LoopHeldError,
    Repeating,
    Ways,
    afresh_after_fork,
    check_waits,
    drive,
    running_loop,
)
from cachekit.sightings import Sightings
from cachekit.stats import Counters, NodeStats

T = TypeVar("T")
log: Final = logging.getLogger("cachekit")

MISTAKES: Final = (CacheClosedError, ConfigurationError, UnsupportedError)
"""Errors of who uses the cache, not of a backend that fails: they are raised, not lived with."""


def _nothing(key: str) -> Entry | None:
    return None


class Store:
    """Reads and writes for one Cache. A backend that fails or hangs gives `Unreached`.

    `deadline` is how many seconds an operation of a backend that does I/O may take. `raises`: what
    a caller reads and is not answered is an error.
    """

    def __init__(
        self,
        find: Callable[[], Backend],
        deadline: float,
        clock: Clock,
        counters: Counters,
        sightings: Sightings,
        *,
        raises: bool,
    ) -> None:
        self._raises = raises
        self.peek: Callable[[str], Entry | None] = _nothing
        self.closed = False
        self.deadline = deadline
        self._find = find
        self._count = counters
        self._sightings = sightings
        self._health = Health(clock.monotonic)
        self._finishing = Finishing()
        self._held_up: LoopHeldError | None = None
        self._skipped: BaseException | None = None
        self.after_fork()
        afresh_after_fork(self)

    def _forget(self) -> None:
        self.peeks = self.is_near = False
        self.peek = _nothing
        self.home: Home | None = None
        self._room: Room | None = None
        self._entered: Home | None = None

    def after_fork(self) -> None:
        """R12: nothing of the parent's loops, threads and connections works in the child."""
        self._carrier: Carrier | None = None
        self._entering = threading.RLock()
        self._later: set[asyncio.Future[Any]] = set()
        self._finishing.begin_afresh()
        self._guard: Guard | None = None
        self._forget()

    @property
    def failure(self) -> BaseException | None:
        """Why the backend does not answer, if so."""
        return self._health.failure or self._skipped or self._held_up

    @property
    def inline(self) -> bool:
        """Whether the backend never suspends, once that is known."""
        return self.home is not None and self.home.inline

    async def open(self, ways: Ways, timeout: float | None = None) -> Home:
        """The open backend's home. Raises if it does not open, or not within the deadline."""
        self.check_open()
        home = self.home
        if home is None or home.gone:
            home = self._enter()
            await home.open(ways, timeout or self.deadline)
            self._move_in(home)
            self.check_open()  # it may have been closed meanwhile
        return home

    def check_open(self) -> None:
        """Raises `CacheClosedError`: closing ends what is under way, which is no failure."""
        if self.closed:
            raise CacheClosedError(
                "this cache was closed; open it again with `await cache.open()` or `async with`"
            )

    def check_answered(self) -> None:
        """Something was not answered: raises if that is to be raised, or the cache was closed."""
        if self.closed:
            self.check_open()
        if self._raises:
            raise BackendError(f"the store did not answer: {self.failure}") from self.failure

    def _enter(self) -> Home:
        with self._entering:
            if self._entered is None or self._entered.gone:
                self._entered = HOMES.enter(self._find(), self, self.deadline)
                self._guard = self._entered.guard
            return self._entered

    def _move_in(self, home: Home) -> None:
        with self._entering:
            if self.home is home or self._entered is not home:
                return
            if home.loop is not None:
                gates = None if home.guard is None else home.guard.gates
                self._carrier = Carrier(home.inner, home.loop, self.deadline, gates, self)
            self.home = home
            self._room = home.backend.capability(ROOM)
            peek = home.backend.capability(PEEK)
            self.peeks = peek is not None
            self.is_near = self.peeks and home.backend.capability(TIERS) is None
            self.peek = _nothing if peek is None else peek.peek

    async def close(self, ways: Ways) -> None:
        """Wait for what is under way; the last cache of a backend closes it."""
        self.closed = True
        with self._entering:
            home, carrier = self._entered, self._carrier
            self._forget()
        if home is None:
            return
        try:
            if not home.inline and not home.gone:
                await home.do(ways, lambda: self._drain(carrier), OPENING)
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

    async def _drain(self, carrier: Carrier | None) -> None:
        loop = running_loop()
        later = [answer for answer in self._later if answer.get_loop() is loop]
        if later:
            await asyncio.wait(later, timeout=self.deadline)
        if carrier is not None:
            await carrier.close()

    def check_waits(self, ways: Ways) -> None:
        """A `LoopHeldError` where a blocking caller may not wait for this backend."""
        if self._entered is not None and not self._entered.inline:
            check_waits(ways)

    def skips(self, ways: Ways) -> bool:
        """Whether it would not be asked for anything now, known at once."""
        home, carrier = self.home, self._carrier
        if home is None or carrier is None or ways is not ON_LOOP:
            return False
        return home.loop is asyncio.get_running_loop() and carrier.skips()

    def read(self, keys: Sequence[str], ways: Ways) -> Awaitable[Found]:
        """What is under `keys`; each is `Unreached` if the backend failed.

        It may hold more, since what is asked for in one tick is answered together: look up `keys`.
        """
        home, carrier = self.home, self._carrier
        if home is None or carrier is None or ways is not ON_LOOP:
            return self._read(keys, ways)
        on_its_loop = home.loop is asyncio.get_running_loop()
        return carrier.read(keys) if on_its_loop else self._read(keys, ways)

    async def _read(self, keys: Sequence[str], ways: Ways) -> Found:
        try:
            home = await self.open(ways)
            if not home.inline:
                return await home.do(ways, lambda: self._road.read(keys), self._patience(1))
            found = await home.backend.read(keys)
        except MISTAKES:
            raise
        except Exception as error:
            self._failed("reads", error)
            return dict.fromkeys(keys, Unreached(error))
        self._sightings.note(found)
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
        try:
            home = await self.open(ways)
            if home.inline:
                outcomes = of_size(await home.backend.write(writes), len(writes))
                self.has_written(_failure_in(outcomes))
                return outcomes
            patience = self._patience(len(pieces(writes)))
            outcomes = await home.do(ways, lambda: self._road.write(writes), patience)
        except MISTAKES:
            raise
        except Exception as error:
            self._failed("writes", error)
            self.remember([write.key for write in writes if write.announce], ())
            return [UNREACHED] * len(writes)
        if UNREACHED in outcomes:
            self.check_open()
        return outcomes

    def check_room(self, entry: Entry) -> None:
        """Raises `TooLargeError` for what the backend does not take."""
        room, size = self._room, len(entry.payload or b"")
        if room is not None and size > room.most_bytes:
            raise TooLargeError(
                f"the value has {size:,} bytes as it is stored, and {type(room).__name__} takes "
                f"{room.most_bytes:,}: compress it, cache parts of it, or let the server have more"
            )

    async def forget_prefix(self, prefixes: Sequence[str], ways: Ways) -> Outcome:
        """Delete by prefix; raises `UnsupportedError` if the backend cannot."""
        try:
            home = await self.open(ways)
            outcome = await home.do(
                ways, lambda: self._forgetting(home, prefixes), FORGETTING + 1.0
            )
        except MISTAKES:
            raise
        except Exception as error:
            self._failed("writes", error)
            self.remember((), prefixes)
            return UNREACHED
        if home.inline:
            self.has_written(_failure_in([outcome]))
        return outcome

    async def _forgetting(self, home: Home, prefixes: Sequence[str]) -> Outcome:
        able = home.inner.capability(FORGET_PREFIX)  # what it raises is in the error, too
        if able is None:
            raise UnsupportedError(
                f"{type(home.given).__name__} cannot forget by Prefix; use a Tag instead"
            )
        if home.inline:
            return await able.forget_prefix(prefixes)
        return await self._road.forget_prefix(able, prefixes)

    def remember(self, keys: Sequence[str], prefixes: Sequence[str]) -> None:
        """What was to be forgotten may never have been sent."""
        home = self._entered
        if home is None or home.guard is None or home.loop is None:
            return
        gates = home.guard.gates
        if home.loop is running_loop():
            gates.remember(keys, prefixes)
            return
        if gates.copies is not None:
            gates.copies.fence(keys, prefixes)
        try:
            home.loop.call_soon_threadsafe(gates.remember, keys, prefixes)
        except RuntimeError:  # the loop is closed: the guard opens on another one
            gates.remember(keys, prefixes)

    async def finish(self, work: Coroutine[Any, Any, T], ways: Ways) -> T:
        """R10: what forgets goes on to its end, even if its caller is cancelled."""
        if self.inline or running_loop() is None or not ways.waits:
            return await work
        return await self._finishing.finish(work)

    async def finished(self, ways: Ways) -> None:
        """Wait for what still has to finish, here and on other loops."""
        await self._finishing.finished(ways)

    def later(self, writes: Sequence[Write]) -> None:
        """Writes that nobody waits for."""
        home = self.home
        if not writes or home is None or home.gone:
            return
        if home.inline or home.loop is None:
            drive(self._trying(home, writes))
        elif home.loop is running_loop():
            self._begin(writes)
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to write
                home.loop.call_soon_threadsafe(self._begin, writes)

    async def _trying(self, home: Home, writes: Sequence[Write]) -> None:
        try:
            await home.backend.write(writes)
        except Exception as error:
            self._health.note("writes", error)

    def _begin(self, writes: Sequence[Write]) -> None:
        answer = self._road.begin(writes)
        self._later.add(answer)
        answer.add_done_callback(self._later.discard)

    @property
    def nodes(self) -> tuple[NodeStats, ...]:
        """The figures of the backend's nodes."""
        home = self._entered
        return () if home is None or home.guard is None else home.guard.nodes()

    @property
    def tiers(self) -> Tiers | None:
        """What a backend of two tiers tells of itself."""
        home = self._entered
        return None if home is None else home.backend.capability(TIERS)

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

    def _patience(self, batches: int) -> float:
        """How long a caller elsewhere waits for what is done in so many turns."""
        return (batches + 1) * self.deadline + 1.0

    @property
    def _road(self) -> Carrier:
        assert self._carrier is not None
        return self._carrier

    def has_read(self, found: Found, error: BaseException | None) -> None:
        """Once for each batch, before anyone who waits for it goes on."""
        self._sightings.note(found)
        self._note("reads", error)

    def has_written(self, error: BaseException | None) -> None:
        self._note("writes", error)

    def has_skipped(self, why: BaseException | None) -> None:
        self._count.degraded += 1
        self._skipped = why

    def _note(self, what: str, error: BaseException | None) -> None:
        if self.closed:
            return  # which ends what is under way
        self._count.unreached += error is not None
        self._skipped = None
        self._health.note(what, error)

    def _failed(self, what: str, error: Exception) -> None:
        """There was no answer: the backend did not open, or where it lives has ended."""
        if isinstance(error, LoopHeldError):
            if self._held_up is None:
                log.warning("a blocking call does without the backend: %s", error)
            self._held_up = error
            return
        self.check_open()
        self._note(what, error)


def _failure_in(outcomes: Sequence[Outcome]) -> BaseException | None:
    return NO_ANSWER if UNREACHED in outcomes else None
