"""One connection to a server, on which aiomcache speaks."""

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Generator, Iterable, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final, NamedTuple, TypeVar, cast

from aiomcache.client import FlagClient
from aiomcache.exceptions import ClientException
from aiomcache.pool import Connection

from cachekit.errands import HELD_UP
from cachekit.remembered import Remembered
from cachekit_memcached.getting import ITEM, Getting, Items

T = TypeVar("T")

_REFUSAL: Final = b"SERVER_ERROR"
"""Begins an answer that is whole, and says no; after any other error nobody knows what is next."""


class Speaker(FlagClient[bytes]):
    """aiomcache's commands, on this connection and on no other."""

    def __init__(self, link: "Link") -> None:
        super().__init__("", 0, get_flag_handler=_as_it_is)
        cast("Any", self)._pool = link

    def _validate_key(self, key: bytes) -> bytes:
        """`names.name_of` makes no others."""
        return key

    async def _multi_get(self, conn: Connection, *keys: bytes, with_cas: bool = True) -> Any:
        found = await cast("Any", super())._multi_get(conn, *keys, with_cas=with_cas)
        if not found[0].keys() <= set(keys):
            raise _not_asked_for(found[0])
        return found


class Command(NamedTuple):
    """One that was sent, as far as it has come, and who waits for what it comes to."""

    running: Generator[Any, Any, Any]
    answer: "asyncio.Future[Any]"
    due: float


class Link(asyncio.Protocol):
    """A connection. Its commands are sent at once, and each reads its answer when it comes.

    A command is a coroutine of aiomcache's. It is no task: whenever something has come it is gone
    on with from here, the one that was sent first before the others. So nobody can cancel it, it
    reads nobody else's answer, and what nobody waits for any longer is read all the same. At the
    end of the connection, or if one is not done when it is due, all of them fail.
    """

    def __init__(self) -> None:
        self.client = Speaker(self)
        self._loop = asyncio.get_running_loop()
        self._commands: deque[Command] = deque()
        self._data = bytearray()
        self._at = 0
        self._items: Items = Remembered()
        self._reads = self._refused = False
        self._ended: BaseException | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._connection = Connection(cast("Any", self), cast("Any", self))

    @property
    def is_open(self) -> bool:
        return self._ended is None

    def do(self, command: Awaitable[T], due: float) -> "asyncio.Future[T]":
        """What `command` comes to, or why it does not. To cancel that is to wait no longer."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        sent = Command(command.__await__(), answer, due)
        self._commands.append(sent)
        self._go_on(sent)
        if self._timer is None and self._ended is None:
            self._timer = self._loop.call_at(due, self._look_at_time, due + HELD_UP)
        return answer

    async def values(self, names: Sequence[bytes]) -> list[bytes | None]:
        """A command: what is under each of `names`."""
        await self.acquire()
        self.write(b"get " + b" ".join(names) + b"\r\n")
        getting = Getting(names, self._items)
        while not (self._reads and self._takes_all(getting)):
            await _more()
        return getting.values

    def _takes_all(self, getting: Getting) -> bool:
        """Whether what has come ends it; what it has no use for yet is left."""
        data = bytes(self._data)
        begin = self._at = getting.take(data, self._at)
        end = data.find(b"\n", begin) + 1
        if not end or data.startswith(ITEM, begin):
            return False
        self._at = end
        return self._is_end(data[begin:end])

    def _is_end(self, line: bytes) -> bool:
        if line == b"END\r\n":
            return True
        self._refused = line.startswith(_REFUSAL)
        raise ClientException("get failed", line)

    def close(self, why: BaseException) -> None:
        """End it at once; whoever still waits gets an error."""
        self._end(why)
        self._transport.abort()

    async def closed(self) -> None:
        """Wait until it is."""
        await asyncio.wait({self._lost}, timeout=1.0)

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already: the socket is all there is."""
        socket = getattr(self._transport.get_extra_info("socket"), "_sock", None)
        if socket is not None:  # uvloop has closed it itself
            socket.close()

    def _read(self) -> None:
        """Go on with those for which enough has come."""
        self._reads = True
        while self._commands and self._go_on(self._commands[0]):
            pass
        self._reads = False
        if len(self._data) > self._at and not self._commands:
            self.close(ConnectionError("the server gave an answer too many"))

    def _go_on(self, sent: Command) -> bool:
        """Whether that was all of it. Who fails and has not read a whole answer takes all along."""
        self._refused = False
        try:
            next(sent.running)
            return False
        except StopIteration as done:
            if not sent.answer.done():
                sent.answer.set_result(done.value)
        except Exception as error:
            _fail(sent.answer, error)
            if not self._refused:
                self.close(error)
        with suppress(ValueError):  # it has ended the connection, and with that all of them
            self._commands.remove(sent)
        return True

    def _end(self, why: BaseException) -> None:
        self._ended = self._ended or why
        if self._timer is not None:
            self._timer.cancel()
        while self._commands:
            _fail(self._commands.popleft().answer, why)

    def _look_at_time(self, latest: float) -> None:
        """A loop that was held up has yet to read what has come."""
        self._timer = None
        if not self._commands:
            return
        now, due = self._loop.time(), self._commands[0].due
        if now < due:
            self._timer = self._loop.call_at(due, self._look_at_time, due + HELD_UP)
        elif now > latest:
            self._timer = self._loop.call_later(HELD_UP, self._look_at_time, inf)
        else:
            self.close(TimeoutError("the server did not answer in time"))

    # -- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        del self._data[: self._at]
        self._at = 0
        self._data += data
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the server closed the connection"))
        if not self._lost.done():
            self._lost.set_result(None)

    # -- what aiomcache calls, as if this were its pool, and the reader and writer from there

    async def acquire(self) -> Connection:
        if self._ended is not None:
            raise ConnectionResetError(f"the connection has ended: {self._ended}")
        return self._connection

    def release(self, connection: Connection) -> None:
        return

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait for nothing: whoever did, with answers that the server cannot get rid of, would for
        ever. How much may be under way is bounded by the size of batches."""

    async def readline(self) -> bytes:
        while not (end := self._data.find(b"\n", self._at) + 1 if self._reads else 0):
            await _more()
        line = bytes(self._data[self._at : end])
        self._at, self._refused = end, line.startswith(_REFUSAL)
        return line

    async def readexactly(self, size: int) -> bytes:
        if size < 2:  # a negative length, and the line end that follows: it would be read for ever
            raise ClientException("a value of less than nothing", size)
        while len(self._data) - self._at < size:
            await _more()
        begin = self._at
        self._at += size
        return bytes(self._data[begin : self._at])

    def set_exception(self, error: Exception) -> None:
        """aiomcache tells of each error, and then raises it."""


def _not_asked_for(found: Iterable[bytes]) -> ClientException:
    return ClientException("what was not asked for was answered", list(found))


@types.coroutine
def _more() -> Generator[None]:
    """Until something has come."""
    yield


def _fail(answer: "asyncio.Future[Any]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # whoever had asked may be gone


async def _as_it_is(data: bytes, flags: int) -> bytes:
    """Somebody else keeps something under our name: it will not be readable."""
    return data
