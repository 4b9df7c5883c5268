"""What another life of a server has stored is absent: to readers, to conditions and to scripts."""

import pytest
from hiredis import ReplyError

from cachekit.backend import ABSENT, DONE, REFUSED, Backend, Write
from cachekit.entry import Entry, Kind
from cachekit_redis import RedisBackend
from cachekit_redis.life import OLDEST, SIZE, UNKNOWN, UnfitError, who
from tests.redis.lives import NAME, Origin, Unnamed, User, begin_another_life, patient, told_by
from tests.redis.scripted import bulk, introduced, scripted
from tests.servers.doors import Door
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.stores.scripted import told

RENAMED = ReplyError("ERR unknown command 'INFO'")
HELLO = {b"version": b"7.0.15", b"mode": b"standalone", b"role": b"master"}


def who_tells(**fields: str) -> bytes:
    """The life of who tells this."""
    info = told_by(**fields)
    return who((info, info, HELLO)).life


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


def test_an_info_that_has_no_run_id_still_tells_the_role() -> None:
    info = told_by(run_id="").replace(b"run_id:\r\n", b"")
    assert who((info, info, None)) == (b"", UNKNOWN)
    replica = info.replace(b"role:master", b"role:slave")
    with pytest.raises(UnfitError, match="slave, not a master"):
        who((replica, replica, None))


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
