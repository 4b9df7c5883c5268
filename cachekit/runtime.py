"""Loops and threads: the same coroutines for callers that await and callers that block.

A blocking call drives its coroutine by hand, in its own thread: none of its awaits ever
suspends, since `InThread` blocks where `OnLoop` awaits.
"""

import asyncio
import inspect
import os
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import Any, Protocol, TypeVar

from cachekit.backend import drive as drive

T = TypeVar("T")
Loop = asyncio.AbstractEventLoop


class Ways(Protocol):
    """How a caller waits, loads, and has work done on another loop."""

    @property
    def waits(self) -> bool:
        """Whether this caller may wait for another's load."""
        ...

    async def wait(self, future: "Future[Any]", timeout: float) -> bool:
        """Wait until `future`, which never holds an exception, is done; False after `timeout`."""
        ...

    async def pause(self, seconds: float) -> None: ...

    async def load(self, loader: Callable[[], Any], timeout: float) -> Any:
        """Call the loader; `TimeoutError` after `timeout` where it can be stopped."""
        ...

    async def lead(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        """Start `work` in a task of its own, or, in a thread, do it at once."""
        ...

    @property
    def behind(self) -> "Ways":
        """The ways of what is started for nobody who waits."""
        ...

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        """Have `work` done meanwhile, in a task or in a thread of its own."""
        ...

    async def on(self, loop: Loop, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        """Do `work` on `loop`."""
        ...


class OnLoop:
    """For callers that await."""

    waits = True

    async def wait(self, future: "Future[Any]", timeout: float) -> bool:
        if not future.done():
            loop = asyncio.get_running_loop()
            woken = loop.create_future()
            future.add_done_callback(lambda _: _wake(loop, woken))
            timer = loop.call_later(timeout, _end_wait, woken)
            try:
                await woken
            finally:
                timer.cancel()
        return future.done()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def load(self, loader: Callable[[], Any], timeout: float) -> Any:
        with Limit(timeout):
            value = loader()
            return await value if inspect.isawaitable(value) else value

    async def lead(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        return self.start(work)

    @property
    def behind(self) -> "Ways":
        return self

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        return asyncio.get_running_loop().create_task(work)

    async def on(self, loop: Loop, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        if loop is asyncio.get_running_loop():
            return await work()
        return await self._elsewhere(loop, work, timeout)

    @staticmethod
    async def _elsewhere(loop: Loop, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        future = submit(loop, work)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            raise ConnectionError("the loop of the backend has ended") from None


class Limit:
    """`asyncio.timeout`, for two thirds of what that takes: every load has one.

    >>> async def load():
    ...     with Limit(0.001):
    ...         await asyncio.sleep(60)
    >>> asyncio.run(load())
    Traceback (most recent call last):
    TimeoutError
    """

    __slots__ = ("_asked", "_is_over", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("what is to be stopped has to run in a task")
        self._task = task
        self._asked = task.cancelling()
        self._is_over = False
        loop = task.get_loop()
        self._timer = loop.call_at(loop.time() + seconds, self._end)

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __enter__(self) -> None:
        """It runs since it was made."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        ours = self._is_over and self._task.uncancel() <= self._asked
        if ours and kind is asyncio.CancelledError:
            raise TimeoutError from error


class InThread:
    """For callers that block."""

    def __init__(self, *, waits: bool) -> None:
        self.waits = waits

    async def wait(self, future: "Future[Any]", timeout: float) -> bool:
        try:
            future.result(max(0.0, timeout))
        except TimeoutError:
            return future.done()
        return True

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  the coroutine is driven by this very thread

    async def load(self, loader: Callable[[], Any], timeout: float) -> Any:
        value = loader()
        if inspect.iscoroutine(value):
            value.close()
        elif not inspect.isawaitable(value):
            return value
        raise TypeError("a blocking call needs a plain function as loader, not an async one")

    async def lead(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        await work
        return None

    @property
    def behind(self) -> "Ways":
        return _BLOCKING

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        run = copy_context().run
        thread = threading.Thread(target=run, args=(drive, work), name="cachekit", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there are no more threads to be had
            run(drive, work)
        return None

    async def on(self, loop: Loop, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        check_waits(self)
        future = submit(loop, work)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise


def _wake(loop: Loop, woken: "asyncio.Future[None]") -> None:
    """End a wait of that loop, from any thread. On the loop itself it need not be woken up."""
    if running_loop() is loop:
        _end_wait(woken)
        return
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(_end_wait, woken)


def _end_wait(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


ON_LOOP: Ways = OnLoop()
_BLOCKING: Ways = InThread(waits=True)
_BLOCKING_A_LOOP: Ways = InThread(waits=False)


def running_loop() -> Loop | None:
    """The loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def in_thread() -> Ways:
    """The ways of a blocking caller in this thread; one whose loop is running never waits."""
    return _BLOCKING if running_loop() is None else _BLOCKING_A_LOOP


class LoopHeldError(RuntimeError):
    """A blocking call from the thread of a running event loop asked for I/O."""


def check_waits(ways: Ways) -> None:
    """R9: a thread must not wait for a loop that it may itself be holding up."""
    if not ways.waits:
        raise LoopHeldError("the event loop of this thread is running: `await` instead")


def cancelled_from_outside() -> bool:
    """Whether this task was told to stop, rather than something in it having raised on its own."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


def submit(loop: Loop, work: Callable[[], Awaitable[T]]) -> "Future[T]":
    """Have `loop`, which runs in another thread, do `work`."""

    async def run() -> T:
        return await work()

    coroutine = run()
    try:
        return asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:
        coroutine.close()
        raise


class Repeating:
    """Work done on `loop` every `period` seconds, until it returns False or is stopped."""

    def __init__(
        self, loop: Loop, period: float, work: Callable[[], Coroutine[Any, Any, bool]]
    ) -> None:
        self._loop = loop
        self._period = period
        self._work = work
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        if running_loop() is loop:
            self._arm()
        else:
            loop.call_soon_threadsafe(self._arm)

    def stop(self) -> None:
        self._stopped = True
        if self._timer is not None and running_loop() is self._loop:
            self._timer.cancel()

    def _arm(self) -> None:
        if not self._stopped:
            self._timer = self._loop.call_later(self._period, self._fire)

    def _fire(self) -> None:
        if not self._stopped:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        if await self._work():
            self._arm()


class LoopThread:
    """A loop in a thread of its own, for blocking callers of a backend that does I/O."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="cachekit", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(self._end_tasks())
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()

    @staticmethod
    async def _end_tasks() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """End the loop; waits for the thread unless called from it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()


class Forking(Protocol):
    """Something that must begin afresh in the child of a fork (R12)."""

    def after_fork(self) -> None: ...


_afresh: "weakref.WeakSet[Forking]" = weakref.WeakSet()


def afresh_after_fork(thing: Forking) -> None:
    """Have `thing.after_fork()` called in every child of this process."""
    _afresh.add(thing)


def _in_child() -> None:
    for thing in list(_afresh):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
