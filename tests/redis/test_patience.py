"""How long a connection is waited for: as long as something comes, or goes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.connection import Connection

from cachekit_redis.wire import Wire, opened
from tests.redis.scripted import ScriptedServer, bulk, many, scripted
from tests.stores.scripted import LoopClock, silent, told, until

TIMEOUT = 60.0
LONG = "x" * 30_000_000


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted(silent) as server:
        yield server


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@asynccontextmanager
async def wired(server: ScriptedServer) -> AsyncGenerator[Wire]:
    wire = await opened(Connection(host="127.0.0.1", port=server.port, protocol=3), TIMEOUT)
    try:
        yield wire
    finally:
        wire.close()
        await until(lambda: not server.guests)


async def passes(clock: LoopClock, seconds: float) -> None:
    """The timers that are due by then go off; what comes then is not read yet."""
    clock.advance(seconds)
    for _ in range(3):
        await asyncio.sleep(0)


def left(wire: Wire) -> int:
    """Bytes that the system has not taken yet."""
    return wire._transport.get_write_buffer_size()  # pyright: ignore[reportPrivateUsage]


async def test_a_loop_that_was_held_up_is_not_the_servers_fault(
    server: ScriptedServer, clock: LoopClock
) -> None:
    async with wired(server) as wire:
        answer = wire.ask([("ECHO", "a")])
        await until(lambda: server.asked[-1] == [b"ECHO", b"a"])
        await passes(clock, 3 * TIMEOUT)
        server.tell(bulk(b"a"))
        assert await answer == [b"a"]


async def test_but_it_is_waited_for_once_more_and_not_for_ever(
    server: ScriptedServer, clock: LoopClock
) -> None:
    async with wired(server) as wire:
        answer = wire.ask([("ECHO", "a")])
        for _ in range(2):
            await passes(clock, 3 * TIMEOUT)
        assert isinstance(await asyncio.wait_for(told(answer), 10), TimeoutError)


async def test_an_answer_may_take_as_long_as_some_of_it_comes(
    server: ScriptedServer, clock: LoopClock
) -> None:
    async with wired(server) as wire:
        answer, other = wire.ask([("MGET", "k")]), wire.ask([("ECHO", "other")])
        await until(lambda: server.asked[-1] == [b"ECHO", b"other"])
        whole = many(bulk(b"a long one"), bulk(b"and another"))
        for place in range(len(whole)):
            before = wire._progress  # pyright: ignore[reportPrivateUsage]
            server.tell(whole[place : place + 1])
            await until(lambda: wire._progress > before)  # noqa: B023 # pyright: ignore[reportPrivateUsage]
            await passes(clock, 0.9 * TIMEOUT)
        assert await answer == [[b"a long one", b"and another"]]
        await passes(clock, TIMEOUT)
        assert isinstance(await told(other), TimeoutError)


async def test_a_question_may_take_as_long_as_some_of_it_goes(
    server: ScriptedServer, clock: LoopClock
) -> None:
    server.say = lambda asked: bulk(b"taken")
    async with wired(server) as wire:
        (guest,) = server.guests
        guest.transport.pause_reading()
        answer = wire.ask([("ECHO", LONG)])
        for _ in range(5):
            before = left(wire)
            guest.transport.resume_reading()
            await until(lambda: left(wire) < before)  # noqa: B023
            guest.transport.pause_reading()
            assert left(wire)
            await passes(clock, 0.9 * TIMEOUT)
        guest.transport.resume_reading()
        assert await answer == [b"taken"]


async def test_a_question_of_which_nothing_goes_is_given_up(
    server: ScriptedServer, clock: LoopClock
) -> None:
    async with wired(server) as wire:
        (guest,) = server.guests
        guest.transport.pause_reading()
        answer = wire.ask([("ECHO", LONG)])
        for _ in range(6):
            await passes(clock, 0.3 * TIMEOUT)
        assert isinstance(await asyncio.wait_for(told(answer), 10), TimeoutError)
        guest.transport.resume_reading()
