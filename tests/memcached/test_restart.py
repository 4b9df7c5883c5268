"""A server that comes back empty: its CAS ids begin anew, and what is old fills nothing."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from cachekit import Cache, Key
from cachekit.backend import Backend
from cachekit_memcached import MemcachedBackend
from tests.memcached.trusting import TrustsIds, cas_id
from tests.races.rivals import Rivalry
from tests.races.store import DEADLINE, Store
from tests.races.verdicts import LONG
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer

PATIENCE = 5.0
RESTARTS = 40
HOT = "v:n:hot"
"""The store key of `hot` in the cache `n`."""


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stub is written twice while its load is under way: that takes another CAS id."""
    monkeypatch.setattr("cachekit.loader.LEASE", 3600.0)


class Loading:
    """A load of `hot` by `cache`, which has read `number`, and ends when it is told to."""

    def __init__(self, cache: Cache, number: int) -> None:
        self._cache = cache
        self._number = number
        self._begun, self._may_end = asyncio.Event(), asyncio.Event()
        self._call = asyncio.ensure_future(cache.get_or_set("hot", self._load, tags=["t"]))

    async def _load(self) -> int:
        self._begun.set()
        await self._may_end.wait()
        return self._number

    async def stub(self, server: MemcachedServer) -> bytes:
        """The CAS id of what says that it is under way."""
        await self._begun.wait()
        return cas_id(server, HOT)

    async def end(self) -> None:
        """Return when its fill has been decided on."""
        await has_connection(self._cache)
        self._may_end.set()
        assert await self._call == self._number


async def has_connection(cache: Cache) -> None:
    """Return when there is one, again: the last one may have yet to be seen to have ended."""
    unreached = None
    while unreached != cache.stats().unreached:
        unreached = cache.stats().unreached
        await cache.exists("nothing")


@asynccontextmanager
async def two_caches(
    server: MemcachedServer, made: Callable[[Backend], Backend]
) -> AsyncGenerator[list[Cache]]:
    """Two processes, as it were."""
    backends = [
        MemcachedBackend(server.url, timeout=PATIENCE, connect_timeout=PATIENCE) for _ in range(2)
    ]
    caches = [Cache(made(backend), namespace="n", deadline=PATIENCE) for backend in backends]
    try:
        yield caches
    finally:
        for cache in caches:
            await cache.close()


class Counted(NamedTuple):
    """What became of fills by loads that had begun before a restart; `served`: and were seen."""

    accepted: int
    served: int
    refused: int


async def old_fills(
    server: MemcachedServer, restarts: int, made: Callable[[Backend], Backend]
) -> Counted:
    """Each time a load is under way whose stub was the first entry that the server had, what it has
    read is forgotten, the server is restarted, and the other process is the first to ask: for the
    same key, so that its stub has the same CAS id.
    """
    accepted = served = 0
    async with two_caches(server, made) as caches:
        old = Loading(caches[0], 0)
        stub = await old.stub(server)
        for number in range(1, restarts + 1):
            cache = caches[number % 2]
            await cache.invalidate(Key("hot"))
            await asyncio.to_thread(server.restart)
            await has_connection(cache)
            new = Loading(cache, number)
            assert await new.stub(server) == stub
            await old.end()
            accepted += cas_id(server, HOT) != stub
            served += await cache.get("hot") is not None
            old = new
        refused = sum(cache.stats().refused_fills for cache in caches)
        await old.end()
    return Counted(accepted, served, refused)


@pytest.mark.usefixtures("once")
async def test_what_was_loaded_before_a_restart_fills_nothing(start: Starter) -> None:
    counted = await old_fills(start(MemcachedServer()), RESTARTS, lambda backend: backend)
    assert counted == Counted(accepted=0, served=0, refused=RESTARTS)


@pytest.mark.usefixtures("once")
async def test_who_trusts_a_cas_id_alone_is_seen_to_accept_it(start: Starter) -> None:
    """It is the one that the stub had, and another's: the version tells them apart.

    Served it is not even then, for the records that it carries were lost with the server.
    """
    server = start(MemcachedServer())
    counted = await old_fills(server, 5, lambda backend: TrustsIds(backend, server))
    assert counted == Counted(accepted=5, served=0, refused=0)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_nobody_gets_what_was_forgotten_before_a_restart(start: Starter) -> None:
    """Several processes that read and write all along."""
    server = start(MemcachedServer())
    url = f"{server.url}?timeout={DEADLINE}&connect_timeout={DEADLINE}"
    restarts = 0
    with ThreadPoolExecutor(1) as threads:
        race = threads.submit(Rivalry(Store(url), reads=LONG).run, patience=300)
        while not wait([race], timeout=0.25).done:
            server.restart()
            restarts += 1
    report = race.result()
    print(restarts, report)
    assert report.wrong == 0, report
    assert restarts >= RESTARTS
    assert report.hits > LONG / 4
    assert report.met > LONG / 50
    assert report.refused > 0
