"""A server that closes a connection in the middle of a command: an error, and no loop hangs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from typing import Final

import pytest

from cachekit import Cache
from cachekit.backend import ABSENT, Unreached, Write
from cachekit.guard import Guard
from cachekit.testing.backends.entries import an_entry
from cachekit_memcached import MemcachedBackend
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.servers.waiting import eventually
from tests.stores.calls import asked_again
from tests.stores.cutter import PATIENCE, Cutter
from tests.stores.hung import Counting
from tests.stores.operations import CALLS, FORGETS, stored, timed
from tests.stores.scripted import told
from tests.stores.watchdog import TICK, Watchdog

LONGEST: Final = 0.05
"""Seconds for which nothing else may have its turn."""

ATTEMPTS: Final = 3
"""A machine with much else to do stops us now and then, but not each time."""


def in_a_line(reply: bytes) -> bytes:
    return reply[: reply.index(b"\r\n") // 2]


def in_a_value(reply: bytes) -> bytes:
    begin = reply.index(b"\r\n") + 2
    return reply[: (begin + len(reply)) // 2] if reply.startswith(b"VALUE") else reply[: begin - 1]


def before_the_end(reply: bytes) -> bytes:
    return reply.removesuffix(b"END\r\n") if reply.endswith(b"END\r\n") else reply[:-1]


PARTS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "the command": lambda reply: b"",
    "half a line": in_a_line,
    "half a value": in_a_value,
    "all but the end": before_the_end,
}
"""After what the connection is closed."""


@pytest.fixture
async def proxy(memcached_server: MemcachedServer) -> AsyncIterator[Cutter]:
    async with Cutter(memcached_server.port) as proxy:
        yield proxy


@pytest.fixture
def backend(proxy: Cutter, prefix: str) -> MemcachedBackend:
    return MemcachedBackend(
        [proxy.address], prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE
    )


@pytest.fixture
async def cache(backend: MemcachedBackend) -> AsyncIterator[Cache]:
    """It is asked again whatever fails."""
    guard = Guard(backend, deadline=PATIENCE, failures=10**6, probe_interval=0.001)
    async with Cache(guard, namespace="x", deadline=PATIENCE) as cache:
        yield cache


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", CALLS)
async def test_each_operation_ends_at_once_wherever_the_connection_is_closed(
    proxy: Cutter, cache: Cache, name: str, part: str
) -> None:
    """At each answer in its turn, until there are no more."""
    for after in count():
        for _ in range(ATTEMPTS):
            await stored(cache)
            proxy.arm("cut", after, PARTS[part])
            async with Watchdog() as watchdog:
                took, raised = await timed(CALLS[name](cache))
            was_cut = proxy.disarm()
            await asked_again(cache)
            assert took < PATIENCE
            assert not raised or name in FORGETS
            if watchdog.longest < LONGEST:
                break
        assert watchdog.longest < LONGEST
        if not was_cut:
            break
    assert after > 0
    await stored(cache)
    assert await cache.get_many(["k", "l"]) == {"k": 1, "l": 1}


WRITES: Final[Mapping[str, Write]] = {
    "set": Write("v:x:k", an_entry()),
    "add": Write("v:x:new", an_entry(), ABSENT),
    "cas": Write("v:x:k", an_entry(version=2), 1),
    "delete": Write("v:x:k", None),
    "delete what is looked at": Write("v:x:k", None, 1),
}


@pytest.mark.parametrize("part", PARTS)
async def test_what_is_read_is_not_reached(
    proxy: Cutter, backend: MemcachedBackend, part: str
) -> None:
    await backend.open()
    assert await backend.read(["v:x:k"]) == {}
    await backend.write([Write("v:x:k", an_entry()), Write("v:x:l", an_entry())])
    proxy.arm("cut", 0, PARTS[part])
    found = await backend.read(["v:x:k", "v:x:l", "v:x:new"])
    assert {key: type(cause_of(answer)) for key, answer in found.items()} == dict.fromkeys(
        ["v:x:k", "v:x:l", "v:x:new"], ConnectionResetError
    )
    proxy.disarm()
    assert (await backend.read(["v:x:k", "v:x:l", "v:x:new"])).keys() == {"v:x:k", "v:x:l"}
    await backend.close()


def cause_of(answer: object) -> BaseException | None:
    return answer.cause if isinstance(answer, Unreached) else None


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", WRITES)
async def test_what_is_written_is_not_acknowledged(
    proxy: Cutter, backend: MemcachedBackend, name: str, part: str
) -> None:
    """At each of the answers that it takes."""
    await backend.open()
    for after in count():
        await backend.write([Write("v:x:k", an_entry(version=1)), Write("v:x:new", None)])
        proxy.arm("cut", after, PARTS[part])
        error = await told(backend.write([WRITES[name]]))
        if not proxy.disarm():
            break
        assert isinstance(error, ConnectionResetError)
    assert error is None
    assert after == (2 if WRITES[name].expected == 1 else 1)
    await backend.close()


async def test_a_server_that_is_killed_in_the_middle_of_all_operations(start: Starter) -> None:
    server = start(MemcachedServer())
    for _ in range(ATTEMPTS):
        blocked = await kill_under(server)
        server.start()
        if blocked < LONGEST:
            break
    assert blocked < LONGEST


async def kill_under(server: MemcachedServer) -> float:
    """Kill it while all operations are under way, since it is frozen; how long the loop hung."""
    async with AsyncExitStack() as stack:
        backends = [Counting(MemcachedBackend(server.url, timeout=PATIENCE)) for _ in CALLS]
        caches = [Cache(each, namespace="x", deadline=PATIENCE) for each in backends]
        for cache in caches:
            await stack.enter_async_context(cache)
            await stored(cache)
        before = [backend.asked for backend in backends]
        server.freeze()
        calls = [call(cache) for call, cache in zip(CALLS.values(), caches, strict=True)]
        under_way = [asyncio.ensure_future(timed(call)) for call in calls]
        await eventually(
            lambda: [backend.asked - 1 for backend in backends] == before, "all to have asked"
        )
        await asyncio.sleep(TICK)  # and that to be sent
        server.kill()
        async with Watchdog() as watchdog:
            ended = await asyncio.gather(*under_way)
    assert [raised for _, raised in ended] == [name in FORGETS for name in CALLS]
    assert max(took for took, _ in ended) < PATIENCE
    return watchdog.longest
