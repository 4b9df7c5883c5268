"""A server that comes back with what it had saved: what had been deleted is not served."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping

import pytest

from cachekit import Cache, Key, Prefix, Tag
from tests.redis.lives import STORED, using
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

WAYS: Mapping[str, Callable[[Cache], Awaitable[object]]] = {
    "key": lambda cache: cache.invalidate(Key("k")),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "prefix": lambda cache: cache.invalidate(Prefix("k")),
    "delete": lambda cache: cache.delete("k"),
    "clear": lambda cache: cache.clear(),
    "set": lambda cache: cache.set("k", "new", tags=["t"]),
}
LOG: Mapping[str, str] = {"appendonly": "yes", "appendfsync": "always"}
SAVES: Mapping[str, Mapping[str, str]] = {"a snapshot": {}, "a log": LOG}


class Disk:
    """What is on the disk of a server; a machine that loses its power may lose the last writes."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._log = server.folder / "appendonlydir"
        self._copy = server.folder / "copy"

    def save(self) -> None:
        """Write all to the disk; a log is copied."""
        if self._log.exists():
            shutil.copytree(self._log, self._copy)
        else:
            self._server.command("SAVE")

    def crash(self) -> None:
        """`kill -9`, and start again with what there was when it was saved."""
        self._server.kill()
        if self._log.exists():
            shutil.rmtree(self._log)
            self._copy.rename(self._log)
        self._server.start()


@pytest.fixture(params=SAVES)
def server(start: Starter, request: pytest.FixtureRequest) -> RedisServer:
    return start(RedisServer(settings=SAVES[request.param]))


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_forgotten_is_not_served_by_a_server_that_brings_it_back(
    server: RedisServer, way: str
) -> None:
    async with using(server) as user, using(server) as other:
        await user.fill()
        assert await other.get() == "old"
        disk = Disk(server)
        disk.save()
        user.origin.now = other.origin.now = "new"
        await WAYS[way](user.cache)
        disk.crash()
        assert server.command("EXISTS", STORED)
        assert [await each.get() for each in (user, other)] == [None, None]
        assert [await each.get_or_set() for each in (user, other)] == ["new", "new"]
        assert (user.origin.loads, other.origin.loads) == (2, 0)
        assert await other.get() == "new"


async def test_a_load_from_before_the_restart_does_not_fill(server: RedisServer) -> None:
    loading, go_on = asyncio.Event(), asyncio.Event()

    async def load() -> str:
        loading.set()
        await go_on.wait()
        return "old"

    async with using(server) as user, using(server) as other:
        flight = asyncio.create_task(user.cache.get_or_set("k", load, tags=["t"]))
        await loading.wait()
        disk = Disk(server)
        disk.save()
        await other.cache.invalidate(Key("k"))
        disk.crash()
        assert server.command("EXISTS", STORED)
        await user.is_answered()
        go_on.set()
        assert await flight == "old"
        assert await other.get() is None
        other.origin.now = "new"
        assert await other.get_or_set() == "new"
        assert await user.get() == "new"


async def test_what_comes_back_is_served_to_who_trusts_restarts(server: RedisServer) -> None:
    async with using(server, trust_restart=True) as user:
        await user.fill()
        disk = Disk(server)
        disk.save()
        user.origin.now = "new"
        disk.crash()
        assert await user.get_or_set() == "old"
        assert user.origin.loads == 1


async def test_what_was_forgotten_comes_back_to_who_trusts_restarts(server: RedisServer) -> None:
    """Without its life in front, it would come back to everybody."""
    async with using(server, trust_restart=True) as user:
        await user.fill()
        disk = Disk(server)
        disk.save()
        await user.cache.invalidate(Key("k"))
        disk.crash()
        assert await user.get() == "old"
