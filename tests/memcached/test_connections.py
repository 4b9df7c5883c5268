"""One connection to a server: opened when needed, replaced when lost, gone when closed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from cachekit.backend import DONE, Outcome, Unreached, Write
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit_memcached import MemcachedBackend
from tests.memcached.guests import all_gone, guests
from tests.memcached.scripted import (
    END,
    SETTINGS,
    ScriptedMemcached,
    greeted,
    nothing,
    scripted,
    value,
)
from tests.servers.fixtures import Starter
from tests.servers.memcached import MemcachedServer
from tests.stores.scripted import Asked, LoopClock, silent, told, until

TIMEOUT = 60.0
SHORT = 20.0


@pytest.fixture
async def server() -> AsyncIterator[ScriptedMemcached]:
    async with scripted() as server:
        yield server


@pytest.fixture
async def backend(server: ScriptedMemcached) -> AsyncIterator[MemcachedBackend]:
    """On the scripted server; when it is closed nothing of it is left."""
    before = asyncio.all_tasks()
    backend = patient(server)
    await backend.open()
    yield backend
    await backend.close()
    await until(lambda: not server.guests)
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No exception that nobody looks at, no socket that nobody closes: each is a warning."""
    yield
    gc.collect()


def patient(server: ScriptedMemcached) -> MemcachedBackend:
    return MemcachedBackend([server.address], timeout=TIMEOUT, connect_timeout=TIMEOUT)


async def write(backend: MemcachedBackend, key: str = "v:k") -> Outcome:
    (outcome,) = await backend.write([Write(key, Entry(Kind.STUB, keep=60.0))])
    return outcome


async def why(backend: MemcachedBackend, key: str = "v:k") -> BaseException | None:
    """What is told of a key that was not reached."""
    answer = (await backend.read([key])).get(key)
    assert answer is None or isinstance(answer, Unreached)
    return answer.cause if answer else None


async def hang_up(server: ScriptedMemcached) -> None:
    """Return when the other end knows of it, too."""
    server.hang_up()
    await until(lambda: not server.guests)
    for _ in range(3):
        await asyncio.sleep(0)


def questions(server: ScriptedMemcached) -> list[Asked]:
    """What was asked after the greetings."""
    return [asked for asked in server.asked if greeted(asked) is None]


async def test_no_connection_is_made_before_it_is_needed(
    server: ScriptedMemcached, backend: MemcachedBackend
) -> None:
    await asyncio.sleep(0)
    assert server.met == 0
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


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
        assert guests(server) == 1
    await backend.close()
    all_gone(server)
    assert asyncio.all_tasks() == before


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
