"""One memcached."""

import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedRWPair
from typing import Final, Self

from pymemcache.client.base import Client  # type: ignore[import-untyped]

from tests.servers.base import Server
from tests.servers.certificates import Certificates
from tests.servers.ports import LOOPBACK
from tests.servers.program import MEMCACHED

TIMEOUT: Final = 5.0
"""Seconds to wait for a connection, and for each answer."""

_NOBODY: Final = ("-u", "nobody")
"""Started by root, it wants to know as whom to run."""


class MemcachedClient(Client):  # type: ignore[misc]
    """pymemcache's client, which is closed at the end of a `with` block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MemcachedServer(Server):
    """A memcached, which has nothing more after a restart.

    Args:
        megabytes: how much it keeps before it evicts.
        options: more arguments of its program, such as `("-I", "2m")`.
        tls: speak TLS only, with these certificates; not all are built with it. The `url` is
            then the same as without.
    """

    kind = MEMCACHED

    def __init__(
        self,
        *,
        megabytes: int = 64,
        options: Sequence[str] = (),
        tls: Certificates | None = None,
    ) -> None:
        self._options = [*_tls_options(tls), "-m", str(megabytes), *options]
        self._tls = ssl.create_default_context(cafile=tls.authority) if tls else None

    @property
    def url(self) -> str:
        """Where a client comes in."""
        return f"memcached://{self.address}"

    def client(self, *, timeout: float = TIMEOUT) -> MemcachedClient:
        """A blocking client of raw bytes, which waits for so many seconds; to close.

        Every command is answered: what is written is there when the call returns.
        """
        return MemcachedClient(
            (LOOPBACK, self.port),
            connect_timeout=timeout,
            timeout=timeout,
            no_delay=True,
            default_noreply=False,
            tls_context=self._tls,
        )

    def command(self, line: bytes) -> bytes:
        r"""The first line of what it answers to `line`, both without the `\r\n` at their end.

        What follows a command is part of `line`: `b"set a 0 0 1\r\nx"`.

        Raises:
            OSError: no connection, one that was closed, or no answer in 5 seconds.
        """
        with self._connection() as connection:
            _write(connection, line)
            return _read(connection)

    def stats(self, *arguments: str) -> dict[str, str]:
        """What `stats` tells, by name, or `stats items` and the like; raises as `command()` does.

        Raises:
            ValueError: it knows no such `arguments`; the message is its answer.
        """
        told = dict[str, str]()
        with self._connection() as connection:
            _write(connection, " ".join(("stats", *arguments)).encode())
            while (line := _read(connection)).startswith(b"STAT "):
                _, name, value = str(line, "ascii").split(" ", 2)
                told[name] = value
        if line not in (b"END", b"RESET"):
            raise ValueError(line)
        return told

    def _command(self) -> list[str]:
        where = ["-l", LOOPBACK, "-p", str(self.port), "-U", "0"]
        return [self._program, *where, *(() if os.geteuid() else _NOBODY), *self._options]

    def _who_answers(self) -> int | None:
        with suppress(OSError):
            if self.command(b"version").startswith(b"VERSION "):
                return int(self.stats()["pid"])
        return None

    @contextmanager
    def _connection(self) -> Iterator[BufferedRWPair]:
        with (
            socket.create_connection((LOOPBACK, self.port), TIMEOUT) as plain,
            self._secured(plain) as connection,
            connection.makefile("rwb") as file,
        ):
            yield file

    def _secured(self, plain: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(plain, server_hostname=LOOPBACK) if self._tls else plain


def _tls_options(tls: Certificates | None) -> Sequence[str]:
    if tls is None:
        return ()
    return ("-Z", "-o", f"ssl_chain_cert={tls.certificate},ssl_key={tls.key}")


def _write(connection: BufferedRWPair, line: bytes) -> None:
    connection.write(line + b"\r\n")
    connection.flush()


def _read(connection: BufferedRWPair) -> bytes:
    line = connection.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError(f"closed after {line!r}")
    return line.removesuffix(b"\r\n")
