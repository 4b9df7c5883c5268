"""Three servers as the nodes of one store, and which of them has what."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final

from cachekit.keys import tag_key, value_key
from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer

SPACE: Final = "x"
"""The namespace of all caches on them."""


class Three:
    """They know nothing of each other: it is their names that say who has which key."""

    def __init__(self, servers: Sequence[MemcachedServer], prefix: str = "ck:") -> None:
        self.servers = servers
        self.prefix = prefix
        self._by_name = {server.address: server for server in servers}
        self._map = self.backend()

    def backend(self, **options: Any) -> MemcachedBackend:
        """Another backend on them, not opened."""
        addresses = [server.address for server in self.servers]
        return MemcachedBackend(addresses, prefix=self.prefix, **options)

    def others(self, server: MemcachedServer) -> list[MemcachedServer]:
        """All but one."""
        return [other for other in self.servers if other is not server]

    def server_of(self, key: str) -> MemcachedServer:
        """Which one has a store key."""
        return self._by_name[self._map.node_of(key)]

    def having(self, key: str) -> MemcachedServer:
        """Which one has the value that users call `key`."""
        return self.server_of(value_key(SPACE, key))

    def having_tag(self, tag: str) -> MemcachedServer:
        """Which one has the record of `tag`."""
        return self.server_of(tag_key(SPACE, tag))

    def keys_at(self, server: MemcachedServer, begin: str = "k") -> Iterator[str]:
        """Keys that begin so, whose values `server` has, without end."""
        names = (f"{begin}{number}" for number in count())
        return (name for name in names if self.having(name) is server)

    def tags_at(self, server: MemcachedServer) -> Iterator[str]:
        """Tags whose records `server` has, without end."""
        names = (f"tag{number}" for number in count())
        return (name for name in names if self.having_tag(name) is server)
