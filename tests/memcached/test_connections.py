"""One connection to a server, for all who ask: replaced when lost, gone when closed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from cachekit.backend import DONE, Write
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit_memcached import MemcachedBackend
from tests.memcached.asking import TIMEOUT, hang_up, opened, questions, why, write
from tests.memcached.guests import all_gone, has_guests
from tests.memcached.scripted import END, ScriptedMemcached, nothing, scripted, value
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.scripted import Asked, LoopClock, silent, told, until


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


async def test_there_is_one_whoever_comes_and_however_long_it_takes(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    await asyncio.gather(*(backend.read([f"v:{n}"]) for n in range(50)))
    server.say = silent
    waiting = [asyncio.ensure_future(backend.read([f"v:{n}"])) for n in range(50)]
    await until(lambda: len(questions(server)) == 100)
    assert server.met == 1
    server.tell(b"END\r\n" * 50)
    assert await asyncio.gather(*waiting) == [{}] * 50


async def test_who_is_cancelled_while_he_waits_shifts_nobodys_answer(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    """What comes for him is read, and is nobody's."""
    assert await backend.read(["v:k"]) == {}
    server.say = silent
    work = (backend.read(["v:k"]), write(backend), backend.read(["v:l"]), write(backend, "v:l"))
    first, second, third, fourth = map(asyncio.ensure_future, work)
    await until(lambda: len(questions(server)) == 5)
    first.cancel()
    second.cancel()
    server.tell(b"END\r\nNOT_STORED\r\nEND\r\nSTORED\r\n")
    assert [await third, await fourth] == [{}, DONE]
    assert first.cancelled()
    assert second.cancelled()
    assert server.met == 1


async def test_a_lost_connection_is_replaced(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    for round_ in range(1, 4):
        assert await write(backend) is DONE
        assert server.met == round_
        await hang_up(server)


async def test_a_connection_that_hangs_is_replaced(
    server: ScriptedMemcached, backend: MemcachedBackend, clock: LoopClock
) -> None:
    assert await write(backend) is DONE
    server.say = silent
    lost = [asyncio.ensure_future(why(backend)) for _ in range(3)]
    await until(lambda: len(questions(server)) == 4)
    clock.advance(2 * TIMEOUT)
    assert [type(error) for error in await asyncio.gather(*lost)] == [TimeoutError] * 3
    server.say = nothing
    assert await write(backend) is DONE
    assert server.met == 2


async def test_what_is_looked_at_is_replaced_on_that_connection_or_not_at_all(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    """It is lost in between: on another one the same CAS id may be another value's."""
    entry = an_entry()
    assert await backend.read(["v:k"]) == {}

    def look(asked: Asked) -> bytes:
        server.tell(value(asked[1], pack("v:k", entry), 1) + END)
        server.hang_up()
        return b""

    server.say = look
    assert isinstance(
        await told(backend.write([Write("v:k", None, entry.version)])), ConnectionError
    )
    assert [asked[0] for asked in questions(server)] == [b"get", b"gets"]


async def test_a_server_has_one_connection_and_then_none(start: Starter) -> None:
    """As the server counts them, however many ask at once."""
    server = start(MemcachedServer())
    backend = MemcachedBackend(server.url, timeout=5.0, connect_timeout=5.0)
    before = asyncio.all_tasks()
    await backend.open()
    for _ in range(3):
        await asyncio.gather(*(write(backend, f"v:{n}") for n in range(300)))
        await asyncio.gather(*(backend.read([f"v:{n}"]) for n in range(300)))
        has_guests(server, 1)
    await backend.close()
    all_gone(server)
    assert asyncio.all_tasks() == before
