"""A server that says what a test tells it to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from hiredis import Reader

Asked: TypeAlias = list[bytes]
Say: TypeAlias = "Callable[[Asked], bytes]"
"""The bytes that answer one command; none at all are silence."""

OK: Final = b"+OK\r\n"
NOTHING: Final = b"_\r\n"
ECHO: Final = ("ECHO",)


def bulk(data: bytes) -> bytes:
    """`data`, as it is on the wire."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


def many(*replies: bytes) -> bytes:
    """An array of replies."""
    return b"*%d\r\n" % len(replies) + b"".join(replies)


def echo(asked: Asked) -> bytes:
    """The last word of each question."""
    return bulk(asked[-1])


def silent(asked: Asked) -> bytes:
    """No answer, ever."""
    return b""


INFO: Final = b"redis_version:7.0.15\r\nrun_id:of the script\r\nrole:master\r\n"
_INTRODUCTION: Final = {
    b"HELLO": b"%1\r\n+proto\r\n:3\r\n",
    b"CLIENT": OK,
    b"SELECT": OK,
    b"INFO": bulk(INFO),
    b"SCRIPT": b"+sha\r\n",
}


def introduced(asked: Asked) -> bytes | None:
    """What a server says to who introduces himself."""
    if list(asked[:2]) == [b"EVAL", b"return 1"]:
        return b":1\r\n"
    return _INTRODUCTION.get(asked[0].upper())


class Guest(asyncio.Protocol):
    """One connection to the server."""

    def __init__(self, server: "ScriptedServer") -> None:
        self._server = server
        self._reader = Reader()
        self.asked: list[Asked] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._server.guests.append(self)
        self._server.met += 1

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (asked := self._reader.gets()) is not False:
            self.asked.append(asked)
            self._server.asked.append(asked)
            self.transport.write(self._server.answer(asked))

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.guests.remove(self)


class ScriptedServer:
    """Answers questions by `say`; `guests` are those who are connected, `met` counts all.

    Those who introduce themselves are answered as a Redis would, unless `greet` is set to
    something else.
    """

    def __init__(self, say: Say) -> None:
        self.say: Say = say
        self.greet: Callable[[Asked], bytes | None] = introduced
        self.guests: list[Guest] = []
        self.asked: list[Asked] = []
        self.met = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> bytes:
        greeting = self.greet(asked)
        return self.say(asked) if greeting is None else greeting

    def tell(self, data: bytes) -> None:
        """Send `data` to all who are connected."""
        for guest in self.guests:
            guest.transport.write(data)

    def hang_up(self) -> None:
        """Close all connections, after what was said."""
        for guest in self.guests:
            guest.transport.close()

    async def serve(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: Guest(self), "127.0.0.1", 0)
        self.port: int = listening.sockets[0].getsockname()[1]
        return listening


@asynccontextmanager
async def scripted(say: Say = echo) -> AsyncGenerator[ScriptedServer]:
    """A server, until it is left."""
    server = ScriptedServer(say)
    listening = await server.serve()
    try:
        yield server
    finally:
        listening.close()
        server.hang_up()
        await until(lambda: not server.guests)
        await listening.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until `condition()` holds, some seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0.001)


async def told(work: Awaitable[Any]) -> BaseException | None:
    """What `work` raises."""
    try:
        await work
    except Exception as error:
        return error
    return None


class LoopClock:
    """The time of the running event loop, which can be moved on: no test waits for a timeout."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._ahead = 0.0
        loop.time = lambda: self._time() + self._ahead  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
