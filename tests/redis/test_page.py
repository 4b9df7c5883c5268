"""What docs/redis.md says is so."""

import ast
import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from cachekit import Cache, ConfigurationError, InvalidationError, Key, Prefix, Tag
from cachekit_redis import RedisBackend
from tests.redis.following import Follower
from tests.servers.cluster import RedisCluster, SlotMove, slot_of
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

PAGE = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
RIGHTS = next(line for line in PAGE.splitlines() if line.startswith("ACL SETUSER ")).split()[2:]
COMMANDS = {right[1:] for right in RIGHTS if right.startswith("+")}
OF_ONE = COMMANDS - {"cluster|slots", "asking"}
OF_CLUSTER = COMMANDS - {"mget", "select"}
SPOILT = "ck:v:shop:e"


def rows(heading: str) -> dict[str, Sequence[str]]:
    """The first table under a heading: its cells, by what the first of them says."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [re.split(r" *\| *", line)[1:-1] for line in re.findall(r"^\|.*", text, re.MULTILINE)]
    return {first: rest for first, *rest in cells[2:]}


def test_the_options_are_those_of_the_page() -> None:
    taken = signature(RedisBackend).parameters.values()
    options = {each.name: each.default for each in taken if each.name not in ("server", "clock")}
    told = {name.strip("`"): cells[0].strip("`") for name, cells in rows("Options").items()}
    assert {name: ast.literal_eval(default) for name, default in told.items()} == options


@pytest.mark.parametrize("url", [url.strip("`") for url in rows("Where it is")])
async def test_the_urls_are_taken(url: str) -> None:
    assert RedisBackend(url).settings == RedisBackend.from_url(url).settings
    await Cache(url, namespace="shop").close()


def test_a_client_as_it_comes_retries_and_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"this client retries.*Retry\(NoBackoff\(\), 0\)"):
        RedisBackend(Redis())


# -- rights


async def test_the_user_of_the_page_may_do_all_that_is_done_and_no_more(start: Starter) -> None:
    server = start(RedisServer())
    admit([server])
    server.command("SELECT", 1)
    await do_everything(as_user(server.url) + "/1", [server], server)
    assert done(server) >= OF_ONE
    assert denied([server]) == []


async def test_on_a_cluster_too(start: Starter) -> None:
    cluster = start(RedisCluster())
    admit(cluster.servers)
    await do_everything(as_user(cluster.url), cluster.servers, cluster.owner_of(SPOILT))
    await meet_a_move(as_user(cluster.url), cluster)
    assert set[str]().union(*map(done, cluster.servers)) >= OF_CLUSTER
    assert denied(cluster.servers) == []


@pytest.mark.parametrize("right", ["+mget", "+set", "+getrange", "+del", "+xadd", "+evalsha"])
async def test_a_right_that_is_missing_is_told(
    start: Starter, caplog: pytest.LogCaptureFixture, right: str
) -> None:
    server = start(RedisServer())
    admit([server])
    server.command("ACL", "SETUSER", "shop", right.replace("+", "-"))
    async with Cache(RedisBackend(as_user(server.url), timeout=5.0), namespace="shop") as cache:
        assert await cache.get_or_set("a", load, ttl=60) == "loaded"
        with suppress(InvalidationError):
            await cache.delete("a")
    assert "the cache does without its backend" in caplog.text


def as_user(url: str) -> str:
    return url.replace("redis://", "redis://shop:secret@")


def admit(servers: Sequence[RedisServer]) -> None:
    for server in servers:
        server.command("ACL", "SETUSER", *RIGHTS)
        server.command("CONFIG", "RESETSTAT")


def done(server: RedisServer) -> set[str]:
    stats: Mapping[str, Any] = server.command("INFO", "commandstats")
    return {name.removeprefix("cmdstat_") for name in stats}


def denied(servers: Sequence[RedisServer]) -> list[object]:
    return [entry for server in servers for entry in server.command("ACL", "LOG")]


async def load() -> str:
    return "loaded"


async def fail() -> str:
    raise LookupError


async def do_everything(url: str, servers: Sequence[RedisServer], owner: RedisServer) -> None:
    """`owner` has `SPOILT`."""
    backend = RedisBackend(url, timeout=5.0)
    async with Cache(backend, namespace="shop", deadline=5.0) as cache:
        follower = Follower(backend)
        await follower.begin()
        for ttl in (60, None):
            assert await cache.get_or_set("a", load, ttl=ttl, tags=["t"]) == "loaded"
            await cache.set("b", 1, ttl=ttl, tags=["t"])
            assert await cache.touch("b", 30)
            assert await cache.add("c", 1, ttl=ttl)
            await cache.delete("c")
            await cache.invalidate(Key("a"), Tag("t"), Prefix("b"))
            assert await cache.get("b") is None
            with pytest.raises(LookupError):
                await cache.get_or_set("d", fail)
            for server in servers:
                server.command("SCRIPT", "FLUSH")
        owner.command("SET", SPOILT, "what nobody can read")
        assert await cache.add("e", 1)
        await cache.clear()
        assert await follower.news()
        stats = cache.stats()
        assert (stats.unreached, stats.refused_fills, stats.unacknowledged) == (0, 0, 0)


async def meet_a_move(url: str, cluster: RedisCluster) -> None:
    key = "ck:v:shop:moved"
    move = SlotMove(cluster, slot_of(key), next(cluster.others(cluster.owner_of(key))))
    async with Cache(RedisBackend(url, timeout=5.0), namespace="shop", deadline=5.0) as cache:
        move.begin()
        assert await cache.get_or_set("moved", load) == "loaded"
        move.move_keys()
        assert await cache.get("moved") == "loaded"
        move.finish()


# -- what a call costs


async def test_a_call_goes_as_often_as_the_page_says(start: Starter) -> None:
    server = start(RedisServer())
    told = {call: int(cells[0]) for call, cells in rows("What a call costs").items()}
    assert await trips(RedisBackend(server.url, timeout=5.0, connections=1), [server]) == told


async def test_and_on_a_cluster(start: Starter) -> None:
    """All keys are on one of its servers here, so that what goes at once counts once."""
    cluster = start(RedisCluster())
    told = {call: int(cells[1]) for call, cells in rows("What a call costs").items()}
    backend = RedisBackend(cluster.url, prefix="{ck}:", timeout=5.0, connections=1)
    assert await trips(backend, cluster.servers) == told


async def trips(backend: RedisBackend, servers: Sequence[RedisServer]) -> dict[str, int]:
    counted: dict[str, int] = {}
    async with Cache(backend, namespace="shop", deadline=5.0) as cache:
        await cache.get_or_set("a", load, tags=["t"])
        for name, call in zip(rows("What a call costs"), calls(cache), strict=True):
            before = arrived(servers)
            await call()
            counted[name] = arrived(servers) - before - len(servers)  # that question itself
    return counted


def calls(cache: Cache) -> Sequence[Callable[[], Awaitable[object]]]:
    """What the rows of the page stand for, one after the other."""
    tagged = cache.get_or_set
    return [
        lambda: tagged("a", load, tags=["t"]),
        lambda: cache.get("a"),
        lambda: cache.get("nothing"),
        lambda: tagged("b", load, tags=["t"]),
        lambda: tagged("c", load, tags=["t", "never seen"]),
        lambda: cache.set("a", 1),
        lambda: cache.set("d", 1),
        lambda: cache.add("e", 1),
        lambda: cache.touch("d", 10),
        lambda: cache.invalidate(Key("a"), Tag("t"), Tag("never seen")),
        lambda: asyncio.gather(*(cache.get("d") for _ in range(100))),
    ]


def arrived(servers: Sequence[RedisServer]) -> int:
    return sum(int(server.command("INFO", "stats")["total_reads_processed"]) for server in servers)


# -- a primary that is cut off


async def test_a_primary_that_lacks_its_replicas_takes_no_writes(start: Starter) -> None:
    server = start(RedisServer())
    backend = RedisBackend(server.url, timeout=5.0)
    async with Cache(backend, namespace="shop", deadline=5.0) as cache:
        await cache.get_or_set("a", load, tags=["t"])
        server.command("CONFIG", "SET", "min-replicas-to-write", 1)
        for target in (Key("a"), Tag("t"), Prefix("a")):
            with pytest.raises(InvalidationError, match="NOREPLICAS"):
                await cache.invalidate(target)
        assert await cache.get_or_set("b", load) == "loaded"
        assert await cache.get("b") is None
