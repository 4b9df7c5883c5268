"""One connection: commands of any number of callers, sent at once and answered in order."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast

import hiredis
from hiredis import PushNotification, Reader
from redis.asyncio.connection import AbstractConnection

from cachekit_redis.patience import GRACE, LATE

Command: TypeAlias = tuple[str | bytes | int, ...]

_LOOKS: Final = 4
"""So often within `timeout` it is looked whether a long question is still being taken."""

_pack: Final[Callable[[Command], bytes]] = cast("Any", hiredis).pack_command
_MORE: Final = object()


class _Batch:
    __slots__ = ("answer", "asked", "replies", "size")

    def __init__(self, size: int, asked: float, answer: "asyncio.Future[list[Any]]") -> None:
        self.size = size
        self.asked = asked
        self.answer = answer
        self.replies: list[Any] = []


class Wire(asyncio.Protocol):
    """A connection that redis-py has opened, spoken to without its streams.

    No command is ever taken back: an answer nobody waits for any longer is read and dropped. If one
    is awaited and for `timeout` seconds nothing at all comes, nor more of what was asked is taken,
    the connection is ended, with all that is under way. So no caller is given the answer to
    another's question.
    """

    def __init__(self, connection: AbstractConnection, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._batches: deque[_Batch] = deque()
        self._reader = Reader(notEnoughData=_MORE)
        self._timer: asyncio.TimerHandle | None = None
        self._progress = -math.inf  # when something came or went
        self._written = self._gone = 0  # bytes, and those of them that the system had taken
        self._ended: Exception | None = None
        self._take_over(connection)

    def _take_over(self, connection: AbstractConnection) -> None:
        """redis-py connects, secures and introduces itself; from there on the socket is ours."""
        writer = connection._writer  # pyright: ignore[reportPrivateUsage]
        if writer is None:
            raise ConnectionError("redis-py gave a connection that is not open")
        connection._writer = connection._reader = None  # pyright: ignore[reportPrivateUsage]
        self._writer = writer
        self._transport = writer.transport
        self._before = self._transport.get_protocol()
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._ended is None and not self._transport.is_closing()

    @property
    def load(self) -> int:
        """How many answers are awaited."""
        return len(self._batches)

    def ask(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """The replies, an error among them as an object.

        Raises what ended the connection, `TimeoutError` if that was a reply that did not come.
        """
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        if not self.is_open:
            answer.set_exception(self._ended or ConnectionError("the connection is closed"))
            return answer
        packed = [_pack(command) for command in commands]
        data = packed[0] if len(packed) == 1 else b"".join(packed)
        self._transport.write(data)
        self._written += len(data)
        self._batches.append(_Batch(len(commands), self._loop.time(), answer))
        if self._timer is None:
            self._wait()
        return answer

    def close(self, why: Exception | None = None) -> None:
        """End it at once; who still waits gets `why`."""
        self._end(why or ConnectionError("the connection was closed"))
        self._transport.abort()

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already: the socket is all there is."""
        socket = getattr(self._transport.get_extra_info("socket"), "_sock", None)
        if socket is not None:  # uvloop has closed it itself
            socket.close()

    # -- what the transport calls

    def data_received(self, data: bytes) -> None:
        self._progress = self._loop.time()
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                if type(reply) is not PushNotification:
                    self._answer(reply)
        except Exception as error:  # not of the protocol, or an answer too many
            self.close(ConnectionError(f"not understood: {error!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionError(f"the server closed the connection: {exc or 'end of stream'}"))
        self._before.connection_lost(exc)  # else its streams would never be done

    def _answer(self, reply: Any) -> None:
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.size:
            self._batches.popleft()
            if not batch.answer.done():
                batch.answer.set_result(batch.replies)

    @property
    def _due(self) -> float:
        """When something must have come, for whoever has waited longest."""
        return max(self._batches[0].asked, self._progress) + self._timeout

    def _wait(self) -> None:
        """Set the one timer."""
        when = self._due
        if self._transport.get_write_buffer_size():
            when = min(when, self._loop.time() + self._timeout / _LOOKS)
        self._timer = self._loop.call_at(when, self._look_at_time, when + LATE)

    def _look_at_time(self, late: float) -> None:
        self._timer = None
        if not self._batches:
            return
        now = self._loop.time()
        self._look_at_what_goes(now)
        if now < self._due:
            self._wait()
        elif now > late:
            self._timer = self._loop.call_later(GRACE, self._look_at_time, math.inf)
        else:
            self.close(TimeoutError(f"no answer within {self._timeout} s"))

    def _look_at_what_goes(self, now: float) -> None:
        """A long question is progress as long as more and more of it is taken."""
        left = self._transport.get_write_buffer_size()
        gone = self._written - left
        if left and gone > self._gone:
            self._progress = now
        self._gone = gone

    def _end(self, why: Exception) -> None:
        self._ended = self._ended or why
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._batches:
            answer = self._batches.popleft().answer
            if not answer.done():
                answer.set_exception(why)
                answer.exception()  # whoever had asked may be gone


async def opened(connection: AbstractConnection, timeout: float) -> Wire:
    """The wire of a connection, once redis-py has opened it."""
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        return Wire(connection, timeout)
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
