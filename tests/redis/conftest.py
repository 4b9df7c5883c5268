"""Fixtures of the tests of the Redis backend."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from cachekit_redis import RedisBackend
from tests.redis.place import Place
from tests.servers.cluster import RedisCluster
from tests.servers.server import RedisServer

KINDS: Final = {"one": "redis_server", "cluster": "redis_cluster"}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, prefix: str) -> Place:
    """A server and a Cluster, one after the other, which nobody harms."""
    servers: RedisServer | RedisCluster = request.getfixturevalue(KINDS[request.param])
    return Place(servers, prefix)


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[RedisBackend]:
    """A backend on `place`, open."""
    backend = place.backend()
    await backend.open()
    yield backend
    await backend.close()


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
