"""The feed of changes: all that was announced, in order, however often the connection is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cachekit import Cache, Key, Prefix, Tag
from cachekit.backend import DONE, FEED, Write
from cachekit.entry import Entry, Kind
from cachekit_redis import RedisBackend
from cachekit_redis.feed import COUNT
from tests.redis.following import MOMENT, Follower, announce
from tests.redis.place import PATIENCE, Place
from tests.redis.scripted import ScriptedServer, bulk, introduced, many, scripted
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.stores.scripted import told

NO_TEXT: Final = "v:n:\udc80\x00 \r\n{}*ü"
STUB: Final = Entry(Kind.STUB, keep=60.0)


@pytest.fixture
async def follower(backend: RedisBackend) -> Follower:
    """Of `place`, from its present on."""
    follower = Follower(backend)
    await follower.begin()
    return follower


# -- what is told


async def test_it_begins_with_the_present_and_all_before_is_lost(
    place: Place, backend: RedisBackend
) -> None:
    await announce(backend, ["v:before"])
    first = await Follower(backend).ask()
    assert (first.keys, first.prefixes, first.lost, first.complete) == ((), (), True, False)
    follower = Follower(backend)
    await follower.begin()
    await announce(backend, ["v:after"])
    assert await follower.news() == ["v:after"]


async def test_where_nothing_was_announced_it_adds_what_tells_nothing(
    place: Place, backend: RedisBackend
) -> None:
    """Else it could not be known whether the first change was trimmed."""
    follower, another = Follower(backend), Follower(backend)
    await follower.begin()
    await another.begin()
    assert [list(fields) for fields in place.announced()] == [[b"m"]]
    await announce(backend, ["v:k"])
    assert await follower.news() == await another.news() == ["v:k"]


async def test_nothing_new_is_an_answer_too(follower: Follower) -> None:
    before = follower.position
    news = await follower.ask()
    assert (*news.keys, *news.prefixes, news.lost, news.complete) == (False, True)
    assert follower.position == before


@pytest.mark.parametrize("protocol", [2, 3])
async def test_keys_and_prefixes_are_told_in_order(place: Place, protocol: int) -> None:
    join = "&" if "?" in place.url else "?"
    backend = RedisBackend(
        f"{place.url}{join}protocol={protocol}", prefix=place.prefix, timeout=PATIENCE
    )
    follower = Follower(backend)
    await follower.begin()
    for key in ("v:b", "v:a", NO_TEXT, "v:b"):
        await announce(backend, [key])
    assert await backend.write([Write("v:unheard", STUB)]) == [DONE]
    assert await backend.forget_prefix(["v:n:", NO_TEXT]) is DONE
    news = await follower.ask()
    assert list(news.keys) == ["v:b", "v:a", NO_TEXT, "v:b"]
    assert list(news.prefixes) == ["v:n:", NO_TEXT]
    assert (news.lost, news.complete) == (False, True)
    await backend.close()


async def test_whatever_forgets_or_replaces_is_told_and_what_fills_is_not(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        await cache.get_or_set("k", lambda: 1, tags=["t"])
        assert await follower.news() == []
        await cache.set("k", 2)
        assert set(await follower.news()) == {"v:n:k"}
        await cache.invalidate(Key("k"))
        assert await follower.news() == ["v:n:k"]
        await cache.invalidate(Tag("t"))
        assert await follower.news() == ["t:n:t"]
        await cache.invalidate(Prefix("k"))
        assert (await follower.news())[-1] == "v:n:k*"


async def test_who_waits_hears_at_once(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    async with asyncio.timeout(PATIENCE):
        asking = await follower.waits(place.server_of("~changes"))
        await announce(backend, ["v:k"])
        assert (await asking).keys == ["v:k"]


async def test_a_backlog_is_told_in_parts_of_which_only_the_last_is_complete(
    redis_server: RedisServer, prefix: str
) -> None:
    """20,000 changes, so that the last full part might be taken for all there is."""
    place = Place(redis_server, prefix)
    backend = place.backend(changes=30_000)
    follower = Follower(backend)
    await follower.begin()
    keys = [f"v:{n}" for n in range(40 * COUNT)]
    for begin in range(0, len(keys), 2000):
        await announce(backend, keys[begin : begin + 2000])
    parts = [await follower.ask() for _ in range(41)]
    assert [len(part.keys) for part in parts] == [COUNT] * 40 + [0]
    assert [part.complete for part in parts] == [False] * 40 + [True]
    assert follower.heard == keys
    assert follower.losses == 0
    await backend.close()


# -- what it goes through


async def test_nothing_is_missed_or_told_twice_however_often_the_connection_is_cut(
    redis_server: RedisServer, prefix: str
) -> None:
    name = prefix.strip(":")
    place = Place(redis_server, prefix)
    backend = place.backend()
    reader = RedisBackend(f"{redis_server.url}?client_name={name}", prefix=prefix, timeout=PATIENCE)
    follower = Follower(reader)
    await follower.begin()
    keys = [f"v:{n}" for n in range(2000)]
    following = asyncio.create_task(follow(follower, keys[-1]))
    for begin in range(0, len(keys), 20):
        await announce(backend, keys[begin : begin + 20])
        if begin % 400 == 200:
            assert cut(redis_server, name)
    failures = await following
    assert failures >= 5
    assert follower.heard == keys
    assert follower.losses == 0
    for each in (reader, backend):
        await each.close()


async def follow(follower: Follower, last: str) -> int:
    """Until `last` is heard; how many questions failed."""
    failures = 0
    async with asyncio.timeout(PATIENCE):
        while last not in follower.heard[-COUNT:]:
            try:
                await follower.ask(0.05)
            except ConnectionError:
                failures += 1
    return failures


def cut(server: RedisServer, name: str) -> int:
    """Cut the connections that have this name, once there is one; how many there were."""
    lines: list[bytes] = server.command("CLIENT", "LIST").splitlines()
    ids = [line.split()[0][3:] for line in lines if f" name={name} ".encode() in line]
    return sum(server.command("CLIENT", "KILL", "ID", each) for each in ids)


@pytest.mark.parametrize("full", [False, True])
async def test_a_server_that_takes_nothing_more_is_followed(start: Starter, full: bool) -> None:
    """A new one, too, that has no stream yet."""
    place = Place(start(RedisServer()), "ck:")
    backend = place.backend()
    follower = Follower(backend)
    if full:
        await follower.begin()
    server = place.servers[0]
    server.together(
        ("CONFIG", "SET", "maxmemory-policy", "noeviction"), ("CONFIG", "SET", "maxmemory", 1)
    )
    if not full:
        await follower.begin()
    await announce(backend, ["v:k"])
    assert await backend.forget_prefix(["v:"]) is DONE
    assert await follower.news() == ["v:k", "v:*"]
    assert follower.losses == 0
    await backend.close()


@pytest.mark.parametrize("kind", ["one", "cluster"])
async def test_a_ready_client_is_followed(
    request: pytest.FixtureRequest, prefix: str, kind: str
) -> None:
    """On connections that the backend makes as the client's own are made."""
    never: Any = Retry(NoBackoff(), 0)
    client: Any
    if kind == "one":
        client = Redis(port=request.getfixturevalue("redis_server").port, retry=never)
    else:
        ports = [server.port for server in request.getfixturevalue("redis_cluster").servers]
        client = RedisCluster("127.0.0.1", ports[0], retry=never)
    backend = RedisBackend(client, prefix=prefix, timeout=PATIENCE)
    follower = Follower(backend)
    await follower.begin()
    await announce(backend, ["v:k"])
    assert await follower.news() == ["v:k"]
    await backend.close()
    await client.aclose()


