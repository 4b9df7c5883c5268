"""A server that says what a test tells it to, whatever it speaks."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

Asked: TypeAlias = list[bytes]
"""One command, word by word."""

Say: TypeAlias = "Callable[[Asked], bytes]"
"""The bytes that answer one command; none at all are silence."""


def silent(asked: Asked) -> bytes:
    """No answer, ever."""
    return b""


class Reader(Protocol):
    """Finds the commands in what comes."""

    def feed(self, data: bytes, /) -> None: ...

    def gets(self) -> Any:
        """The next one; `False` if it is not there as a whole."""
        ...


class Guest(asyncio.Protocol):
    """One connection to the server."""

    def __init__(self, server: "Scripted") -> None:
        self._server = server
        self._reader = server.reader()
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


class Scripted(ABC):
    """Answers questions by `say`; `guests` are those who are connected, `met` counts all.

    Those who introduce themselves are answered by `greet`, as a real one would, unless that is set
    to something else.
    """

    greet: Callable[[Asked], bytes | None]
    port: int

    def __init__(self, say: Say) -> None:
        self.say: Say = say
        self.guests: list[Guest] = []
        self.asked: list[Asked] = []
        self.met = 0

    @abstractmethod
    def reader(self) -> Reader:
        """What finds the commands of one connection."""

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
        self.port = listening.sockets[0].getsockname()[1]
        return listening


ScriptedT = TypeVar("ScriptedT", bound=Scripted)


@asynccontextmanager
async def serving(server: ScriptedT) -> AsyncGenerator[ScriptedT]:
    """It serves, until it is left."""
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
