"""The connection on other event loops, and on other ways to a server."""

import asyncio
import gc
import ssl
from typing import Any

import pytest

from cachekit.backend import Unreached
from cachekit_memcached import MemcachedBackend
from tests.memcached.guests import all_gone, guests, has_guests
from tests.memcached.scripted import scripted
from tests.servers.certificates import Certificates
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.servers.waiting import eventually, until
from tests.stores.loops import LOOPS, job, use
from tests.stores.scripted import silent

PATIENCE = 5.0
KEYS = 50
"""Each of three servers has some of them."""


@pytest.fixture(params=["tcp", "tls"])
def backend(request: pytest.FixtureRequest, prefix: str) -> MemcachedBackend:
    server: MemcachedServer
    if request.param == "tcp":
        server = request.getfixturevalue("memcached_server")
        return patient(server, prefix=prefix)
    server = request.getfixturevalue("tls_memcached")
    certificates: Certificates = request.getfixturevalue("certificates")
    context = ssl.create_default_context(cafile=certificates.authority)
    return patient(server, prefix=prefix, conn_args={"ssl": context})


def patient(server: MemcachedServer, **options: Any) -> MemcachedBackend:
    patience: dict[str, Any] = {"timeout": PATIENCE, "connect_timeout": PATIENCE}
    return MemcachedBackend(server.url, **patience | options)


@pytest.mark.parametrize("loop", LOOPS)
def test_it_works_on_each_loop_and_each_way(backend: MemcachedBackend, loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(use(backend))


async def lose() -> None:
    """A connection that hangs, one that ends, and one where nobody knows what comes next."""
    async with scripted(silent) as server:
        hasty = MemcachedBackend([server.address], timeout=0.05, connect_timeout=PATIENCE)
        assert await why(hasty) is TimeoutError
        await hasty.close()
        backend = MemcachedBackend([server.address], timeout=PATIENCE, connect_timeout=PATIENCE)
        server.say = lambda asked: server.hang_up() or b""  # type: ignore[func-returns-value]
        assert await why(backend) is ConnectionResetError
        server.say = lambda asked: b"?\r\n"
        assert (await why(backend)).__name__ == "ClientException"
        await backend.close()
    gc.collect()


async def why(backend: MemcachedBackend) -> type:
    answer = (await backend.read(["v:k"]))["v:k"]
    assert isinstance(answer, Unreached)
    return type(answer.cause)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_lost_is_lost_on_each_loop(loop: str) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(lose())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it is what asyncio says of such jobs
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("nodes", [1, 3])
def test_who_goes_on_to_another_loop_leaves_no_connection_behind(
    start: Starter, loop: str, nodes: int
) -> None:
    """Without waiting for the garbage collection, which may be long in coming."""
    servers = [start(MemcachedServer()) for _ in range(nodes)]
    addresses = [server.address for server in servers]
    backend = MemcachedBackend(addresses, timeout=PATIENCE, connect_timeout=PATIENCE)
    for _ in range(10):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(job(backend, KEYS))
    until(lambda: max(map(guests, servers)) <= 1, "all but the last to be gone")
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(job(backend, KEYS))
        for server in servers:
            has_guests(server, 1)
        runner.run(backend.close())
    for server in servers:
        all_gone(server)
    gc.collect()


@pytest.mark.parametrize("loop", LOOPS)
def test_what_was_opened_on_a_loop_that_goes_on_is_closed_there(start: Starter, loop: str) -> None:
    server = start(MemcachedServer())
    backend = patient(server)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as first:
        first.run(job(backend))
        with asyncio.Runner(loop_factory=LOOPS[loop]) as second:
            second.run(job(backend))
            has_guests(server, 2)
            first.run(eventually(lambda: guests(server) == 1, "the end of the first connection"))
            second.run(backend.close())
    all_gone(server)
    gc.collect()
