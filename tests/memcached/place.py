"""One server, or three, as a test looks at them."""

from collections.abc import Sequence
from typing import Any, Final

from cachekit_memcached import MemcachedBackend
from tests.memcached.back_door import MemcachedDoor
from tests.servers.memcached import MemcachedServer

PATIENCE: Final = 5.0
"""Seconds for an answer: the machine may be busy, and no answer is not what is tested."""


class Place:
    """Where entries are: by store key, below one prefix."""

    def __init__(self, servers: Sequence[MemcachedServer], prefix: str) -> None:
        self.servers = servers
        self.prefix = prefix
        self.door = MemcachedDoor(servers, prefix)

    def backend(self, **options: Any) -> MemcachedBackend:
        """Another backend on it, not opened."""
        addresses = [server.address for server in self.servers]
        patience = {"timeout": PATIENCE, "connect_timeout": PATIENCE}
        return MemcachedBackend(addresses, prefix=self.prefix, **patience | options)

    def put(self, key: str, data: bytes, *, expire: int = 0, flags: int = 0) -> None:
        """Write bytes under a store key, past all backends, where a backend would look for them."""
        with self._server_of(key).client() as client:
            client.set(self.name(key), data, expire=expire, flags=flags)

    def held(self, key: str) -> bytes | None:
        """What is under a store key."""
        with self._server_of(key).client() as client:
            data: bytes | None = client.get(self.name(key))
            return data

    def left(self, key: str) -> int | None:
        """Seconds for which what is there is kept: -1 for good, `None` if nothing is there."""
        told = self._server_of(key).command(b"mg %b t" % self.name(key))
        return None if told == b"EN" else int(told.removeprefix(b"HD t"))

    def name(self, key: str) -> bytes:
        """What the servers know it by."""
        return self.door.name(key)

    def _server_of(self, key: str) -> MemcachedServer:
        if len(self.servers) == 1:
            return self.servers[0]
        node = self.backend().node_of(key)
        return next(server for server in self.servers if server.address == node)
