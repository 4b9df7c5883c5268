"""Where an opened backend lives, and which caches share it."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from cachekit.backend import LOCAL, Backend
from cachekit.guard import Guard
from cachekit.runtime import (
    LoopThread,
    Ways,
    afresh_after_fork,
    check_waits,
    drive,
    running_loop,
    submit,
)

T = TypeVar("T")

OPENING: Final = 5.0
"""Seconds a backend may take to open or to close."""


class Home:
    """Where a backend lives: the loop that opened it, and how many caches use it there.

    One that does not say that it is local has a guard.
    """

    def __init__(self, backend: Backend, guard: Guard | None) -> None:
        local = backend.capability(LOCAL)
        self.given = backend
        self.guard = guard
        self.backend = backend if guard is None else guard
        self.inner = backend if guard is None else guard.backend
        self.inline = local is not None and not local.suspends
        running = None if self.inline else running_loop()
        self.thread = None if self.inline or running else LoopThread()
        self.loop = self.thread.loop if self.thread else running
        self.users: weakref.WeakSet[object] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._opened: Future[BaseException | None] | None = None
        self._opening: object = None
        self._left = False

    @property
    def gone(self) -> bool:
        return not self.inline and (self.loop is None or self.loop.is_closed())

    @property
    def _is_open(self) -> bool:
        opened = self._opened
        return opened is not None and opened.done() and opened.result() is None

    async def do(self, ways: Ways, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        """Work on the backend where that may be done."""
        if self.inline or self.loop is None:
            return await work()
        return await ways.on(self.loop, work, timeout)

    async def open(self, ways: Ways, timeout: float) -> None:
        """Wait until the backend is open. The first to come starts it; it goes on without them.

        Raises what it raised (then the next call tries again), `TimeoutError` after `timeout`
        seconds.
        """
        if not self.inline:
            check_waits(ways)
        opened = self._opened or self._start()
        if not await ways.wait(opened, timeout):
            raise TimeoutError("the backend is not open yet")
        error = opened.result()
        if isinstance(error, Exception):
            raise error
        if error is not None:  # its loop is ending, which is not this caller's
            raise ConnectionError(f"the backend did not open: {error!r}")

    def _start(self) -> "Future[BaseException | None]":
        with self._lock:
            if self._opened is not None:
                return self._opened
            opened = self._opened = Future()
            opened.set_running_or_notify_cancel()
        if self.inline or self.loop is None:
            drive(self._open(opened))
        elif running_loop() is self.loop:
            self._opening = self.loop.create_task(self._open(opened))
        else:
            self._opening = submit(self.loop, lambda: self._open(opened))
        return opened

    async def _open(self, opened: "Future[BaseException | None]") -> None:
        error: BaseException | None = None
        try:
            if self.inline:
                await self.backend.open()
            else:
                await asyncio.wait_for(self.backend.open(), OPENING)
                if self._left:
                    await self.backend.close()
        except BaseException as raised:
            error = raised
            self._opened = None
        opened.set_result(error)

    async def close(self) -> None:
        """Close what is open, or, if it is still opening, as soon as it is."""
        self._left = True
        if self._is_open and self.inline:
            await self.backend.close()
        elif self._is_open:
            await asyncio.wait_for(self.backend.close(), OPENING)
        elif self.guard is not None:
            self.guard.tell_left()


class Homes:
    """The homes of all opened backends, so that the last cache of a backend closes it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._homes: weakref.WeakValueDictionary[int, Home] = weakref.WeakValueDictionary()
        self._guards: weakref.WeakValueDictionary[int, Guard] = weakref.WeakValueDictionary()
        afresh_after_fork(self)

    def enter(self, backend: Backend, user: object, deadline: float) -> Home:
        with self._lock:
            home = self._homes.get(id(backend))
            if home is None or home.gone:
                guard = self._guard_of(backend, deadline)
                home = self._homes[id(backend)] = Home(backend, guard)
            home.users.add(user)
            return home

    def _guard_of(self, backend: Backend, deadline: float) -> Guard | None:
        """The same wherever it lives: its journal outlasts a loop."""
        if isinstance(backend, Guard):
            return backend
        if backend.capability(LOCAL) is not None:
            return None
        guard = self._guards.get(id(backend))
        if guard is None:
            guard = self._guards[id(backend)] = Guard(backend, deadline=deadline)
        return guard

    def leave(self, home: Home, user: object) -> bool:
        """Whether that was the last user."""
        with self._lock:
            home.users.discard(user)
            if not home.users and self._homes.get(id(home.given)) is home:
                del self._homes[id(home.given)]
            return not home.users

    def after_fork(self) -> None:
        self._lock = threading.RLock()
        self._homes.clear()
        self._guards.clear()


HOMES: Final = Homes()
