"""Who is asked: a master, by all connections or by none; what they learn comes before replies."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection

from cachekit import InvalidationError, Key
from cachekit.backend import ANY, Write
from cachekit.entry import Entry, Kind
from cachekit_redis.node import Node
from cachekit_redis.prefixes import unlink_all
from cachekit_redis.servers import One
from cachekit_redis.settings import Settings
from cachekit_redis.wire import Command
from tests.redis.lives import (
    NAME,
    PATIENCE,
    STORED,
    begin_another_life,
    connecting,
    patient,
    told_by,
    using,
)
from tests.redis.scripted import bulk, introduced, many, scripted
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import until
from tests.stores.scripted import Asked, silent, told
from tests.stores.scripted import until as until_async


@pytest.mark.usefixtures("once")
async def test_one_connection_tells_the_others_that_there_is_another_life(
    changing: RedisServer, prefix: str
) -> None:
    node = Node("a server", connecting(changing.port), Settings(timeout=PATIENCE))
    first = await node.link()
    busy = first.wire.ask((("BLPOP", prefix, 10),))
    while (second := await node.link()) is first:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await second.ask((("RPUSH", prefix, "go on"),))
    await busy
    before = {first.life, second.life}
    begin_another_life(changing)
    first.look_anew()
    for link in (first, second):
        await link.ask((("PING",),))
    assert len(before) == len({first.life, second.life}) == 1
    assert first.life not in before
    await node.close()


async def test_when_a_name_leads_to_another_server_the_one_before_is_not_asked() -> None:
    """A moved address, or Sentinels: both servers may take themselves for masters."""
    async with scripted(silent) as old, scripted() as new:
        info = bulk(told_by(run_id="another"))
        new.greet = lambda asked: info if asked[0] == b"INFO" else introduced(asked)
        ways = [connecting(old.port), connecting(new.port)]
        node = Node("a name", lambda: ways.pop(0)(), Settings(timeout=PATIENCE))
        first = await node.link()
        asked = asyncio.ensure_future(first.ask((("GET", "k"),)))
        await until_async(lambda: [b"GET", b"k"] in old.asked)
        await node.link()
        error = await told(asked)
        assert str(error) == "a name is another server now"
        assert await node.ask((("ECHO", "new"),)) == ([b"new"], (await node.link()).life)
        await node.close()


async def test_a_scan_that_comes_upon_another_server_begins_again() -> None:
    """Its place in the one says nothing of the other."""
    async with scripted(empty) as old, scripted(empty) as new:
        info = bulk(told_by(run_id="another"))
        new.greet = lambda asked: info if asked[0] == b"INFO" else introduced(asked)
        old.say = lambda asked: many(bulk(b"7"), many())
        node = Moving([connecting(old.port), connecting(new.port)])
        await unlink_all(One(node), [b"ck:v:"])
        assert [asked[1] for asked in new.asked if asked[0] == b"SCAN"] == [b"7", b"0"]
        await node.close()


class Moving(Node):
    """After each answer it is at the next of some addresses, if there is one left."""

    def __init__(self, ways: list[Callable[[], AbstractConnection]]) -> None:
        super().__init__("a name", lambda: ways.pop(0)(), Settings(timeout=PATIENCE))
        self._ways = ways

    async def ask(self, commands: Sequence[Command]) -> tuple[list[Any], bytes]:
        answer = await super().ask(commands)
        if self._ways:
            self.leave_others(self.links, ("elsewhere", 0))
        return answer


def empty(asked: Asked) -> bytes:
    """A scan that finds nothing more."""
    return many(bulk(b"0"), many())


def make_replica(server: RedisServer, master: RedisServer) -> None:
    """By hand, with all connections left as they are."""
    server.command("REPLICAOF", "127.0.0.1", master.port)
    until(lambda: server.command("INFO").get("master_link_status") == "up", "a replica")


def make_master(server: RedisServer) -> None:
    """By hand, with all connections left as they are."""
    server.command("REPLICAOF", "NO", "ONE")


@pytest.mark.usefixtures("every_time")
async def test_the_first_replica_makes_what_was_stored_absent_and_harms_nobody(
    start: Starter,
) -> None:
    server, replica = start(RedisServer()), start(RedisServer())
    async with using(server) as user:
        await user.fill()
        make_replica(replica, server)
        assert await user.backend.read([NAME]) == {}
        user.origin.now = "new"
        await user.fill()
        make_master(replica)
        make_replica(replica, server)
        assert await user.get() == "new"


@pytest.mark.usefixtures("every_time")
async def test_a_server_that_was_made_a_replica_by_hand_is_not_asked(start: Starter) -> None:
    server, master = start(RedisServer()), start(RedisServer())
    async with using(server) as user:
        await user.fill()
        make_replica(master, server)
        make_master(master)
        make_replica(server, master)
        assert server.command("EXISTS", STORED)
        error = await told(user.backend.read([NAME]))
        assert "slave, not a master" in str(error)
        assert await user.cache.get("k") is None
        with pytest.raises(InvalidationError):
            await user.cache.delete("k")


@pytest.mark.usefixtures("every_time")
async def test_a_master_that_was_a_replica_meanwhile_serves_nothing_of_its_first_reign(
    start: Starter,
) -> None:
    server, other = start(RedisServer()), start(RedisServer())
    async with using(server) as user:
        make_replica(other, server)
        await user.fill()
        server.command("WAIT", 1, 5000)
        make_master(other)
        await user.cache.invalidate(Key("k"))
        make_replica(server, other)
        make_master(server)
        assert server.command("EXISTS", STORED)
        assert await user.get() is None


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("announce", [False, True])
async def test_who_says_that_it_is_read_only_is_left_at_once(
    start: Starter, announce: bool
) -> None:
    server = start(RedisServer())
    backend = patient(server.url, "")
    stub = Entry(Kind.STUB)
    await backend.write([Write(NAME, stub)])
    server.command("REPLICAOF", "127.0.0.1", "1")
    assert set(await backend.read([NAME])) == {NAME}
    for condition in (stub.version, ANY):
        error = await told(backend.write([Write(NAME, None, condition, announce)]))
        assert "READONLY" in str(error) or "slave, not a master" in str(error)
    assert "slave, not a master" in str(await told(backend.read([NAME])))
    await backend.close()


async def test_replies_that_come_with_the_news_of_a_replica_do_not_count() -> None:
    """What was asked after the question who it is, and was answered before that answer was read."""
    async with scripted(lambda asked: many(bulk(b"served"))) as server:
        node = Node("a server", connecting(server.port), Settings(timeout=PATIENCE))
        link = await node.link()
        info = bulk(told_by(role="slave"))
        server.greet = lambda asked: info if asked[0] == b"INFO" else introduced(asked)
        link.look_anew()
        first, second = (asyncio.ensure_future(link.ask((("MGET", "k"),))) for _ in range(2))
        errors = [await told(each) for each in (first, second)]
        assert ["slave, not a master" in str(error) for error in errors] == [True, True]
        await node.close()


async def test_what_is_learned_does_not_depend_on_who_asked_and_was_cancelled() -> None:
    async with scripted(lambda asked: many(bulk(b"served"))) as server:
        node = Node("a server", connecting(server.port), Settings(timeout=PATIENCE))
        link = await node.link()
        before = link.life
        info = bulk(told_by(run_id="another"))
        server.greet = lambda asked: info if asked[0] == b"INFO" else introduced(asked)
        link.look_anew()
        first = asyncio.ensure_future(link.ask((("MGET", "k"),)))
        await asyncio.sleep(0)
        first.cancel()
        await link.ask((("MGET", "k"),))
        assert link.life != before
        await node.close()
