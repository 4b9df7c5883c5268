"""A TCP proxy that does to what passes what a bad network does."""

import asyncio
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final, Self

from tests.servers.ports import LOOPBACK

CHUNK: Final = 65_536
PAUSE: Final = 0.001
"""Seconds between two parts of what is split."""

AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER's value for a close that is a reset."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is, for every piece that passes; 0 is never, 1 is always.

    Args:
        delay: it waits for up to `longest` seconds, and what comes after it too.
        split: it arrives in several parts, each seen on its own.
        cut: of a reply only the first half arrives, or what `part()` says, then the connection is
            closed.
        reset: the connection is reset instead.
        hole: it is lost, and so is all that comes after it, both ways; the connection stays.
    """

    delay: float = 0.0
    longest: float = 0.02
    split: float = 0.0
    cut: float = 0.0
    reset: float = 0.0
    hole: float = 0.0


NONE: Final = Faults()


class Proxy:
    """Stands on a free loopback port in front of a server's.

    An async context manager; all that it started has ended when it is left. `faults` may be
    changed at any time, and hold from the next piece on. `met` counts them by their names.

    Args:
        target: the port of the server.
        faults: what is done at first.
        seed: makes another choice of the pieces that it is done to.
    """

    def __init__(self, target: int, faults: Faults = NONE, *, seed: int = 0) -> None:
        self.faults = faults
        self.met = Counter[str]()
        self.silences = 0
        self._target = target
        self._random = Random(seed)
        self._links = set[asyncio.Task[None]]()
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.disconnect()
        await self._server.wait_closed()

    @property
    def address(self) -> str:
        """Host and port, with a colon between."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Where a client of a Redis finds it."""
        return f"redis://{self.address}"

    @property
    def connections(self) -> int:
        """So many connections are open."""
        return len(self._links)

    def hold(self) -> None:
        """Keep all that comes, both ways, until `release()`: nothing is lost, all is late."""
        self._open.clear()

    def release(self) -> None:
        """Let pass what was held."""
        self._open.set()

    def silence(self) -> None:
        """Lose all that is sent from here on over the connections there are; they stay."""
        self.silences += 1

    async def disconnect(self) -> None:
        """Reset all connections."""
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def opened(self) -> None:
        """Return when nothing is held."""
        await self._open.wait()

    def strikes(self, fault: str, likely: float) -> bool:
        """Whether it is time for a fault, which is counted then."""
        due = self._random.random() < likely
        self.met[fault] += due
        return due

    def part(self, piece: bytes) -> bytes:
        """What arrives of a reply that is cut."""
        return piece[: len(piece) // 2]

    def share(self) -> float:
        """Some number between 0 and 1."""
        return self._random.random()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes between a client and the server, until one of them or a fault ends it."""
        with suppress(OSError):
            try:
                there, back = await asyncio.open_connection(LOOPBACK, self._target)
                try:
                    await _Link(self, reader, back, there, writer).carry()
                finally:
                    await _reset(back)
            finally:
                await _reset(writer)


class _Link:
    """One client's connection, and that to the server which was made for it."""

    def __init__(
        self,
        proxy: Proxy,
        requests: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        replies: asyncio.StreamReader,
        client: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._ways = [(requests, server, False), (replies, client, True)]
        self._silences = proxy.silences
        self._lost = False

    async def carry(self) -> None:
        """Return when one of the two has gone; the other is told, unless it is to be a reset."""
        ways = [asyncio.ensure_future(self._carry(*way)) for way in self._ways]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if all(way.result() for way in done):
                await self._close()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool
    ) -> bool:
        """Whether it came to a good end: a close, and no reset."""
        while piece := await reader.read(CHUNK):
            await self._proxy.opened()
            faults = self._proxy.faults
            self._lost |= self._silences != self._proxy.silences
            if self._lost or self._proxy.strikes("hole", faults.hole):
                self._lost = True
                continue
            if self._proxy.strikes("delay", faults.delay):
                await asyncio.sleep(self._proxy.share() * faults.longest)
            if self._proxy.strikes("reset", faults.reset):
                return False
            if replies and self._proxy.strikes("cut", faults.cut):
                await _send(writer, self._proxy.part(piece))
                return True
            await self._send(writer, piece)
        return True

    async def _send(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        while len(piece) > 1 and self._proxy.strikes("split", self._proxy.faults.split):
            middle = 1 + int(self._proxy.share() * (len(piece) - 1))
            await _send(writer, piece[:middle])
            await asyncio.sleep(PAUSE)
            piece = piece[middle:]
        await _send(writer, piece)

    async def _close(self) -> None:
        for _, writer, _ in self._ways:
            writer.close()
            await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once; nothing happens to one that is closed."""
    if not writer.is_closing():
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
    await writer.wait_closed()
