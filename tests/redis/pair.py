"""A Cluster of two nodes that say what a test tells them to."""

from typing import Any, Final

from cachekit_redis import RedisBackend
from tests.redis.scripted import NOTHING, OK, ScriptedServer, bulk, many
from tests.stores.scripted import Asked, silent

TIMEOUT: Final = 60.0
HALF: Final = 8192
"""The first slot of the second node."""


class Pair:
    """Two nodes, each with half of the slots; the second one may be harmed."""

    def __init__(self, well: ScriptedServer, other: ScriptedServer) -> None:
        self.nodes = (well, other)
        self.well, self.other = well, other
        self.hosts = [b"127.0.0.1", b"127.0.0.1"]
        for node in self.nodes:
            node.say = self.say

    def say(self, asked: Asked) -> bytes:
        if asked[0] == b"CLUSTER":
            return self.map()
        return {b"GET": NOTHING, b"DEL": b":1\r\n"}.get(asked[0], OK)

    def map(self) -> bytes:
        ranges = [(0, HALF - 1), (HALF, 2 * HALF - 1)]
        return many(
            *(
                many(
                    b":%d\r\n" % first,
                    b":%d\r\n" % last,
                    many(bulk(host), b":%d\r\n" % node.port, bulk(b"id")),
                )
                for (first, last), host, node in zip(ranges, self.hosts, self.nodes, strict=True)
            )
        )

    def backend(self, timeout: float = TIMEOUT, **options: Any) -> RedisBackend:
        url = f"{self.well.url}?cluster=true"
        return RedisBackend(url, timeout=timeout, announce=False, **options)

    def falls_silent(self) -> None:
        self.other.say = silent
