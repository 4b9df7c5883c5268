"""When servers are asked who they are, and one that may become another."""

from collections.abc import Iterator

import pytest

from tests.servers.server import RedisServer


@pytest.fixture
def every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked who they are with each command."""
    monkeypatch.setattr("cachekit_redis.node.CHECKED", 0.0)


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked who they are when a connection is opened, and not again."""
    monkeypatch.setattr("cachekit_redis.node.CHECKED", 1e9)


@pytest.fixture(scope="module")
def changing(server_installed: str) -> Iterator[RedisServer]:
    """A server that may be given another life while it runs; each test keeps to its prefix."""
    with RedisServer(settings={"enable-debug-command": "yes"}) as server:
        yield server
