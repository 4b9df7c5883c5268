"""The way into servers past the backend."""

from collections.abc import Callable, Sequence
from typing import Final

from cachekit.testing.backends import BackDoor
from cachekit_memcached.names import name_of
from tests.servers.memcached import MemcachedServer

_FOR_GOOD: Final = 0
"""An expiry that never comes."""


class MemcachedDoor(BackDoor):
    """Into some servers, of which one at most has a key."""

    def __init__(self, servers: Sequence[MemcachedServer], prefix: str) -> None:
        self._servers = servers
        self._prefix = prefix.encode()

    def has(self, key: str) -> bool:
        return bool(self.places(key))

    def drop(self, key: str) -> None:
        (server,) = self.places(key)
        server.command(b"delete " + self.name(key))

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        (server,) = self.places(key)
        name = self.name(key)
        with server.client() as client:
            client.set(name, change(client.get(name)), expire=_left(server, name))

    def name(self, key: str) -> bytes:
        """What servers know it by."""
        return name_of(self._prefix, key)

    def places(self, key: str) -> list[MemcachedServer]:
        """Those that have it."""
        name = self.name(key)
        return [server for server in self._servers if server.command(b"get " + name) != b"END"]


def _left(server: MemcachedServer, name: bytes) -> int:
    """Seconds for which it is kept, as a command says so."""
    told = server.command(b"mg %b t" % name)
    return max(_FOR_GOOD, int(told.removeprefix(b"HD t")))
