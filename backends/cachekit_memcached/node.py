"""One server, and the connection to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from aiomcache.exceptions import ClientException

from cachekit.errands import Errands
from cachekit_memcached.link import Link

T = TypeVar("T")

LARGEST: Final = 1024 * 1024
"""Bytes of an item with all that belongs to it, where no server says."""

_CLOSED: Final = "the backend was closed"


class Settings(NamedTuple):
    """How a server is spoken to; durations are seconds, `conn_args` is for
    the event loop's `create_connection`."""

    timeout: float
    connect_timeout: float
    conn_args: Mapping[str, Any]


class Node:
    """Has one connection, and makes another one when that has ended."""

    def __init__(self, host: str, port: int, settings: Settings) -> None:
        self.largest: int | None = None
        """Bytes of an item that it takes; `None` until it has said so."""
        self._host, self._port, self._settings = host, port, settings
        self._errands = Errands()
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._tells_sizes = True
        self._closed = False

    @property
    def link(self) -> Link | None:
        """The connection, if there is one."""
        link = self._link
        return link if link is not None and link.is_open else None

    @property
    def due(self) -> float:
        """When what is asked for now has to be answered, on the clock of the event loop."""
        return asyncio.get_running_loop().time() + self._settings.timeout

    async def ask(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """What `work` on the connection comes to."""
        link = self.link
        return await (self._first(work) if link is None else work(link))

    async def _first(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """On a connection that is yet to be made: to wait for that is a part of its time. What is
        too late for it is there for the next."""
        doing = self._errands.start(self._on_new(work))
        try:
            return await self._errands.within(_end_of(doing), self._settings.timeout)
        finally:
            doing.cancel()

    async def _on_new(self, work: Callable[[Link], Awaitable[T]]) -> T:
        link = self.link or await self._opened()  # there may be one since it was looked for
        return await work(link)

    async def _opened(self) -> Link:
        """Whoever needs a connection waits for the same one."""
        if self._closed:
            raise ConnectionError(_CLOSED)
        if self._opening is None:
            self._opening = self._errands.start(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Link:
        limit = self._settings.connect_timeout
        try:
            async with asyncio.timeout(limit):
                link = await self._connect()
                if self._tells_sizes:
                    await self._look_at_sizes(link)
                self._link = link if link.is_open else await self._connect()
            return self._link
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no connection within {limit} s") from error
        finally:
            self._opening = None

    async def _connect(self) -> Link:
        connect, arguments = asyncio.get_running_loop().create_connection, self._settings.conn_args
        return (await connect(Link, self._host, self._port, **arguments))[1]

    async def _look_at_sizes(self, link: Link) -> None:
        """How much the server takes. What stands in for one may not know."""
        try:
            settings = await link.do(link.client.stats(b"settings"), self.due)
            said = settings.get(b"item_size_max") or b""
            self.largest = int(said) if said.isdigit() else None
        except ClientException:
            self._tells_sizes = False
        except BaseException as error:
            link.close(error)
            raise

    async def close(self) -> None:
        self._closed = True
        await self._errands.close(self._settings.timeout)  # first: it may be making one
        link, self._link = self._link, None
        if link is not None:
            link.close(ConnectionError(_CLOSED))
            await link.closed()

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        if self._link is not None:
            self._link.drop()


async def _end_of(task: "asyncio.Task[T]") -> T:
    return await task
