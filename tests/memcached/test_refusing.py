"""Servers that do less than they are asked for: one that is full, and one without CAS ids."""

import os
from typing import Final

import pytest

from cachekit import Cache, InvalidationError, Tag
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, UNREACHED, Write
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.subject import write
from tests.memcached.place import PATIENCE, Place
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.calls import asked_again

VERSION: Final = 5
LARGE: Final = os.urandom(100_000)


@pytest.fixture
def full(start: Starter, prefix: str) -> Place:
    """One that evicts nothing, and has no room left for larger entries."""
    server = start(MemcachedServer(megabytes=2, options=("-M",)))
    place = Place([server], prefix)
    number = 0
    while server.command(b"set %d 0 0 100000\r\n%b" % (number, bytes(100_000))) == b"STORED":
        number += 1
    return place


async def test_a_full_server_says_so(full: Place, caplog: pytest.LogCaptureFixture) -> None:
    """What it has no room for is an error; what it has is read, and deleted."""
    backend = full.backend()
    large = an_entry(version=6, payload=LARGE)
    for expected in (ANY, ABSENT):
        with pytest.raises(Exception, match=r"^out of memory storing object$"):
            await write(backend, "v:k", large, expected)
    await write(backend, "v:small", an_entry(version=VERSION))
    writes = [
        Write("v:huge", an_entry(payload=LARGE * 20)),
        Write("v:small", large, VERSION),
        Write("v:other", an_entry(version=VERSION)),
    ]
    assert await backend.write(writes) == [REFUSED, UNREACHED, DONE]
    assert sorted(await backend.read(["v:k", "v:small", "v:other"])) == ["v:other", "v:small"]
    told = "memcached does not do all that it is asked for: "
    assert [record.getMessage() for record in caplog.records] == [
        f"{told}object too large for cache",
        f"{told}out of memory storing object",
    ]
    full.servers[0].command(b"delete 0")
    assert await write(backend, "v:small", large, VERSION) is DONE
    await backend.close()


async def test_a_cache_goes_on_beside_a_full_server(full: Place) -> None:
    """What it loads is served, what is set by hand and not stored is an error."""
    async with Cache(full.backend(), namespace="n", deadline=PATIENCE) as cache:
        assert await cache.get_or_set("k", lambda: LARGE, tags=["t"]) == LARGE
        with pytest.raises(InvalidationError, match=r"Key\('k'\).*out of memory"):
            await cache.set("k", LARGE)
        await asked_again(cache)
        assert await cache.get("k") is None
        await cache.set("small", 1, tags=["t"])
        assert await cache.get("small") == 1
        await cache.invalidate(Tag("t"))
        assert await cache.get("small") is None


@pytest.fixture
def without_ids(start: Starter, prefix: str) -> Place:
    return Place([start(MemcachedServer(options=("-C",)))], prefix)


async def test_a_server_without_ids_for_cas(without_ids: Place) -> None:
    """What replaces nothing works on it; what replaces is an error that says how to start it."""
    backend = without_ids.backend()
    assert await write(backend, "v:k", an_entry(version=VERSION), ABSENT) is DONE
    assert await write(backend, "v:k", an_entry(), ABSENT) is REFUSED
    assert await write(backend, "v:k", an_entry(), 6) is REFUSED
    for entry in (an_entry(), None):
        with pytest.raises(Exception, match=r"^it gives no CAS ids, .* start it without -C$"):
            await write(backend, "v:k", entry, VERSION)
    assert list(await backend.read(["v:k"])) == ["v:k"]
    assert await write(backend, "v:k", None) is DONE
    await backend.close()


async def test_a_cache_on_a_server_without_ids(
    without_ids: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """It loads each time, stores nothing, and the log says why."""
    async with Cache(without_ids.backend(), namespace="n", deadline=PATIENCE) as cache:
        for number in range(3):
            assert await cache.get_or_set(f"{number}", lambda: 1) == 1
            assert await cache.get(f"{number}") is None
        with pytest.raises(InvalidationError, match="start it without -C"):
            await cache.set("k", 1)
    assert "it gives no CAS ids, which leases need: start it without -C" in caplog.text
