"""One redis-server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.base import Server
from tests.servers.doors import OPEN, SOCKET, Door
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.program import REDIS

EMPTY: Final = '""'

_QUIET: Final = {
    "bind": LOOPBACK,
    "save": "",
    "appendonly": "no",
    "repl-diskless-sync": "no",
}


class RedisServer(Server):
    """A redis-server (or valkey-server), whose folder has its `redis.conf` and its data, too.

    Args:
        settings: lines of redis.conf, by name: `{"maxmemory": "3mb", "appendonly": "yes"}`.
        door: whom it lets in; everybody, unless said otherwise.
    """

    kind = REDIS

    def __init__(self, *, settings: Mapping[str, str] | None = None, door: Door = OPEN) -> None:
        self._settings = {**_QUIET, **(settings or {})}
        self._door = door

    def __exit__(self, *_: object) -> None:
        self._client.close()
        super().__exit__()

    @property
    def url(self) -> str:
        """Where and how a client comes in, with password and all."""
        return self._door.url(self.address)

    @property
    def unix_url(self) -> str:
        """The same through a socket in the file system; without password."""
        return f"unix://{self.folder / SOCKET}"

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
        super().kill()
        self._client.connection_pool.disconnect()

    def start(self) -> None:
        """Start it again after `kill()`: the same port, and what is on disk in its folder."""
        self._client = self.client()
        super().start()

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

    def _who_answers(self) -> int | None:
        try:
            info = self.command("INFO")
        except (redis.ConnectionError, redis.TimeoutError):
            return None
        return None if info.get("loading") else int(info["process_id"])
