"""What was lost of the stream is said, and never passed over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final

import pytest

from cachekit_redis import RedisBackend
from tests.redis.following import Follower, announce
from tests.redis.lives import begin_another_life
from tests.redis.place import PATIENCE, Place
from tests.redis.test_restart import Disk
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually
from tests.stores.scripted import told

LATER: Final = 10**13
"""Milliseconds of an id that no clock has given yet."""


@pytest.fixture(scope="module")
def server(server_installed: str) -> Iterator[RedisServer]:
    """A server that each test may empty."""
    with RedisServer(settings={"enable-debug-command": "yes"}) as server:
        yield server


@pytest.fixture
def place(server: RedisServer, prefix: str) -> Place:
    return Place(server, prefix)


@pytest.fixture
async def backend(place: Place) -> AsyncIterator[RedisBackend]:
    backend = place.backend(changes=100)
    await backend.open()
    yield backend
    await backend.close()


@pytest.fixture
async def follower(backend: RedisBackend) -> Follower:
    """It has heard of one change."""
    follower = Follower(backend)
    await follower.begin()
    await announce(backend, ["v:heard"])
    assert await follower.news() == ["v:heard"]
    return follower


async def has_lost(follower: Follower, backend: RedisBackend) -> None:
    """It says so, is not complete by that, and hears then of what comes after it."""
    news = await follower.ask()
    assert (news.lost, news.complete) == (True, False)
    await hears(follower, backend)
    assert follower.losses == 1


async def hears(follower: Follower, backend: RedisBackend) -> None:
    await announce(backend, ["v:next"])
    assert await follower.news() == ["v:next"]


# -- trimmed


async def test_who_is_too_slow_has_lost_what_was_trimmed(
    backend: RedisBackend, follower: Follower
) -> None:
    await announce(backend, [f"v:{n}" for n in range(500)])
    await has_lost(follower, backend)


async def test_who_has_read_what_was_trimmed_has_lost_nothing(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    for begin in range(0, 500, 50):
        keys = [f"v:{n}" for n in range(begin, begin + 50)]
        await announce(backend, keys)
        assert await follower.news() == keys
    assert place.ask("XLEN", "~changes") <= 200
    assert follower.losses == 0


async def test_what_is_trimmed_up_to_the_entry_that_was_read_is_no_loss(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    await announce(backend, ["v:next"])
    place.ask("XTRIM", "~changes", "MAXLEN", 2)
    assert place.announced()[0] == {b"k": b"v:heard"}
    assert await follower.news() == ["v:next"]
    assert follower.losses == 0


async def test_what_is_trimmed_between_two_entries_may_be_a_loss(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    """The next change is still there; whether one before it was, nobody knows."""
    await announce(backend, ["v:gone", "v:there"])
    place.ask("XTRIM", "~changes", "MAXLEN", 1)
    await has_lost(follower, backend)


# -- emptied


async def test_a_stream_that_is_gone(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    place.ask("DEL", "~changes")
    await has_lost(follower, backend)


@pytest.mark.parametrize("ids", [[1], [LATER], [1, LATER], []], ids=str)
async def test_a_server_that_was_emptied_while_nobody_asked(
    place: Place, backend: RedisBackend, follower: Follower, ids: Sequence[int]
) -> None:
    """Its clock may have been set back meanwhile, and have passed the present since."""
    place.servers[0].command("FLUSHALL")
    for id in ids:
        place.ask("XADD", "~changes", f"{id}-0", "k", f"v:{id}")
    await has_lost(follower, backend)


@pytest.mark.parametrize("id", ["*", "1-0", f"{LATER}-0"])
async def test_a_server_that_is_emptied_while_the_question_waits(
    place: Place, follower: Follower, id: str
) -> None:
    asking = await follower.waits(place.servers[0])
    place.servers[0].command("FLUSHALL")
    place.ask("XADD", "~changes", id, "k", "v:k")
    if id == "1-0":  # no news to who waits for what comes later
        place.servers[0].command("CLIENT", "UNBLOCK", reader(place.servers[0]))
    news = await asking
    assert (news.lost, news.complete) == (True, False)


async def test_another_entry_with_the_id_that_was_read_last(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    id = place.ask("XREVRANGE", "~changes", "+", "-", "COUNT", 1)[0][0]
    place.servers[0].command("FLUSHALL")
    place.ask("XADD", "~changes", id, "k", "v:other")
    await has_lost(follower, backend)


def reader(server: RedisServer) -> str:
    """The number of the client whose question is kept."""
    listed: list[bytes] = server.command("CLIENT", "LIST").splitlines()
    (line,) = (line for line in listed if b" cmd=xread " in line and b" flags=b " in line)
    return line.split()[0].removeprefix(b"id=").decode()


# -- another life


@pytest.mark.parametrize("trust_restart", [False, True])
async def test_another_life_of_the_server_has_lost_something(
    place: Place, trust_restart: bool
) -> None:
    """Though the whole stream is there: it may have been another's, that has not heard of all."""
    backend = place.backend(trust_restart=trust_restart)
    follower = Follower(backend)
    await follower.begin()
    begin_another_life(place.servers[0])
    await has_lost(follower, backend)
    await backend.close()


