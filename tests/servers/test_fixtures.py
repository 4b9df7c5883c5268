"""Where a server is not installed, a test is skipped, or fails in CI, and says how to get one."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.base import Server
from tests.servers.cluster import RedisCluster
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.servers.server import RedisServer

REDIS = "no redis-server and no valkey-server is installed. To get one: apt-get install redis"
MEMCACHED = "no memcached is installed. To get one: apt-get install memcached"


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [(RedisServer, REDIS), (RedisCluster, REDIS), (MemcachedServer, MEMCACHED)],
)
def test_what_is_started_is_all_that_is_needed(
    start: Starter,
    make: Callable[[], Server | RedisCluster],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=reason):
        start(make())
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=reason):
        start(make())
