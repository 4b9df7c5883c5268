"""Fixtures of the tests of the memcached backend."""

from collections.abc import AsyncIterator, Sequence

import pytest

from cachekit_memcached import MemcachedBackend
from tests.memcached.place import Place
from tests.servers.memcached import MemcachedServer


@pytest.fixture(params=["one", "three"])
def place(request: pytest.FixtureRequest, prefix: str) -> Place:
    """A server and three, one after the other, which nobody harms."""
    fixture = "memcached_server" if request.param == "one" else "three_memcacheds"
    found: MemcachedServer | Sequence[MemcachedServer] = request.getfixturevalue(fixture)
    return Place([found] if isinstance(found, MemcachedServer) else found, prefix)


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[MemcachedBackend]:
    """A backend on `place`, open."""
    backend = place.backend()
    await backend.open()
    yield backend
    await backend.close()