async def test_a_life_that_begins_while_the_question_waits(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    asking = await follower.waits(place.servers[0])
    begin_another_life(place.servers[0])
    await announce(backend, ["v:k"])
    assert (await asking).lost


SAVED: Final = {"appendonly": "yes", "appendfsync": "always"}


@pytest.mark.parametrize("trust_restart", [False, True])
async def test_a_restart_that_loses_the_last_changes(start: Starter, trust_restart: bool) -> None:
    """The entry that was read last is there again, and the next one has an id that is later."""
    place = Place(start(RedisServer(settings=SAVED)), "ck:")
    backend = place.backend(trust_restart=trust_restart)
    follower = Follower(backend)
    await follower.begin()
    disk = Disk(place.servers[0])
    disk.save()
    await announce(backend, ["v:lost"])
    disk.crash()
    await is_answered(follower)
    assert follower.heard == []
    assert follower.losses == 1
    another = place.backend(trust_restart=trust_restart)
    await hears(follower, another)
    for each in (another, backend):
        await each.close()


async def test_a_new_server_at_the_same_address_whose_clock_is_behind(start: Starter) -> None:
    place = Place(start(RedisServer()), "ck:")
    backend = place.backend()
    follower = Follower(backend)
    await follower.begin()
    at = follower.position
    place.servers[0].restart()
    place.ask("XADD", "~changes", "1-0", "k", "v:k")
    await is_answered(follower)
    assert follower.losses == 1
    assert at != follower.position
    assert await follower.news() == []
    await backend.close()


async def is_answered(follower: Follower) -> None:
    """Ask until there is an answer; the first time the connection is gone."""
    async with asyncio.timeout(PATIENCE):
        while isinstance(await told(follower.ask()), ConnectionError):
            pass


# -- what is not understood


ODD: Final[dict[str, Callable[[Place], Any]]] = {
    "another field": lambda place: place.ask("XADD", "~changes", "*", "t", "n:t"),
    "two fields": lambda place: place.ask("XADD", "~changes", "*", "k", "v:a", "p", "v:"),
    "one more field": lambda place: place.ask("XADD", "~changes", "*", "k", "v:a", "until", "5"),
    "no text": lambda place: place.ask("XADD", "~changes", "*", "k", b"v:\xff"),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_only_newer_versions_tell_is_a_loss(
    place: Place, backend: RedisBackend, follower: Follower, odd: str
) -> None:
    """It may be anything that is to be forgotten."""
    await announce(backend, ["v:before"])
    ODD[odd](place)
    await announce(backend, ["v:after"])
    await has_lost(follower, backend)


@pytest.mark.parametrize("position", [object(), "1-0", 5])
async def test_what_is_no_position_of_it_is_none(
    backend: RedisBackend, follower: Follower, position: object
) -> None:
    follower.position = position
    await has_lost(follower, backend)


async def test_a_position_may_be_used_again(backend: RedisBackend, follower: Follower) -> None:
    before = follower.position
    await announce(backend, ["v:a", "v:b"])
    for _ in range(2):
        follower.position = before
        assert await follower.news() == ["v:a", "v:b"]
    assert follower.losses == 0


async def test_a_question_that_is_lost_is_asked_again(
    place: Place, backend: RedisBackend, follower: Follower
) -> None:
    """What the answer was is told to who asks next."""
    asking = await follower.waits(place.servers[0])
    await announce(backend, ["v:k"])
    asking.cancel()
    await eventually(asking.done, "the end of it")
    if asking.cancelled():
        assert await follower.news() == ["v:k"]
    assert follower.losses == 0
