"""Round trips to memcached, which does not count them: so something before it does."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Self

from benchmarks.clients import OURS, in_use
from benchmarks.memcached_clients import makers
from benchmarks.results import Report
from benchmarks.trips import Trips, trips_of_all
from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer
from tests.servers.ports import LOOPBACK

PIECE: Final = 1 << 20
PAUSE: Final = 0.002
"""Seconds after which no more is sent before there is an answer."""

END: Final = b"\r\n"

_WITH_DATA: Final = (b"set", b"add", b"replace", b"append", b"prepend", b"cas")
_GOES_ON: Final = (b"VALUE", b"STAT")


class Relay:
    """Stands on a free port in front of a server, and is a `Meter` of those who come there.

    An async context manager. A piece is all that is sent without an answer to it; it is answered as
    a whole before the next one is looked for, so that the count does not depend on who is fast.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._pieces = 0
        self._commands = Counter[str]()
        self._links = set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0, limit=PIECE)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"memcached://{LOOPBACK}:{self.port}"

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def so_far(self) -> Trips:
        return Trips(self._pieces, dict(self._commands))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(self._carry(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(LOOPBACK, self._target, limit=PIECE)
        try:
            with suppress(asyncio.IncompleteReadError):
                while piece := await whole(reader):
                    await self._pass_on(piece, server, answers, writer)
        finally:
            for each in (server, writer):
                each.close()

    async def _pass_on(
        self,
        piece: bytes,
        server: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        client: asyncio.StreamWriter,
    ) -> None:
        self._pieces += 1
        server.write(piece)
        lines = list(commands_in(piece))
        self._commands.update(str(line.split()[0], "ascii") for line in lines)
        asked = [line for line in lines if not line.endswith(b" noreply")]
        client.write(b"".join([await answer(answers) for _ in asked]))


async def whole(reader: asyncio.StreamReader) -> bytes:
    """What has come and comes until there is a pause; nothing if that was all."""
    piece = more = await reader.read(PIECE)
    with suppress(TimeoutError):
        while more:
            async with asyncio.timeout(PAUSE):
                more = await reader.read(PIECE)
            piece += more
    return piece


def commands_in(piece: bytes) -> Iterator[bytes]:
    """The first line of each; raises `ValueError` if the last of them is not whole."""
    at = 0
    while at < len(piece):
        end = piece.index(END, at)
        line = piece[at:end]
        yield line
        words = line.split()
        data = int(words[4]) + len(END) if words[0] in _WITH_DATA else 0
        at = end + len(END) + data
    if at > len(piece):
        raise ValueError(f"{line!r} has more than is there")


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The whole answer to one command."""
    lines = []
    while True:
        line = await reader.readuntil(END)
        lines.append(line)
        words = line.split()
        if words[0] == b"VALUE":
            lines.append(await reader.readexactly(int(words[3]) + len(END)))
        elif words[0] not in _GOES_ON:
            return b"".join(lines)


async def trips(server: MemcachedServer) -> Report:
    """Those of all."""
    async with Relay(server.port) as relay, in_use(makers(relay.url)) as clients:
        others = [each for each in clients if each.name != OURS]
        backend, where = MemcachedBackend(relay.url), "counted before the server"
        return await trips_of_all("memcached", where, relay, backend, others)
