"""After `os.fork` each process has connections of its own (R12)."""

import os
from collections.abc import Iterator, Sequence

import pytest

from cachekit import Cache, Tag
from cachekit_memcached import MemcachedBackend
from tests.core.test_fork import in_child
from tests.memcached.guests import all_gone, has_guests
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

KEYS = [f"{number}" for number in range(50)]
"""Each of three servers has some of them."""


@pytest.fixture(params=[1, 3])
def servers(request: pytest.FixtureRequest, start: Starter) -> Sequence[MemcachedServer]:
    return [start(MemcachedServer()) for _ in range(request.param)]


@pytest.fixture
def cache(servers: Sequence[MemcachedServer]) -> Iterator[Cache]:
    """In the end no connection is left."""
    backend = MemcachedBackend([server.address for server in servers], timeout=5.0)
    cache = Cache(backend, namespace="x", deadline=5.0)
    yield cache
    cache.sync.close()
    for server in servers:
        all_gone(server)


def test_a_child_and_its_parent_speak_on_connections_of_their_own(cache: Cache) -> None:
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


@pytest.mark.parametrize("rounds", [1, 5])
def test_the_connections_of_a_parent_outlive_its_children(
    servers: Sequence[MemcachedServer], cache: Cache, rounds: int
) -> None:
    """A child neither uses nor closes them, and what it opens it closes."""

    def child() -> None:
        assert cache.sync.get_many(KEYS) == dict.fromkeys(KEYS, "the parent's")
        for server in servers:
            has_guests(server, 2)
        cache.sync.close()
        for server in servers:
            has_guests(server, 1)

    cache.sync.set_many(dict.fromkeys(KEYS, "the parent's"))
    for _ in range(rounds):
        in_child(child)
        assert cache.sync.get_many(KEYS) == dict.fromkeys(KEYS, "the parent's")
        for server in servers:
            has_guests(server, 1)


def test_what_a_child_has_stored_is_what_its_parent_gets(cache: Cache) -> None:
    def child() -> None:
        cache.sync.set_many(dict.fromkeys(KEYS, "the child's"))
        cache.sync.close()

    cache.sync.set_many(dict.fromkeys(KEYS, "the parent's"))
    in_child(child)
    assert cache.sync.get_many(KEYS) == dict.fromkeys(KEYS, "the child's")
