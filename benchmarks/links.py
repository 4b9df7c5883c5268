"""A link that takes its time, as the one to another machine does.

It runs in a process of its own: `python -m benchmarks.links HOST PORT SECONDS` prints the port that
it listens on, and passes on what comes so many seconds later, either way.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, cast

TRIP: Final = 0.002
"""Seconds from one end to the other and back, as between two sites of a region, and a little more:
asyncio's timers count in milliseconds."""

_LOOPBACK: Final = "127.0.0.1"


@contextmanager
def far(url: str, address: str) -> Iterator[str]:
    """`url`, which names the server at `address`, so that it seems to be `TRIP` away."""
    host, _, port = address.rpartition(":")
    command = [sys.executable, "-m", "benchmarks.links", host, port, str(TRIP / 2)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield url.replace(address, f"{_LOOPBACK}:{process.stdout.readline().strip()}")
        finally:
            process.kill()


class End(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._other: asyncio.Future[asyncio.Transport] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def meet(self, other: "End") -> None:
        self._other.set_result(other.transport)

    def data_received(self, data: bytes) -> None:
        self._other.add_done_callback(partial(self._send, data))

    def _send(self, data: bytes, other: "asyncio.Future[asyncio.Transport]") -> None:
        self._loop.call_later(self._delay, other.result().write, data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other.done():
            self._other.result().close()


class Near(End):
    """The end of whoever has come; it opens the other one."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        super().__init__(delay)
        self._to = host, port
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._meeting = self._loop.create_task(self._open())

    async def _open(self) -> None:
        _, end = await self._loop.create_connection(partial(End, self._delay), *self._to)
        end.meet(self)
        self.meet(end)


async def _pass_on(host: str, port: int, delay: float) -> None:
    near = partial(Near, host, port, delay)
    server = await asyncio.get_running_loop().create_server(near, _LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_pass_on(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
