"""The load: connections that ask for one thing, again as soon as they have the answer.

Written by hand, so that it needs a fraction of what a server needs for an answer.
"""

import asyncio
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final, cast

from benchmarks.http_cores import cpu_seconds
from tests.servers.ports import LOOPBACK

PATIENCE: Final = 30.0
"""Seconds in which every connection has had an answer, or the benchmark ends."""
USUAL: Final = (
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("connection", "keep-alive"),
    ("user-agent", "benchmarks"),
)
"""What an HTTP client sends besides the host, httpx for one."""
_PAUSE: Final = 0.02
_END: Final = b"\r\n\r\n"


class WrongAnswerError(Exception):
    """A server sent another answer than the one asked for, or none."""


@dataclass(frozen=True)
class Answer:
    """What a server is to send: the status and the bytes of the body."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ask:
    """One request, to which all answers are the same, but for what is in their heads."""

    port: int
    path: str
    headers: tuple[tuple[str, str], ...]
    answer: Answer

    def request(self) -> bytes:
        """The bytes of it."""
        sent = (("host", f"{LOOPBACK}:{self.port}"), *USUAL, *self.headers)
        lines = [f"GET {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent)]
        return "\r\n".join(lines).encode() + _END


@dataclass(frozen=True)
class Sample:
    """One measurement. `latencies` are seconds; `answers` counts what was no part of it, too."""

    seconds: float
    latencies: "array[float]"
    busy: tuple[float, ...]
    """CPU time per second: ours, then that of the other processes, as they were named."""
    answers: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds


def fetch(port: int, path: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """One answer; blocks."""
    connection = HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=dict(headers))
        got = connection.getresponse()
        return Answer(got.status, got.read(), tuple(got.getheaders()))
    finally:
        connection.close()


async def drive(
    ask: Ask, connections: int, seconds: float, processes: Sequence[int] = ()
) -> Sample:
    """Ask from so many connections for so many seconds, after a fifth of it to warm up.

    Each connection has one answer at least, however short it is, and no question is left open.
    `processes`: whose CPU time is measured besides.

    Raises:
        WrongAnswerError: one answer was not `ask.answer`, or a connection was closed.
        TimeoutError: not all connections had an answer within `PATIENCE`.
    """
    load = Load(ask, connections)
    try:
        await load.connect()
        load.begin()
        await load.go_on(seconds / 5)
        began, used, warm = time.perf_counter(), _cpu_seconds(processes), len(load.latencies)
        await load.go_on(seconds)
        took = time.perf_counter() - began
        latencies = load.latencies[warm:]
        busy = tuple((b - a) / took for a, b in zip(used, _cpu_seconds(processes), strict=True))
        await load.drain()
        return Sample(took, latencies, busy, len(load.latencies))
    finally:
        load.close()


def _cpu_seconds(processes: Sequence[int]) -> list[float]:
    return [time.process_time(), *map(cpu_seconds, processes)]


class Load:
    """Keeps `connections` busy with `ask`."""

    def __init__(self, ask: Ask, connections: int) -> None:
        self.request = ask.request()
        self.answer = ask.answer
        self.status = f"HTTP/1.1 {ask.answer.status} ".encode()
        self.length = _length(ask.answer)
        self.latencies = array("d")
        self.open_questions = 0
        self.draining = True
        self.drained = asyncio.get_running_loop().create_future()
        self._ask = ask
        self._count = connections
        self._connections: list[Connection] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open all connections, and let each have an answer before the next is opened.

        A server that is busy takes them up slowly; those that wait would be measured with the rest.
        """
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            where = LOOPBACK, self._ask.port
            _, connection = await loop.create_connection(lambda: Connection(self), *where)
            self._connections.append(connection)
            connection.send()
            await self.drain()

    def begin(self) -> None:
        """Let all of them ask, and ask again."""
        self.draining = False
        for connection in self._connections:
            connection.send()

    async def go_on(self, seconds: float) -> None:
        """Let it run for so many seconds, and until there are as many answers as connections."""
        least = len(self.latencies) + self._count
        until = time.perf_counter() + seconds + PATIENCE
        await self._wait(seconds)
        while len(self.latencies) < least:
            if time.perf_counter() > until:
                raise self._late()
            await self._wait(_PAUSE)

    async def drain(self) -> None:
        """Ask nothing more, and wait for what was asked."""
        self.draining = True
        if self.open_questions:
            self.drained = asyncio.get_running_loop().create_future()
            await self._wait(PATIENCE, self.drained)
            if not self.drained.done():
                raise self._late()

    async def _wait(self, seconds: float, *others: asyncio.Future[None]) -> None:
        waited = [self._failure, *others]
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            self._failure.result()

    def _late(self) -> TimeoutError:
        return TimeoutError(f"{self._ask.path}: no answers for {PATIENCE:.0f} seconds")

    def fail(self, why: str) -> None:
        """End the measurement."""
        if not self._failure.done():
            self._failure.set_exception(WrongAnswerError(f"{self._ask.path}: {why}"))

    def close(self) -> None:
        """Close all connections, answered or not."""
        self._failure.cancel()
        for connection in self._connections:
            connection.transport.abort()


class Connection(asyncio.Protocol):
    """One of them: there is one question under way on it at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._got:
            data = self._got + data
        head = data.find(_END)
        if head < 0:
            self._got = data
            return
        load = self._load
        if not self._is_wanted(data, head):
            load.fail(f"wanted {load.status!r} with {load.length!r}, got {data[: head + 4]!r}")
        elif len(data) - head - 4 < len(load.answer.body):
            self._got = data
        elif data[head + 4 :] != load.answer.body:
            load.fail(f"another body than the first: {data[head + 4 :][:200]!r}")
        else:
            load.latencies.append(time.perf_counter() - self._began)
            load.open_questions -= 1
            if not load.draining:
                self.send()
            elif not load.open_questions:
                load.drained.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.fail(f"the server closed the connection: {exc!r}")

    def _is_wanted(self, data: bytes, head: int) -> bool:
        length = self._load.length
        return data.startswith(self._load.status) and (
            data.find(length, 0, head + 2) >= 0 or data[: head + 2].lower().find(length) >= 0
        )

    def send(self) -> None:
        """Ask; the answer is what comes next."""
        self._got = b""
        self._load.open_questions += 1
        self._began = time.perf_counter()
        self.transport.write(self._load.request)


def _length(answer: Answer) -> bytes:
    """What stands in the head of such an answer; a 304 may say how long the other one would be."""
    return (
        b"\r\n" if answer.status == 304 else f"\r\ncontent-length: {len(answer.body)}\r\n".encode()
    )
