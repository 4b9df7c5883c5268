"""One redis-server."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.doors import OPEN, SOCKET, Door
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.processes import ProcessGroup
from tests.servers.program import server_program
from tests.servers.waiting import until

ATTEMPTS: Final = 5
"""So many ports are tried, if another process is faster to take them."""

_TAKEN: Final = ("Address already in use", "Failed listening on port", "bind:")

EMPTY: Final = '""'

_QUIET: Final = {
    "bind": LOOPBACK,
    "save": "",
    "appendonly": "no",
    "repl-diskless-sync": "no",
}


class ServerError(Exception):
    """The server ended instead of answering; the message is the end of its log."""


class RedisServer:
    """A redis-server (or valkey-server) on a free loopback port, in a folder of its own.

    A context manager: it answers when it is entered, and is gone with its data when it is left.
    It can be killed, frozen and restarted in between.

    Args:
        settings: lines of redis.conf, by name: `{"maxmemory": "3mb", "appendonly": "yes"}`.
        door: whom it lets in; everybody, unless said otherwise.
    """

    def __init__(self, *, settings: Mapping[str, str] | None = None, door: Door = OPEN) -> None:
        self._settings = {**_QUIET, **(settings or {})}
        self._door = door
        self._program = server_program()

    def __enter__(self) -> Self:
        self._home = TemporaryDirectory(prefix="redis-")
        self._group = ProcessGroup()
        try:
            self._start_anywhere()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._end()

    @property
    def folder(self) -> Path:
        """Where its data, its `redis.conf` and its `server.log` are."""
        return Path(self._home.name)

    @property
    def address(self) -> str:
        """Host and port, with a colon between."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Where and how a client comes in, with password and all."""
        return self._door.url(self.address)

    @property
    def unix_url(self) -> str:
        """The same through a socket in the file system; without password."""
        return f"unix://{self.folder / SOCKET}"

    @property
    def pid(self) -> int:
        """The process; another one after a restart."""
        return self._process.pid

    def client(self, *, timeout: float = 5.0) -> redis.Redis:
        """A blocking client, that waits for so many seconds and never tries again; to close."""
        return redis.Redis(
            LOOPBACK,
            self.port,
            protocol=3,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            **self._door.keeper(),
        )

    def command(self, *arguments: str | bytes | float) -> Any:
        """What it answers to one command, as redis-py reads it (`INFO` is a dict); blocks.

        Raises:
            redis.RedisError: an error reply, no connection, or no answer in 5 seconds.
        """
        execute: Callable[..., Any] = self._client.execute_command  # redis-py has no type for it
        return execute(*arguments)

    def together(self, *commands: Sequence[str | bytes | float]) -> list[Any]:
        """The answers to several commands in one MULTI; raises as `command()` does."""
        with self._client.pipeline() as pipeline:
            execute: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                execute(*command)
            return pipeline.execute()

    def kill(self) -> None:
        """End it by `kill -9`: what is not on disk is lost."""
        self._process.kill()
        self._process.wait()
        self._client.connection_pool.disconnect()

    def freeze(self) -> None:
        """Stop it from doing anything, with its connections open; `thaw()` or leaving ends it."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze()`."""
        self._process.send_signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it again after `kill()`: the same port, and what is on disk in its folder."""
        self._client = self.client()
        self._process = self._group.start(self._command(), self._log)
        until(self._answers, f"redis-server on port {self.port}")

    def restart(self) -> None:
        """`kill()`, then `start()`."""
        self.kill()
        self.start()

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _start_anywhere(self) -> None:
        for left in reversed(range(ATTEMPTS)):
            self.port = self._new_port()
            self._configure()
            try:
                self.start()
                return
            except ServerError as error:
                if not left or not any(said in str(error) for said in _TAKEN):
                    raise

    def _new_port(self) -> int:
        return free_port(with_bus="cluster-enabled" in self._settings)

    def _configure(self) -> None:
        text = "".join(f"{line}\n" for line in self._lines())
        (self.folder / "redis.conf").write_text(text)

    def _lines(self) -> Iterator[str]:
        lines = {"dir": str(self.folder), **self._door.lines(self.port), **self._settings}
        return (f"{name} {value or EMPTY}" for name, value in lines.items())

    def _command(self) -> list[str]:
        return [self._program, str(self.folder / "redis.conf")]

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise ServerError(self._log.read_text(errors="replace")[-2000:])
        try:
            info = self.command("INFO")
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        # Another process may have taken the port, and it may be a Redis as well.
        return bool(info["process_id"] == self.pid and not info.get("loading"))

    def _end(self) -> None:
        self._group.end()
        self._home.cleanup()
