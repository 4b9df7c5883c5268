"""Time for tests that do not wait for it."""

import re
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from cachekit.testing.clock import FakeClock
from tests.servers.memcached import TIMEOUT, MemcachedServer
from tests.servers.ports import LOOPBACK
from tests.servers.waiting import until

_RESTLESS: Final = b"lru_crawler sleep 0"
"""Without, a dump takes ten times as long, and it rests meanwhile."""

_DUMP: Final = b"lru_crawler metadump hash\r\n"
"""With `all` instead, what moves from one list to another meanwhile might be missed."""

_END: Final = b"END\r\n"
_BUSY: Final = b"BUSY"
_ENDING: Final = re.compile(rb"^key=(\S+) exp=(\d+) ", re.MULTILINE)
"""What is kept for good has `exp=-1`."""

_GONE: Final = -1
"""An expiry that is over."""


class MovedClock(FakeClock):
    """Moves the time of servers, too: all below `prefix` that is to expire does so earlier.

    They count in whole seconds: a part of one counts once it has become one.
    """

    def __init__(self, servers: Iterable[MemcachedServer], prefix: str) -> None:
        super().__init__(time=time.time())
        self._servers = list(servers)
        self._prefix = prefix.encode()
        for server in self._servers:
            assert server.command(_RESTLESS) == b"OK"

    def advance(self, seconds: float) -> None:
        before = int(self.monotonic())
        super().advance(seconds)
        for server in self._servers:
            self._age(server, int(self.monotonic()) - before)

    def _age(self, server: MemcachedServer, seconds: int) -> None:
        now = time.time()
        with server.client() as client:
            for name, end in ends(server):
                if name.startswith(self._prefix):
                    end -= seconds
                    client.touch(name, end if end > now else _GONE)


def ends(server: MemcachedServer) -> Iterator[tuple[bytes, int]]:
    """The name of all that is to expire, and when: in seconds since 1970."""
    for name, end in _ENDING.findall(_dump(server)):
        yield unquote_to_bytes(name), int(end)


def _dump(server: MemcachedServer) -> bytes:
    """A line for each key; it refuses while it looks through them for itself."""
    dumped = b""

    def is_done() -> bool:
        nonlocal dumped
        dumped = b"".join(_lines(server))
        return not dumped.startswith(_BUSY)

    until(is_done, "a look at all keys")
    assert dumped.endswith(_END), dumped[-100:]
    return dumped


def _lines(server: MemcachedServer) -> Iterator[bytes]:
    with (
        socket.create_connection((LOOPBACK, server.port), TIMEOUT) as connection,
        connection.makefile("rwb") as file,
    ):
        file.write(_DUMP)
        file.flush()
        for line in file:
            yield line
            if not line.startswith(b"key="):
                return
