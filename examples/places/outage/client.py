"""A client that costs little: it shares the processors with what it measures."""

import asyncio
import json
import re
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from examples.places.demo.drive import AnswerError
from examples.places.demo.traffic import Ask

MOST = 50
"""Questions that are under way at once; the others wait here, not in the service."""

PATIENCE = 30.0
"""Seconds an answer may take."""

IDLE = 2.0
"""Seconds after which a connection is used no more: the service closes it after five."""


class Connection:
    """One connection, for one question after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._used = time.monotonic()

    @property
    def is_good(self) -> bool:
        """Whether it may be used for one more question."""
        return time.monotonic() - self._used < IDLE and not self._reader.at_eof()

    async def ask(self, ask: Ask) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        self._writer.write(_written(ask))
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)\r\n", head)
        if length is None:
            raise AnswerError(f"{ask.method} {ask.path}: an answer without a length")
        body = await self._reader.readexactly(int(length[1]))
        self._used = time.monotonic()
        return int(head.split(" ", 2)[1]), body

    def close(self) -> None:
        self._writer.close()


class Client:
    """Asks one service, on a connection for each question that is under way."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port
        self._idle: list[Connection] = []
        self._turn = asyncio.Semaphore(MOST)

    async def ask(self, ask: Ask) -> Any:
        """The answer; an `AnswerError` if it is an error, `OSError` or `EOFError` if none comes."""
        async with self._turn, asyncio.timeout(PATIENCE):
            return await self._ask(ask)

    async def _ask(self, ask: Ask) -> Any:
        connection = await self._connection()
        try:
            status, body = await connection.ask(ask)
        except BaseException:
            connection.close()
            raise
        if status >= 400:
            connection.close()  # after an error the service may do so, too
            raise AnswerError(f"{ask.method} {ask.path}: {status} {body.decode()[:200]}")
        self._idle.append(connection)
        return json.loads(body)

    def close(self) -> None:
        """Close what is open; nothing may be under way."""
        for connection in self._idle:
            connection.close()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_good:
                return connection
            connection.close()
        return Connection(*await asyncio.open_connection(self._host, self._port))


def _written(ask: Ask) -> bytes:
    query = f"?{urlencode(ask.query)}" if ask.query else ""
    body = b"" if ask.body is None else json.dumps(ask.body).encode()
    head = (
        f"{ask.method} {ask.path}{query} HTTP/1.1\r\nHost: places\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
