"""One server, or those of a Cluster, as a test looks at them."""

from collections.abc import Sequence
from typing import Any, Final

from cachekit.backend import ANY, Backend, Condition, Outcome, Write
from cachekit.entry import Entry
from cachekit_redis import RedisBackend
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer

PATIENCE: Final = 5.0
"""Seconds for an answer: the machine may be busy, and no answer is not what is tested."""


class Place:
    """Where entries are: by store key, below one prefix."""

    def __init__(self, servers: RedisServer | RedisCluster, prefix: str) -> None:
        self._servers = servers
        self.prefix = prefix
        self.url = servers.url

    @property
    def servers(self) -> Sequence[RedisServer]:
        """All that have keys."""
        return self._servers.servers if isinstance(self._servers, RedisCluster) else [self._servers]

    def backend(self, **options: Any) -> RedisBackend:
        """Another backend on it, not opened."""
        patience: dict[str, Any] = {"timeout": PATIENCE, "connect_timeout": PATIENCE}
        return RedisBackend(self.url, prefix=self.prefix, **patience | options)

    def name(self, key: str) -> bytes:
        """What the servers know it by."""
        return (self.prefix + key).encode("utf-8", "surrogatepass")

    def ask(self, command: str, key: str, *rest: str | bytes | float) -> Any:
        """What the server that has `key` answers to one command about it."""
        return self.server_of(key).command(command, self.name(key), *rest)

    def server_of(self, key: str) -> RedisServer:
        if isinstance(self._servers, RedisCluster):
            return self._servers.owner_of(self.name(key))
        return self._servers

    def held(self, key: str) -> tuple[Any, int]:
        """The bytes under `key`, and the milliseconds they are kept: -1 for good, -2 if absent."""
        return self.ask("DUMP", key), self.ask("PTTL", key)

    def announced(self) -> list[dict[bytes, bytes]]:
        """All that was announced, in order."""
        return [fields for _, fields in self.ask("XRANGE", "~changes", "-", "+")]


async def write(
    backend: Backend,
    key: str,
    entry: Entry | None,
    expected: int | Condition = ANY,
    *,
    announce: bool = False,
) -> Outcome:
    """What becomes of one write."""
    (outcome,) = await backend.write([Write(key, entry, expected, announce)])
    return outcome
