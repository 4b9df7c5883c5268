"""The wire on other event loops, and on other ways to a server."""

import asyncio
import gc

import pytest

from cachekit_redis import RedisBackend
from tests.redis.place import PATIENCE
from tests.redis.scripted import scripted
from tests.servers.server import RedisServer
from tests.servers.waiting import until as wait_until
from tests.stores.loops import LOOPS, job, use
from tests.stores.scripted import silent, told


@pytest.fixture(params=["tcp", "tls", "socket"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "tls":
        server: RedisServer = request.getfixturevalue("tls_server")
        return server.url
    server = request.getfixturevalue("redis_server")
    return server.url if request.param == "tcp" else server.unix_url


@pytest.mark.parametrize("loop", LOOPS)
def test_it_works_on_each_loop_and_each_way(url: str, prefix: str, loop: str) -> None:
    backend = RedisBackend(url, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(use(backend))


async def lose() -> None:
    """A connection that hangs, one that is reset, and one that ends."""
    async with scripted(silent) as server:
        backend = RedisBackend(server.url, timeout=0.05)
        assert isinstance(await told(backend.read(["v:k"])), TimeoutError)
        server.say = lambda asked: server.hang_up() or b""  # type: ignore[func-returns-value]
        assert isinstance(await told(backend.read(["v:k"])), ConnectionError)
        server.say = lambda asked: b"?\r\n"
        assert isinstance(await told(backend.read(["v:k"])), ConnectionError)
        await backend.close()
    gc.collect()


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_lost_is_lost_on_each_loop(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(lose())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it is what asyncio says of such jobs
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("cluster", [False, True])
def test_who_goes_on_to_another_loop_leaves_no_connection_behind(
    request: pytest.FixtureRequest, prefix: str, loop: str, cluster: bool
) -> None:
    """Without waiting for the garbage collection, which may be long in coming."""
    place = request.getfixturevalue("redis_cluster" if cluster else "redis_server")
    servers: list[RedisServer] = place.servers if cluster else [place]
    name = prefix.strip(":")
    options = f"client_name={name}&connections=1"
    url = f"{place.url}&{options}" if cluster else f"{place.url}?{options}"

    def connected() -> int:
        lists: list[bytes] = [server.command("CLIENT", "LIST") for server in servers]
        return sum(listed.count(f"name={name} ".encode()) for listed in lists)

    backend = RedisBackend(url, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE)
    for _ in range(10):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(job(backend))
    wait_until(lambda: connected() <= 2, "all but the last to be gone")
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(job(backend))
        runner.run(backend.close())
    wait_until(lambda: not connected(), "the last connection to be closed")
    gc.collect()
