"""What another life of a server has stored is absent: to readers, to conditions and to scripts."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection, ConnectionPool

from cachekit import InvalidationError, Key
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Backend, Write
from cachekit.entry import Entry, Kind
from cachekit_redis import RedisBackend
from cachekit_redis.life import OLDEST, SIZE, UNKNOWN, UnfitError, who
from cachekit_redis.node import Node
from cachekit_redis.settings import Settings
from tests.redis.lives import NAME, PATIENCE, STORED, Origin, Unnamed, User, using
from tests.redis.scripted import bulk, introduced, many, scripted, told
from tests.servers.doors import Door
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import until

RENAMED = ReplyError("ERR unknown command 'INFO'")
HELLO = {b"version": b"7.0.15", b"mode": b"standalone", b"role": b"master"}


def told_by(**fields: str) -> bytes:
    """An `INFO` with these fields, and those of a master that nobody else has."""
    said = {"run_id": "a", "redis_version": "7.0.15", "role": "master", "master_replid": "1"}
    return "".join(f"{name}:{value}\r\n" for name, value in (said | fields).items()).encode()


def who_tells(**fields: str) -> bytes:
    """The life of who tells this."""
    info = told_by(**fields)
    return who((info, info, HELLO)).life


@pytest.fixture
def every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked who they are with each command."""
    monkeypatch.setattr("cachekit_redis.node.CHECKED", 0.0)


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked who they are when a connection is opened, and never again."""
    monkeypatch.setattr("cachekit_redis.node.CHECKED", 1e9)


# -- names


def test_a_life_has_another_name_after_a_start_and_after_a_promotion() -> None:
    names = {
        who_tells(),
        who_tells(run_id="b"),
        who_tells(master_replid="2"),
        who_tells(run_id="b", master_replid="2"),
        UNKNOWN,
    }
    assert len(names) == 5
    assert {len(name) for name in names} == {SIZE}


def test_a_life_keeps_its_name() -> None:
    assert who_tells() == who_tells()


@pytest.mark.parametrize("hello", [HELLO, [word for item in HELLO.items() for word in item]])
def test_who_hides_its_life_still_tells_what_it_is(hello: object) -> None:
    assert who((RENAMED, RENAMED, hello)) == (b"", UNKNOWN)
    replica = {**HELLO, b"role": b"replica"}
    with pytest.raises(UnfitError, match="replica, not a master"):
        who((RENAMED, RENAMED, replica))
    with pytest.raises(UnfitError, match=r"Redis 6\.2\.14: use 7\.0 or newer"):
        who((RENAMED, RENAMED, {**HELLO, b"version": b"6.2.14"}))


def test_who_is_too_busy_to_tell_is_not_one_that_hides_its_life() -> None:
    busy = ReplyError("BUSY Redis is busy running a script")
    with pytest.raises(UnfitError, match="does not say who it is: BUSY"):
        who((busy, busy, HELLO))


def test_a_replica_of_a_cluster_may_be_asked_since_it_names_the_master() -> None:
    assert who_tells(role="slave", redis_mode="cluster")
    with pytest.raises(UnfitError):
        who_tells(role="slave")


@pytest.mark.parametrize("version", ["6.2.14", "5.0.0", "2.8.24"])
async def test_a_server_that_is_too_old_is_told_and_does_not_answer(version: str) -> None:
    async with scripted() as server:
        info = bulk(told_by(redis_version=version))
        server.greet = lambda asked: info if asked[0] == b"INFO" else introduced(asked)
        backend = RedisBackend(server.url)
        error = await told(backend.read(["v:n:k"]))
        assert isinstance(error, ConnectionError)
        assert str(error) == f"the server is Redis {version}: use {OLDEST}.0 or newer"
        assert all(asked[0] != b"MGET" for asked in server.asked)
        await backend.close()


# -- what is stored


@pytest.fixture(scope="module")
def changing(server_installed: str) -> Iterator[RedisServer]:
    """A server that may be given another life while it runs; each test keeps to its prefix."""
    with RedisServer(settings={"enable-debug-command": "yes"}) as server:
        yield server


def begin_another_life(server: RedisServer) -> None:
    """As the first replica, or a promotion, does: connections and data stay."""
    server.command("DEBUG", "CHANGE-REPL-ID")


@pytest.mark.usefixtures("every_time")
@pytest.mark.parametrize("announce", [False, True])
@pytest.mark.parametrize("kind", [Kind.PASS, Kind.STUB, Kind.TAG])
async def test_what_another_life_has_stored_is_absent_to_all(
    changing: RedisServer, prefix: str, kind: Kind, announce: bool
) -> None:
    backend = patient(changing.url, prefix)
    name = "t:k" if kind is Kind.TAG else NAME
    old, new = Entry(kind, keep=60.0), Entry(kind, keep=60.0)
    assert await backend.write([Write(name, old)]) == [DONE]
    begin_another_life(changing)
    assert await backend.read([name]) == {}
    over = Write(name, new, old.version, announce)
    gone = Write(name, None, old.version, announce)
    assert await backend.write([over, gone]) == [REFUSED, REFUSED]
    assert await backend.write([Write(name, new, ABSENT, announce)]) == [DONE]
    assert await version_in(backend, name) == new.version
    assert await backend.write([Write(name, old, ABSENT, announce)]) == [REFUSED]
    assert await backend.write([Write(name, old, new.version, announce)]) == [DONE]
    await backend.close()


@pytest.mark.usefixtures("every_time")
async def test_a_write_that_begins_in_one_life_takes_over_in_the_next(
    changing: RedisServer, prefix: str
) -> None:
    """The news that there is another life comes with what the first command has found."""
    backend = patient(changing.url, prefix)
    old, new = Entry(Kind.STUB, keep=60.0), Entry(Kind.STUB, keep=60.0)
    await backend.write([Write(NAME, old)])
    begin_another_life(changing)
    assert await backend.write([Write(NAME, new, ABSENT)]) == [DONE]
    assert await version_in(backend, NAME) == new.version
    await backend.close()


@pytest.mark.usefixtures("once")
async def test_what_is_written_by_who_has_not_heard_of_a_life_is_absent_in_it(
    changing: RedisServer, prefix: str
) -> None:
    late = patient(changing.url, prefix)
    stub, value = Entry(Kind.STUB, keep=60.0), Entry(Kind.STUB, keep=60.0)
    await late.write([Write(NAME, stub)])
    begin_another_life(changing)
    other = patient(changing.url, prefix)
    assert await late.write([Write(NAME, value, stub.version)]) == [DONE]
    assert await other.read([NAME]) == {}
    assert await other.write([Write(NAME, stub, ABSENT)]) == [DONE]
    assert await late.write([Write(NAME, value, stub.version)]) == [REFUSED]
    await late.close()
    await other.close()


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


def patient(url: str, prefix: str) -> RedisBackend:
    """A backend that waits long for its server."""
    return RedisBackend(url, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE)


async def version_in(backend: Backend, name: str) -> int | None:
    """The version of what is there."""
    entry = (await backend.read([name])).get(name)
    return entry.version if isinstance(entry, Entry) else None


# -- who hides it


@pytest.mark.parametrize("how", ["denied", "renamed"])
async def test_a_life_that_is_hidden_is_told_once_and_what_comes_back_is_served(
    start: Starter, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    server = start(hiding(how))
    user = User(server.url, Origin("old"))
    await user.fill()
    server.command("SAVE")
    await user.cache.delete("k")
    server.restart()
    assert await user.get() == "old"
    warnings = [each.getMessage() for each in caplog.records if "run_id" in each.getMessage()]
    assert len(warnings) == 1
    assert "as with trust_restart=True" in warnings[0]
    await user.close()


@pytest.mark.usefixtures("every_time")
@pytest.mark.parametrize("how", ["denied", "renamed"])
async def test_a_server_that_hides_its_life_still_has_to_be_a_master(
    start: Starter, how: str
) -> None:
    server = start(hiding(how))
    backend = RedisBackend(server.url)
    await backend.write([Write(NAME, Entry(Kind.STUB))])
    server.command("REPLICAOF", "127.0.0.1", "1")
    error = await told(backend.read([NAME]))
    assert "replica, not a master" in str(error)
    await backend.close()


@pytest.mark.usefixtures("every_time")
async def test_nothing_is_said_of_a_hidden_life_to_who_trusts_restarts(
    start: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(hiding("denied"))
    user = User(server.url, Origin(), trust_restart=True)
    await user.fill()
    assert caplog.record_tuples == []
    await user.close()


def hiding(how: str) -> RedisServer:
    """A server whose clients are not told its `INFO`."""
    if how == "renamed":
        return Unnamed()
    return RedisServer(door=Door(password="p", user="u", rights="~* &* +@all -info"))


# -- who is a master


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


def connecting(port: int) -> Callable[[], AbstractConnection]:
    """Makes connections to a server of this machine."""
    pool: ConnectionPool = ConnectionPool(host="127.0.0.1", port=port, protocol=3)
    return pool.make_connection