# -- who has none


def test_who_announces_nothing_has_no_feed(redis_server: RedisServer) -> None:
    assert RedisBackend(redis_server.url).capability(FEED) is not None
    assert RedisBackend(redis_server.url, announce=False).capability(FEED) is None


@pytest.mark.parametrize(
    ("rights", "advice"),
    [
        (("-info",), r"does not tell its run_id.*grant the user \+info.*announce=False"),
        (("-xread",), r"grant the user \+xread, \+xrange and \+xrevrange.*'xread' command"),
        (("-xrange",), r"grant the user \+xread, \+xrange and \+xrevrange.*'xrange' command"),
    ],
)
async def test_a_right_that_is_missing_is_named(
    start: Starter, rights: Sequence[str], advice: str
) -> None:
    server = start(RedisServer())
    server.command("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", *rights)
    backend = RedisBackend(server.url.replace("redis://", "redis://u:p@"), timeout=PATIENCE)
    follower = Follower(backend)
    with suppress(ConnectionError):
        await follower.ask()
    with pytest.raises(ConnectionError, match=advice):
        await follower.ask()
    await backend.close()


async def test_a_replica_is_not_followed(start: Starter) -> None:
    master, server = start(RedisServer()), start(RedisServer())
    backend = RedisBackend(server.url, timeout=PATIENCE)
    follower = Follower(backend)
    await follower.begin()
    asking = await follower.waits(server)
    server.command("REPLICAOF", "127.0.0.1", master.port)
    for question in (asking, follower.ask(), follower.ask()):
        assert isinstance(await told(question), Exception)
    await backend.close()


async def test_something_else_under_the_name_of_the_stream_raises(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    place.ask("DEL", "~changes")
    place.ask("SET", "~changes", "no stream")
    for each in (follower, Follower(backend)):
        assert "WRONGTYPE" in str(await told(each.ask()))
    place.ask("DEL", "~changes")


# -- answers of no Redis


@pytest.fixture
async def strange() -> AsyncIterator[ScriptedServer]:
    async with scripted() as server:
        yield server


ENTRY: Final = many(bulk(b"1-0"), many(bulk(b"k"), bulk(b"v:k")))


@pytest.mark.parametrize(
    "reply",
    [
        b"+OK\r\n",
        b":1\r\n",
        b"*0\r\n",
        many(bulk(b"s")),
        many(many(bulk(b"s"), many()), many(bulk(b"s"), many())),
        b"%0\r\n",
        b"%1\r\n" + bulk(b"s") + b":5\r\n",
        b"-ERR odd\r\n",
    ],
)
async def test_an_answer_of_another_shape_raises(strange: ScriptedServer, reply: bytes) -> None:
    says = {b"XREVRANGE": many(ENTRY), b"XRANGE": many(ENTRY), b"XREAD": reply}
    strange.say = lambda asked: says[asked[0]]
    backend = RedisBackend(strange.url, timeout=PATIENCE)
    follower = Follower(backend)
    assert (await follower.ask()).lost
    assert isinstance(await told(follower.ask()), Exception)
    says[b"XREAD"] = b"_\r\n"
    assert (await follower.ask()).complete
    await backend.close()


async def test_a_server_that_is_too_busy_to_say_who_it_is_raises(strange: ScriptedServer) -> None:
    says = {b"XREVRANGE": many(ENTRY), b"XRANGE": many(ENTRY), b"XREAD": b"_\r\n"}
    strange.say = lambda asked: says[asked[0]]
    backend = RedisBackend(strange.url, timeout=PATIENCE)
    follower = Follower(backend)
    await follower.ask()
    strange.greet = lambda asked: (
        b"-BUSY a script\r\n" if asked[0] == b"INFO" else introduced(asked)
    )
    assert "does not say who it is: BUSY" in str(await told(follower.ask(MOMENT)))
    await backend.close()
