"""A Redis of our own, to be killed, frozen, flushed and replaced."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
PAUSE = 0.02
"""Seconds between two looks whether it is up."""

LOOKS = 500
"""So many are taken."""

ANSWER = 2.0
"""Seconds for an answer."""

ATTEMPTS = 5
"""So many ports are tried, if another process is faster to take them."""

NONE = (
    "there is no redis-server and no valkey-server. To get one: make servers, or apt-get install "
    "redis-server (Debian, Ubuntu), dnf install valkey (Fedora), brew install redis (macOS)"
)


class RedisError(Exception):
    """There is no Redis to start, or it did not start."""


def program() -> str:
    """The path of redis-server, else of valkey-server: the system's, or of `make servers`."""
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{Path(sys.prefix) / 'bin'}"
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=path):
            return found
    raise RedisError(NONE)


class OwnRedis:
    """A redis-server on a free port of this host. It answers when it is entered.

    Its data is on disk, in `folder`, at most a second later than in memory: after a `kill()` it
    comes back with what it had.
    """

    def __init__(self, folder: Path) -> None:
        self._program = program()
        self._folder = folder
        self._servers = 0
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        for left in reversed(range(ATTEMPTS)):
            self.port = _free_port()
            try:
                await self.replace()
                break
            except RedisError:
                await self.kill()
                if not left:
                    raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    async def kill(self) -> None:
        """End it by `kill -9`, frozen or not."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def start(self) -> None:
        """Start it again after `kill()`, with the data that is on disk."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdin=DEVNULL, stdout=log, stderr=log
            )
        for _ in range(LOOKS):
            if await self._answers():
                return
            await asyncio.sleep(PAUSE)
        raise RedisError(f"no answer from Redis on port {self.port}")

    async def replace(self) -> None:
        """Put another server in its place, which is empty."""
        await self.kill()
        self._servers += 1
        self._home.mkdir()
        await self.start()

    def freeze(self) -> None:
        """Have it do nothing, with its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def flush(self) -> None:
        """Delete all that is in it."""
        answer = await self._ask("FLUSHALL")
        if answer != "+OK":
            raise RedisError(f"FLUSHALL was answered with {answer}")

    @property
    def _home(self) -> Path:
        return self._folder / f"redis-{self._servers}"

    @property
    def _log(self) -> Path:
        return self._home / "server.log"

    def _command(self) -> list[str]:
        where = ["--bind", HOST, "--port", str(self.port), "--dir", str(self._home)]
        return [self._program, *where, "--save", "", "--appendonly", "yes"]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _answers(self) -> bool:
        """Whether it has all of its data. Another process may have taken the port."""
        assert self._process is not None
        if self._process.returncode is not None:
            last_words = self._log.read_text(errors="replace")[-2000:]
            raise RedisError(f"Redis did not start: {last_words}")
        try:
            loaded = await self._ask("PING") == "+PONG"
            return loaded and f"process_id:{self._process.pid}\r" in await self._ask("INFO server")
        except RedisError:
            return False

    async def _ask(self, command: str) -> str:
        try:
            async with asyncio.timeout(ANSWER):
                return await _answer_to(command, self.port)
        except (OSError, EOFError) as error:
            raise RedisError(f"Redis does not answer {command}: {error!r}") from error


async def _answer_to(command: str, port: int) -> str:
    """What a Redis says: one line, or a text of several."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"{command}\r\n".encode())
        first = (await reader.readline()).decode().strip()
        if not first.startswith("$"):
            return first
        return (await reader.readexactly(int(first[1:]))).decode()
    finally:
        writer.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
