"""One connection to a server: made when it is needed, whoever needs it, and not after the end."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from cachekit.backend import DONE
from cachekit_memcached import MemcachedBackend
from tests.memcached.asking import TIMEOUT, hang_up, opened, patient, why, write
from tests.memcached.scripted import (
    END,
    SETTINGS,
    ScriptedMemcached,
    greeted,
    nothing,
    scripted,
)
from tests.stores.scripted import Asked, LoopClock, silent, told, until

SHORT = 20.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedMemcached]:
    async with scripted() as server:
        yield server


@pytest.fixture
async def backend(server: ScriptedMemcached) -> AsyncIterator[MemcachedBackend]:
    async with opened(server) as backend:
        yield backend


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No exception that nobody looks at, no socket that nobody closes: each is a warning."""
    yield
    gc.collect()


async def test_no_connection_is_made_before_it_is_needed(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    await asyncio.sleep(0)
    assert server.met == 0
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


async def test_who_comes_while_it_is_made_makes_no_other(server: ScriptedMemcached) -> None:
    """Whatever step that is in the middle of."""
    for wait in range(30):
        backend, met = patient(server), server.met
        reading = [asyncio.ensure_future(backend.read(["v:k"]))]
        for _ in range(wait):
            await asyncio.sleep(0)
        reading.append(asyncio.ensure_future(backend.read(["v:k"])))
        assert await asyncio.gather(*reading) == [{}, {}]
        assert server.met == met + 1
        await backend.close()


async def test_who_is_cancelled_while_it_opens_takes_no_connection_away(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    leaving = asyncio.ensure_future(backend.read(["v:k"]))
    staying = asyncio.ensure_future(backend.read(["v:k"]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == {}
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


@pytest.mark.parametrize("answered", [b"", b"STAT maxby", greeted([b"stats"])])
async def test_a_server_that_hangs_up_at_once(
    server: ScriptedMemcached, backend: MemcachedBackend, answered: bytes
) -> None:
    """Before it has told its settings, or right after: nobody waits until he gives up himself."""

    def hang_up(asked: Asked) -> bytes | None:
        server.tell(answered)
        server.hang_up()
        return b""

    server.greet = hang_up
    async with asyncio.timeout(5):
        for _ in range(2):
            assert isinstance(await why(backend), ConnectionError)
            assert isinstance(await told(write(backend)), ConnectionError)
    server.greet = greeted
    assert await write(backend) is DONE


async def test_a_server_that_does_not_tell_its_settings(
    server: ScriptedMemcached, clock: LoopClock
) -> None:
    server.greet = silent
    backend = MemcachedBackend([server.address], timeout=TIMEOUT, connect_timeout=1.0)
    waiting = [asyncio.ensure_future(why(backend)) for _ in range(3)]
    await until(lambda: bool(server.asked))
    clock.advance(1.0)
    async with asyncio.timeout(10):
        failures = await asyncio.gather(*waiting)
    assert [type(failure) for failure in failures] == [TimeoutError] * 3
    await backend.close()
    await until(lambda: not server.guests)


async def test_a_server_that_is_not_there() -> None:
    async with scripted() as server:
        backend = patient(server)
    for _ in range(3):
        assert isinstance(await why(backend), ConnectionError)
        assert isinstance(await told(write(backend)), ConnectionError)
    await backend.close()


async def test_what_opens_too_late_for_one_is_there_for_the_next(
    server: ScriptedMemcached, clock: LoopClock
) -> None:
    """Both together take longer than a command may, each of them does not."""
    server.greet = server.say = silent
    backend = MemcachedBackend([server.address], timeout=SHORT, connect_timeout=TIMEOUT)
    late = [asyncio.ensure_future(why(backend)), asyncio.ensure_future(told(write(backend)))]
    await until(lambda: bool(server.asked))
    clock.advance(0.7 * SHORT)  # the greeting is a command as well
    server.tell(SETTINGS)
    await until(lambda: len(server.asked) == 3)
    clock.advance(0.7 * SHORT)
    assert [type(error) for error in await asyncio.gather(*late)] == [TimeoutError] * 2
    server.greet, server.say = greeted, nothing
    server.tell(END + b"STORED\r\n")
    assert await why(backend) is None
    assert await write(backend) is DONE
    assert server.met == 1
    await backend.close()


async def test_nobody_waits_longer_for_a_connection_than_for_an_answer(
    server: ScriptedMemcached, clock: LoopClock
) -> None:
    server.greet = silent
    backend = MemcachedBackend([server.address], timeout=SHORT, connect_timeout=TIMEOUT)
    late = [asyncio.ensure_future(why(backend)), asyncio.ensure_future(told(write(backend)))]
    await until(lambda: bool(server.asked))
    clock.advance(SHORT)
    assert [type(error) for error in await asyncio.gather(*late)] == [TimeoutError] * 2
    await backend.close()


@pytest.mark.parametrize("last", [b"stats", b"get"])
async def test_close_gives_up_what_is_under_way(server: ScriptedMemcached, last: bytes) -> None:
    server.greet = lambda asked: b"" if asked[0] == last else greeted(asked)
    before = asyncio.all_tasks()
    backend = patient(server)
    waiting = asyncio.ensure_future(why(backend))
    await until(lambda: any(asked[0] == last for asked in server.asked))
    await backend.close()
    assert isinstance(await waiting, ConnectionError)
    await until(lambda: not server.guests)
    assert asyncio.all_tasks() - before <= {waiting}
    await backend.close()


@pytest.mark.parametrize("was_lost", [False, True])
async def test_no_connection_is_made_after_the_end(
    server: ScriptedMemcached, was_lost: bool
) -> None:
    """Whatever step of opening it is in the middle of; `was_lost`: it had one before."""
    backend = patient(server)
    for wait in range(30):
        await backend.open()
        if was_lost:
            await backend.read(["v:k"])
            await hang_up(server)
        reading = [asyncio.ensure_future(backend.read(["v:k"])) for _ in range(3)]
        for _ in range(wait):
            await asyncio.sleep(0)
        await backend.close()
        await asyncio.wait(reading)
        await until(lambda: not server.guests)
        assert isinstance(await why(backend), ConnectionError)
