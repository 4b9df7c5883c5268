"""The connections of the feed: its own, one for each who waits, and gone when nobody does."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from cachekit_redis import RedisBackend
from tests.core.test_fork import in_child
from tests.redis.following import FOREVER, Follower, announce, blocked
from tests.redis.place import PATIENCE
from tests.redis.scripted import ScriptedServer, bulk, many, scripted
from tests.servers.cluster import RedisCluster
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually, until
from tests.stores.scripted import Asked, LoopClock, silent, told

Connected = Callable[[], int]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No exception that nobody looks at, no socket that nobody closes: each is a warning."""
    yield
    gc.collect()


@pytest.fixture
def url(redis_server: RedisServer, prefix: str) -> str:
    """Whose connections have a name."""
    return f"{redis_server.url}?client_name={prefix.strip(':')}&connections=1"


@pytest.fixture
def connected(redis_server: RedisServer, prefix: str) -> Connected:
    """How many of them there are."""
    name = f" name={prefix.strip(':')} ".encode()
    return lambda: redis_server.command("CLIENT", "LIST").count(name)


@pytest.fixture
async def backend(url: str, prefix: str) -> AsyncIterator[RedisBackend]:
    backend = RedisBackend(url, prefix=prefix, timeout=PATIENCE)
    await backend.open()
    yield backend
    await backend.close()


async def test_there_is_none_before_the_first_question_and_none_after_the_end(
    backend: RedisBackend, connected: Connected
) -> None:
    follower = Follower(backend)
    assert connected() == 0
    await follower.begin()
    assert connected() == 1
    await announce(backend, ["v:k"])
    assert await follower.news() == ["v:k"]
    assert connected() == 2
    await backend.close()
    await eventually(lambda: connected() == 0, "no connection")


async def test_reads_and_writes_do_not_wait_for_news(
    backend: RedisBackend, redis_server: RedisServer
) -> None:
    follower = Follower(backend)
    await follower.begin()
    asking = await follower.waits(redis_server)
    async with asyncio.timeout(PATIENCE):
        assert await backend.read(["v:k"]) == {}
    asking.cancel()


async def test_two_who_wait_do_not_wait_for_each_other(
    backend: RedisBackend, redis_server: RedisServer, connected: Connected
) -> None:
    followers = [Follower(backend) for _ in range(3)]
    for follower in followers:
        await follower.begin()
    assert connected() == 1
    asking = [await follower.waits(redis_server) for follower in followers]
    assert connected() == 3
    await announce(backend, ["v:k"])
    assert [list((await each).keys) for each in asking] == [["v:k"]] * 3


async def test_who_waits_longer_than_before_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a little longer, since servers are late; a connection made for less is given up."""
    monkeypatch.setattr("cachekit_redis.feed.LATE", 10.0)
    async with scripted() as server:
        server.say = lambda asked: many(many(bulk(b"1-0"), many(bulk(b"m"), bulk(b""))))
        backend = RedisBackend(server.url, timeout=1.0)
        follower = Follower(backend)
        await follower.ask(1.0)
        falls_silent_at(server, b"XREAD")
        clock = LoopClock()
        asking = asyncio.ensure_future(follower.ask(50.0))
        await eventually(lambda: server.greet is silent, "a question")
        for seconds in (49.0, 0.1, 6.9, 0.1):  # it gives a server some grace if the time has jumped
            clock.advance(seconds)
            for _ in range(20):
                await asyncio.sleep(0)
        assert not asking.done()
        clock.advance(10.0)
        assert isinstance(await told(asking), TimeoutError)
        await backend.close()


def falls_silent_at(server: ScriptedServer, command: bytes) -> None:
    """From that command on it answers nothing."""

    def say(asked: Asked) -> bytes:
        if asked[0] == command:
            server.greet = silent
        return b""

    server.say = say


# -- who gives up


async def test_who_is_cancelled_leaves_nothing_in_the_way(
    backend: RedisBackend, redis_server: RedisServer, connected: Connected
) -> None:
    follower = Follower(backend)
    await follower.begin()
    for _ in range(5):
        asking = await follower.waits(redis_server)
        asking.cancel()
        async with asyncio.timeout(PATIENCE):  # much less than the question may wait
            assert await follower.news() == []
    assert connected() == 1
    await eventually(lambda: blocked(redis_server) == 0, "no question there")


async def test_who_is_cancelled_at_any_moment_may_ask_again(
    backend: RedisBackend, redis_server: RedisServer
) -> None:
    follower = Follower(backend)
    await follower.begin()
    for steps in range(40):
        asking = asyncio.create_task(follower.ask(FOREVER))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await announce(backend, [f"v:{steps}"])
        async with asyncio.timeout(PATIENCE):
            assert f"v:{steps}" in await follower.news()
    assert follower.losses == 0


async def test_a_server_that_hangs_is_found_out(start: Starter) -> None:
    """On a connection that there is, and on one that is being made."""
    server = start(RedisServer())
    backend = RedisBackend(server.url, timeout=0.1)
    follower = Follower(backend)
    async with asyncio.timeout(PATIENCE):
        while isinstance(await told(follower.ask(0.05)), Exception):
            pass
        server.freeze()
        for _ in range(2):
            assert "Timeout" in type(await told(follower.ask(0.05))).__name__
    server.thaw()
    await backend.close()


# -- the end


async def test_who_waits_at_the_end_is_told_and_nobody_may_ask_after_it(
    backend: RedisBackend, redis_server: RedisServer
) -> None:
    follower = Follower(backend)
    await follower.begin()
    asking = await follower.waits(redis_server)
    await backend.close()
    for question in (asking, follower.ask()):
        assert "closed" in str(await told(question))


async def test_it_may_be_opened_again_and_nothing_is_missed(
    backend: RedisBackend, connected: Connected
) -> None:
    follower = Follower(backend)
    await follower.begin()
    await announce(backend, ["v:a"])
    await backend.close()
    await backend.open()
    assert await follower.news() == ["v:a"]
    assert follower.losses == 0
    assert connected() == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it is what asyncio says of such jobs
def test_who_goes_on_to_another_loop_leaves_no_connection_behind(
    url: str, prefix: str, connected: Connected
) -> None:
    backend = RedisBackend(url, prefix=prefix, timeout=PATIENCE)

    async def job() -> None:
        await backend.open()
        await Follower(backend).begin()

    for _ in range(3):
        with asyncio.Runner() as runner:
            runner.run(job())
    until(lambda: connected() <= 1, "all but the last to be gone")
    with asyncio.Runner() as runner:
        runner.run(job())
        runner.run(backend.close())
    until(lambda: connected() == 0, "the last connection to be closed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
def test_the_question_of_a_parent_outlives_its_children(
    request: pytest.FixtureRequest, prefix: str, kind: str
) -> None:
    """A child asks on a connection of its own."""
    place: RedisServer | RedisCluster = request.getfixturevalue(kind)
    backend = RedisBackend(place.url, prefix=prefix, timeout=PATIENCE)

    async def follow(keys: list[str]) -> None:
        follower = Follower(backend)
        await follower.begin()
        await announce(backend, keys)
        assert await follower.news() == keys

    def child() -> None:
        async def work() -> None:
            await backend.open()
            await follow(["v:child"])
            await backend.close()

        asyncio.run(work())

    with asyncio.Runner() as runner:
        runner.run(backend.open())
        runner.run(follow(["v:a"]))
        in_child(child)
        runner.run(follow(["v:b"]))
        runner.run(backend.close())
