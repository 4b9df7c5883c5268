"""Threads for what blocks, each with a connection of its own."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Final, Generic, Protocol, TypeVar

log: Final = logging.getLogger("cachekit")

WAITING: Final = 1000
"""So much work waits for a thread at most; what comes then fails at once."""


class Closable(Protocol):
    """What is made and given up in the same thread."""

    def close(self) -> None: ...


R = TypeVar("R", bound=Closable)
T = TypeVar("T")
Job = tuple[Callable[[R], Any], "Future[Any]"]


class Workers(Generic[R]):
    """`threads` threads, each with what `connect` gives it, which no other thread ever touches.

    A connection is made for the first work of its thread. One whose work raised is closed, so
    that none is used that was left half-way, and the next work of the thread has a new one.
    """

    def __init__(self, connect: Callable[[], R], threads: int) -> None:
        self._connect = connect
        self._jobs: SimpleQueue[Job[R] | None] = SimpleQueue()
        self._ended = [Future[None]() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._live, args=(ended,), name="cachekit worker", daemon=True)
            for ended in self._ended
        ]
        self._stopped = False
        for ended, thread in zip(self._ended, self._threads, strict=True):
            ended.set_running_or_notify_cancel()  # who gives up waiting for it does not cancel it
            thread.start()

    async def run(self, work: Callable[[R], T]) -> T:
        """What `work` returns when it is called in one of the threads with its connection.

        Who is cancelled leaves at once. Work that has begun is never interrupted; work that has
        not is not done.
        """
        if self._stopped:
            raise ConnectionError("the threads of this backend were stopped")
        if self._jobs.qsize() >= WAITING:
            raise ConnectionError(f"all threads are busy, and {WAITING} operations wait for them")
        future: Future[T] = Future()
        self._jobs.put((work, future))
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Have the threads close their connections and end, after the work they were given."""
        if not self._stopped:
            self._stopped = True
            for _ in self._threads:
                self._jobs.put(None)

    async def close(self) -> None:
        """Stop, and wait until every thread is done."""
        self.stop()
        await asyncio.gather(*map(asyncio.wrap_future, self._ended))
        for thread in self._threads:  # each has nothing left to do but to end
            thread.join()

    def _live(self, ended: "Future[None]") -> None:
        connection: R | None = None
        while (job := self._jobs.get()) is not None:
            connection = self._do(connection, *job)
            del job  # or a thread that waits would keep it alive
        _close(connection)
        ended.set_result(None)

    def _do(
        self, connection: R | None, work: Callable[[R], Any], future: "Future[Any]"
    ) -> R | None:
        """Do one job; the connection for the next."""
        if not future.set_running_or_notify_cancel():
            return connection
        try:
            if connection is None:
                connection = self._connect()
            result = work(connection)
        except BaseException as error:
            _close(connection)
            future.set_exception(_ordinary(error))
            del future  # or it and the error would keep each other alive
            return None
        future.set_result(result)
        return connection


def _ordinary(error: BaseException) -> Exception:
    """What may be raised to whoever waits: `SystemExit` would end the loop, not the thread."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"a blocking operation raised {error!r}")
    wrapped.__cause__ = error
    return wrapped


def _close(connection: Closable | None) -> None:
    try:
        if connection is not None:
            connection.close()
    except Exception as error:
        log.warning("a connection did not close: %r", error)
