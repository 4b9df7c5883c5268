"""After `os.fork` each process has connections of its own (R12)."""

import os

import pytest

from cachekit import Cache, Tag
from cachekit_redis import RedisBackend
from tests.core.test_fork import in_child
from tests.servers.server import RedisServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_a_child_and_its_parent_speak_on_connections_of_their_own(
    redis_server: RedisServer, prefix: str
) -> None:
    cache = Cache(RedisBackend(redis_server.url, prefix=prefix, timeout=5.0), namespace="x")

    def pid() -> int:
        return cache.sync.get_or_set("pid", os.getpid, ttl=60, tags=["t"])

    def child() -> None:
        assert [pid() for _ in range(50)] == [parent] * 50
        cache.sync.set("child", os.getpid())
        cache.sync.invalidate(Tag("t"))
        cache.sync.close()

    parent = pid()
    assert parent == os.getpid()
    in_child(child)
    assert cache.sync.get("pid") is None
    assert cache.sync.get("child") not in (None, parent)
    assert cache.stats().unreached == 0
    cache.sync.close()
