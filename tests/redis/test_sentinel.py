"""What Sentinels watch: who is no longer the master is not asked, and what was lost is absent."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Sentinel
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError
from redis.backoff import NoBackoff

from cachekit import Key
from cachekit_redis.node import Node
from cachekit_redis.sentinels import Sentinels, Watch
from cachekit_redis.servers import One
from cachekit_redis.settings import Settings
from tests.redis.lives import NAME, PATIENCE, STORED, Origin, User, connecting, using
from tests.redis.scripted import NOTHING, bulk, many, scripted
from tests.servers.fixtures import Starter
from tests.servers.sentinel import SERVICE, RedisSentinel
from tests.stores.scripted import Asked, silent, told, until

SLOW = "ck:v:n:slow"


async def test_a_failover_that_loses_what_was_forgotten_serves_none_of_it(start: Starter) -> None:
    """Nor does a load from before it fill, and the old master that comes back is not asked."""
    service = start(RedisSentinel())
    load = SlowLoad()
    async with using(service) as user, using(service) as other:
        await user.fill()
        assert await other.get() == "old"
        flight = asyncio.create_task(user.cache.get_or_set("slow", load, tags=["t"]))
        await load.begun.wait()
        service.part()
        user.origin.now = other.origin.now = "new"
        await user.cache.invalidate(Key("k"), Key("slow"))
        assert await user.get() is None
        service.master.kill()
        service.wait()
        assert service.replica.command("EXISTS", STORED, SLOW) == 2
        assert [await each.get() for each in (user, other)] == [None, None]
        load.go_on.set()
        assert await flight == "old"
        assert await other.cache.get("slow") is None
        assert await user.get_or_set() == "new"
        assert await other.get() == "new"
        service.master.start()
        async with using(service) as later:
            assert await later.get() == "new"


class SlowLoad:
    """Loads `old`, which it has until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> str:
        self.begun.set()
        await self.go_on.wait()
        return "old"


@pytest.mark.parametrize("ready", [False, pytest.param(True, marks=pytest.mark.long)])
async def test_a_master_that_was_replaced_while_it_was_well_is_not_asked(
    start: Starter, monkeypatch: pytest.MonkeyPatch, ready: bool
) -> None:
    """It takes itself for a master for some seconds more, and forgets what is lost then."""
    monkeypatch.setattr("cachekit_redis.sentinels.CHECKED", 0.0)
    service = start(RedisSentinel())
    sentinels: Any = Sentinel([("127.0.0.1", service.sentinel.port)])  # type: ignore[no-untyped-call]
    once = Retry(NoBackoff(), 0)
    client = sentinels.master_for(SERVICE, retry=once, protocol=3)
    user = User(client if ready else service.url, Origin())
    async with using(service) as other:
        await user.fill()
        service.failover()
        async with asyncio.timeout(10):
            while await user.get() is not None:
                pass
        assert service.master.command("ROLE")[0] == b"master"
        assert await user.get_or_set() == "old"
        assert service.replica.command("EXISTS", STORED)
        await user.cache.invalidate(Key("k"))
        assert not service.replica.command("EXISTS", STORED)
        assert await other.get() is None
    await user.close()
    await client.aclose()
    await sentinels.aclose()


async def test_sentinels_are_asked_in_turn_and_first_who_has_told() -> None:
    """As Redis has it; in the list of all masters the new one is when all replicas follow it."""
    async with scripted(tells) as good, scripted(knows_nothing) as bad:
        addresses = [("127.0.0.1", each.port) for each in (bad, good)]
        sentinels: Any = Sentinels(addresses)  # type: ignore[no-untyped-call]
        assert await sentinels.discover_master("mine") == ("10.0.0.1", 6379)
        assert await sentinels.discover_master("mine") == ("10.0.0.1", 6379)
        assert sum(asked[0] == b"SENTINEL" for asked in bad.asked) == 1
        good.say = knows_nothing
        with pytest.raises(MasterNotFoundError, match="no Sentinel tells who is mine"):
            await sentinels.discover_master("mine")
        await sentinels.aclose()


def tells(asked: Asked) -> bytes:
    """A Sentinel whose master has just been replaced."""
    if asked == [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", b"mine"]:
        return many(bulk(b"10.0.0.1"), bulk(b"6379"))
    return many()


def knows_nothing(asked: Asked) -> bytes:
    """A Sentinel that watches something else."""
    return NOTHING


@pytest.mark.long
async def test_who_was_idle_hears_of_a_failover_with_the_first_reply(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old master was frozen, and goes on as if nothing had been."""
    monkeypatch.setattr("cachekit_redis.sentinels.IDLE", 0.0)
    service = start(RedisSentinel())
    async with using(service) as idle, using(service) as other:
        await idle.fill()
        service.master.freeze()
        service.wait()
        other.origin.now = "new"
        assert await other.get_or_set() == "new"
        service.master.thaw()
        assert service.master.command("ROLE")[0] == b"master"
        error = await told(idle.backend.read([NAME]))
        assert "at another address now" in str(error)
        assert await idle.get() == "new"


async def test_a_reply_counts_only_once_the_sentinels_were_heard_if_that_is_long_ago() -> None:
    async with scripted(lambda _: many(bulk(b"old"))) as old, scripted(silent) as sentinel:
        node = Node("mine", connecting(old.port), Settings())
        sentinels: Any = Sentinels([("127.0.0.1", sentinel.port)])  # type: ignore[no-untyped-call]
        servers = One(node, Watch(sentinels, "mine", node), PATIENCE)
        link = await node.link()
        asked = asyncio.ensure_future(servers.get([b"k"]))
        await until(lambda: [b"MGET", b"k"] in old.asked and not link.wire.load)
        await until(lambda: any(asked[0] == b"SENTINEL" for asked in sentinel.asked))
        sentinel.tell(many(bulk(b"10.0.0.1"), bulk(b"6379")))
        assert "at another address now" in str(await told(asked))
        await servers.close()


async def test_sentinels_that_are_gone_are_done_without() -> None:
    async with scripted(lambda _: many(bulk(b"there"))) as master, scripted() as sentinel:
        node = Node("mine", connecting(master.port), Settings())
        sentinels: Any = Sentinels([("127.0.0.1", sentinel.port)])  # type: ignore[no-untyped-call]
        sentinel.greet = lambda _: b"-ERR it is not well\r\n"
        servers = One(node, Watch(sentinels, "mine", node), PATIENCE)
        assert [data for data, _ in await servers.get([b"k"])] == [b"there"]
        await servers.close()
