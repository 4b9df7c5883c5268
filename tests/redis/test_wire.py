"""One connection: every caller gets the answer to its own question, or an error."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio.connection import Connection

from cachekit_redis.wire import Wire, opened
from tests.redis.scripted import ScriptedServer, bulk, echo, many, scripted
from tests.stores.scripted import Asked, LoopClock, silent, told, until

TIMEOUT = 60.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted() as server:
        yield server


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No exception that nobody looks at, no socket that nobody closes: each is a warning."""
    yield
    gc.collect()


@asynccontextmanager
async def wired(server: ScriptedServer) -> AsyncGenerator[Wire]:
    connection = Connection(host="127.0.0.1", port=server.port, protocol=3)
    wire = await opened(connection, TIMEOUT)
    try:
        yield wire
    finally:
        wire.close()
        await until(lambda: not server.guests)


async def ask(wire: Wire, *words: str) -> list[Any]:
    return await wire.ask([("ECHO", word) for word in words])


async def test_answers_come_in_the_order_of_the_questions(server: ScriptedServer) -> None:
    async with wired(server) as wire:
        answers = await asyncio.gather(*(ask(wire, f"{n}", f"{n}+") for n in range(500)))
    assert answers == [[b"%d" % n, b"%d+" % n] for n in range(500)]


async def test_an_error_is_the_answer_to_its_own_question_alone(server: ScriptedServer) -> None:
    server.say = lambda asked: b"-ERR no\r\n" if asked[-1] == b"bad" else echo(asked)
    async with wired(server) as wire:
        first, error, last = await ask(wire, "a", "bad", "c")
        assert (first, str(error), last) == (b"a", "ERR no", b"c")
        assert isinstance(error, Exception)
        assert await ask(wire, "d") == [b"d"]


@given(cuts=st.lists(st.integers(0, 200), max_size=12), gone=st.sets(st.integers(0, 7)))
@settings(max_examples=60, deadline=None)
def test_replies_cut_anywhere_and_callers_gone_anywhen(cuts: list[int], gone: set[int]) -> None:
    """However the network cuts them, and whoever does not wait for his."""

    async def look() -> None:
        async with scripted(silent) as server, wired(server) as wire:
            asking = [asyncio.ensure_future(ask(wire, f"{n}", "x" * n)) for n in range(8)]
            await asyncio.sleep(0)
            whole = b"".join(bulk(b"%d" % n) + bulk(b"x" * n) for n in range(8))
            ends = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
            for number, (start, end) in enumerate(pairwise(ends)):
                wire.data_received(whole[start:end])
                for caller in gone:
                    if caller % 4 == number % 4:
                        asking[caller].cancel()
                await asyncio.sleep(0)
            await asyncio.wait(asking)
            for number, task in enumerate(asking):
                if not task.cancelled():
                    assert task.result() == [b"%d" % number, b"x" * number]
                else:
                    assert number in gone

    asyncio.run(look())


async def test_a_cancelled_caller_shifts_nobodys_answer(server: ScriptedServer) -> None:
    server.say = silent
    async with wired(server) as wire:
        tasks = [asyncio.ensure_future(ask(wire, f"{n}")) for n in range(6)]
        await until(lambda: len(server.asked) >= 6)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.sleep(0)
        server.tell(b"".join(bulk(b"%d" % n) for n in range(6)))
        assert await asyncio.gather(*tasks[1::2]) == [[b"1"], [b"3"], [b"5"]]
        server.say = echo
        assert await ask(wire, "then") == [b"then"]
        assert wire.load == 0


async def test_who_is_cancelled_at_once_shifts_nobodys_answer(server: ScriptedServer) -> None:
    async with wired(server) as wire:
        for n in range(50):
            lost = wire.ask([("ECHO", "lost")])
            lost.cancel()
            assert await ask(wire, f"{n}") == [b"%d" % n]


async def test_no_answer_in_time_ends_the_connection_for_all(
    server: ScriptedServer, clock: LoopClock
) -> None:
    server.say = silent
    async with wired(server) as wire:
        lost = [wire.ask([("ECHO", "lost")]), wire.ask([("ECHO", "lost")])]
        await until(lambda: len(server.asked) >= 2)
        clock.advance(TIMEOUT)
        failures = [await told(answer) for answer in lost]
        assert [type(failure) for failure in failures] == [TimeoutError] * 2
        assert str(failures[0]) == f"no answer within {TIMEOUT} s"
        assert not wire.is_open
        assert isinstance(await told(ask(wire, "again")), TimeoutError)
        await until(lambda: not server.guests)


async def test_half_an_answer_is_none(server: ScriptedServer, clock: LoopClock) -> None:
    server.say = lambda asked: bulk(b"whole") + b"$10\r\nhal" if asked[-1] == b"a" else b""
    async with wired(server) as wire:
        half = wire.ask([("ECHO", "a"), ("ECHO", "b")])
        await until(lambda: len(server.asked) >= 2)
        clock.advance(TIMEOUT)
        assert isinstance(await told(half), TimeoutError)


async def test_a_late_answer_is_nobodys(server: ScriptedServer, clock: LoopClock) -> None:
    """It was on its way when the connection was ended, and does not come to who asks next."""
    server.say = silent
    async with wired(server) as wire:
        late = wire.ask([("ECHO", "late")])
        clock.advance(TIMEOUT)
        assert isinstance(await told(late), TimeoutError)
        following = wire.ask([("ECHO", "next")])
        wire.data_received(bulk(b"late"))
        assert isinstance(await told(following), TimeoutError)


