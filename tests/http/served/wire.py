"""A client of HTTP/1.1 that does by hand what others hide: go in the middle, ask twice in a row."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from tests.servers.ports import LOOPBACK

PATIENCE = 10.0
"""Seconds until a test fails that waits for what does not come."""


@dataclass(frozen=True)
class Answer:
    """A response as it came; `body` is what was in its chunks, if it came in chunks."""

    status: int
    lines: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.lines if each == name]

    def __getitem__(self, name: str) -> str:
        """The one value of a field."""
        [value] = self.all(name)
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    @property
    def is_hit(self) -> bool:
        return "hit" in self["cache-status"]


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection(LOOPBACK, port, limit=2**16))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def ask(self, path: str, method: str = "GET", **fields: str) -> None:
        """Send a request; `if_none_match=` is If-None-Match."""
        told = {"host": "test", **{name.replace("_", "-"): said for name, said in fields.items()}}
        lines = "".join(f"{name}: {said}\r\n" for name, said in told.items())
        self.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())

    async def get(self, path: str, method: str = "GET", **fields: str) -> Answer:
        """Ask, and have the whole answer."""
        self.ask(path, method, **fields)
        return await self.answer(bare=method == "HEAD")

    async def head(self) -> Answer:
        """Up to the empty line."""
        async with asyncio.timeout(PATIENCE):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text[:-4].split("\r\n")
        fields = [line.split(": ", 1) for line in lines]
        return Answer(int(first.split()[1]), [(name.lower(), said) for name, said in fields])

    async def answer(self, *, bare: bool = False) -> Answer:
        """A whole response; `bare`: to a HEAD."""
        head = await self.head()
        body = b"" if bare or head.status in (204, 304) else await self.body(head)
        return Answer(head.status, head.lines, body)

    async def body(self, head: Answer) -> bytes:
        if "content-length" in head:
            return await self.exactly(int(head["content-length"]))
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The chunks of a body, each as soon as it is there."""
        while chunk := await self.chunk():
            yield chunk

    async def chunk(self) -> bytes:
        """The next chunk; empty at the end."""
        async with asyncio.timeout(PATIENCE):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.exactly(size + 2))[:-2]

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(size)

    def cut(self) -> None:
        """Go, without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        await asyncio.sleep(0)


@asynccontextmanager
async def wire_to(port: int) -> AsyncGenerator[Wire]:
    wire = await Wire.to(port)
    try:
        yield wire
    finally:
        await wire.close()