async def test_each_question_has_its_own_time(server: ScriptedServer, clock: LoopClock) -> None:
    server.say = silent
    async with wired(server) as wire:
        first = wire.ask([("ECHO", "first")])
        for name in ("second", "third", "fourth"):
            clock.advance(0.6 * TIMEOUT)
            following = wire.ask([("ECHO", name)])
            server.tell(bulk(b"in time"))
            assert await first == [b"in time"]
            first = following
        clock.advance(0.9 * TIMEOUT)
        await asyncio.sleep(0)
        assert not first.done()
        clock.advance(0.1 * TIMEOUT)
        assert isinstance(await told(first), TimeoutError)


async def test_who_asks_while_another_waits_is_not_forgotten(
    server: ScriptedServer, clock: LoopClock
) -> None:
    """There is one timer, which the first one who waits has set."""
    server.say = silent
    async with wired(server) as wire:
        first = wire.ask([("ECHO", "first")])
        clock.advance(0.5 * TIMEOUT)
        second = wire.ask([("ECHO", "second")])
        server.tell(bulk(b"in time"))
        assert await first == [b"in time"]
        for _ in range(2):
            clock.advance(0.5 * TIMEOUT)
            for _ in range(3):
                await asyncio.sleep(0)
        assert second.done()
        assert isinstance(await told(second), TimeoutError)


async def test_an_idle_connection_is_not_ended(server: ScriptedServer, clock: LoopClock) -> None:
    async with wired(server) as wire:
        for word in (b"a", b"b", b"c"):
            assert await ask(wire, word.decode()) == [word]
            clock.advance(2 * TIMEOUT)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert wire.is_open


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(b"\x00\x01\x02", id="no protocol"),
        pytest.param(b"$-5\r\n", id="a length below zero"),
        pytest.param(b"*99999999999999999999\r\n", id="a length beyond all"),
        pytest.param(bulk(b"a") + b"?\r\n", id="after an answer"),
    ],
)
async def test_what_is_not_understood_ends_the_connection(
    server: ScriptedServer, garbage: bytes
) -> None:
    server.say = lambda asked: garbage
    async with wired(server) as wire:
        first, second = wire.ask([("ECHO", "a"), ("ECHO", "b")]), wire.ask([("ECHO", "c")])
        assert isinstance(await told(first), ConnectionError)
        assert isinstance(await told(second), ConnectionError)
        assert not wire.is_open
        await until(lambda: not server.guests)


async def test_an_answer_too_many_ends_the_connection(server: ScriptedServer) -> None:
    """One that nobody asked for would be given to who asks next."""
    async with wired(server) as wire:
        assert await ask(wire, "a") == [b"a"]
        server.tell(bulk(b"unasked"))
        await until(lambda: not wire.is_open)
        assert isinstance(await told(ask(wire, "b")), ConnectionError)


async def test_an_answer_too_many_after_the_right_one(server: ScriptedServer) -> None:
    server.say = lambda asked: echo(asked) + bulk(b"unasked")
    async with wired(server) as wire:
        assert await ask(wire, "a") == [b"a"]
        assert not wire.is_open


async def test_what_is_pushed_answers_nobody(server: ScriptedServer) -> None:
    push = b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"
    server.say = lambda asked: push + echo(asked) + push
    async with wired(server) as wire:
        server.tell(push)
        assert await ask(wire, "a", "b") == [b"a", b"b"]
        assert await ask(wire, "c") == [b"c"]
        assert wire.is_open


async def test_the_end_of_the_stream_ends_all_that_is_under_way(server: ScriptedServer) -> None:
    server.say = silent
    async with wired(server) as wire:
        waiting = [wire.ask([("ECHO", "a")]) for _ in range(3)]
        await until(lambda: bool(server.asked))
        server.hang_up()
        failures = [await told(answer) for answer in waiting]
    assert [type(failure) for failure in failures] == [ConnectionError] * 3
    assert "the server closed the connection" in str(failures[0])


async def test_a_reset_ends_all_that_is_under_way(server: ScriptedServer) -> None:
    server.say = silent
    async with wired(server) as wire:
        waiting = wire.ask([("ECHO", "a")])
        await until(lambda: bool(server.asked))
        for guest in server.guests:
            guest.transport.abort()
        assert isinstance(await told(waiting), ConnectionError)
        assert not wire.is_open


async def test_the_last_answer_before_the_end_is_given(server: ScriptedServer) -> None:
    def last(asked: Asked) -> bytes:
        asyncio.get_running_loop().call_soon(server.hang_up)
        return echo(asked)

    server.say = last
    async with wired(server) as wire:
        assert await ask(wire, "a") == [b"a"]
        await until(lambda: not wire.is_open)


async def test_close_ends_all_that_is_under_way(server: ScriptedServer) -> None:
    server.say = silent
    async with wired(server) as wire:
        waiting = wire.ask([("ECHO", "a")])
        wire.close()
        assert str(await told(waiting)) == "the connection was closed"
        wire.close(TimeoutError("too late"))
        assert str(await told(wire.ask([("ECHO", "b")]))) == "the connection was closed"
        await until(lambda: not server.guests)


async def test_nobody_need_look_at_a_failure(server: ScriptedServer, clock: LoopClock) -> None:
    """Whoever asked may be gone: that is no warning of asyncio's."""
    server.say = silent
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    async with wired(server) as wire:
        lost = wire.ask([("ECHO", "lost")])
        clock.advance(TIMEOUT)
        await until(lambda: not wire.is_open)
        assert lost.done()
        del lost
        gc.collect()
    assert complaints == []


async def test_large_answers_and_questions(server: ScriptedServer) -> None:
    words = ["x" * 3_000_000, "y" * 100_000, "z"]
    server.say = lambda asked: many(bulk(asked[-1]), bulk(b"after"))
    async with wired(server) as wire:
        answers = await asyncio.gather(*(ask(wire, word) for word in words))
    assert answers == [[[word.encode(), b"after"]] for word in words]
