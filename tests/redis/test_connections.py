"""A few connections to a server: opened when needed, replaced when lost, gone when closed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from itertools import dropwhile

import pytest
from redis.exceptions import RedisError

from cachekit.backend import DONE, Backend, Outcome, Write
from cachekit.entry import Entry, Kind
from cachekit_redis import RedisBackend
from cachekit_redis.node import OPENING
from tests.redis.scripted import NOTHING, ScriptedServer, introduced, many, scripted
from tests.servers.server import RedisServer
from tests.stores.scripted import Asked, LoopClock, silent, told, until

TIMEOUT = 60.0
FAILURES = (OSError, RedisError)


def nothing(asked: Asked) -> bytes:
    """No key is there, and each write is done."""
    return many(*[NOTHING] * (len(asked) - 1)) if asked[0] == b"MGET" else b"+OK\r\n"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted(nothing) as server:
        yield server


@pytest.fixture
async def backend(server: ScriptedServer) -> AsyncIterator[RedisBackend]:
    """On the scripted server; when it is closed nothing of it is left."""
    before = asyncio.all_tasks()
    backend = RedisBackend(server.url, timeout=TIMEOUT)
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


async def write(backend: Backend, key: str = "v:k") -> Outcome:
    (outcome,) = await backend.write([Write(key, Entry(Kind.STUB, keep=60.0))])
    return outcome


def questions(server: ScriptedServer) -> list[Asked]:
    """What was asked after the introductions."""
    return [asked for asked in server.asked if introduced(asked) is None]


async def test_no_connection_is_made_before_it_is_needed(
    server: ScriptedServer, backend: RedisBackend
) -> None:
    await asyncio.sleep(0)
    assert server.met == 0
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


async def test_all_who_come_first_share_one_attempt(
    server: ScriptedServer, backend: RedisBackend
) -> None:
    await asyncio.gather(*(backend.read([f"v:{n}"]) for n in range(50)))
    assert server.met <= 2


async def test_a_busy_connection_has_a_second_one_beside_it_and_no_third(
    server: ScriptedServer, backend: RedisBackend
) -> None:
    await backend.read(["v:k"])
    *_, last = filter(introduced, server.asked)
    server.say = silent
    waiting = [asyncio.ensure_future(backend.read(["v:k"])) for _ in range(3)]
    await until(lambda: server.met == 2 and last in server.guests[1].asked)
    for _ in range(10):  # its answer is on its way
        await asyncio.sleep(0)
    waiting += [asyncio.ensure_future(backend.read(["v:k"])) for _ in range(20)]
    await until(lambda: len(questions(server)) == 1 + len(waiting))
    assert server.met == 2
    assert min(len(guest.asked) for guest in server.guests) > 8
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_who_is_cancelled_while_it_opens_takes_no_connection_away(
    server: ScriptedServer, backend: RedisBackend
) -> None:
    leaving = asyncio.ensure_future(backend.read(["v:k"]))
    staying = asyncio.ensure_future(backend.read(["v:k"]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == {}
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


async def test_a_lost_connection_is_replaced(server: ScriptedServer, backend: RedisBackend) -> None:
    for round_ in range(1, 4):
        assert await write(backend) is DONE
        assert server.met == round_
        server.hang_up()
        await until(lambda: not server.guests)
        await asyncio.sleep(0)  # the end of the stream may still be on its way to the client
    server.say = nothing


async def test_a_connection_that_hangs_is_replaced(
    server: ScriptedServer, backend: RedisBackend, clock: LoopClock
) -> None:
    assert await write(backend) is DONE
    server.say = silent
    lost = [asyncio.ensure_future(told(backend.read(["v:k"]))) for _ in range(3)]
    await until(lambda: len(questions(server)) == 4)
    clock.advance(2 * TIMEOUT)
    assert [type(error) for error in await asyncio.gather(*lost)] == [TimeoutError] * 3
    server.say = nothing
    assert await write(backend) is DONE


@pytest.mark.parametrize("last", [b"HELLO", b"CLIENT", b"INFO", b"SCRIPT"])
async def test_a_server_that_hangs_up_at_once(
    server: ScriptedServer, backend: RedisBackend, last: bytes
) -> None:
    """Before it was introduced, or right after."""

    def hang_up(asked: Asked) -> bytes | None:
        if asked[0].upper() != last:
            return introduced(asked)
        server.hang_up()
        return b""

    server.greet = hang_up
    for _ in range(2):
        assert isinstance(await told(backend.read(["v:k"])), FAILURES)
    server.greet = introduced
    assert await write(backend) is DONE


@pytest.mark.parametrize("last", [b"HELLO", b"CLIENT", b"INFO", b"SCRIPT"])
async def test_a_server_that_says_nothing_while_it_is_introduced(
    server: ScriptedServer, clock: LoopClock, last: bytes
) -> None:
    server.greet = lambda asked: b"" if asked[0].upper() == last else introduced(asked)
    backend = RedisBackend(server.url, timeout=TIMEOUT, connect_timeout=TIMEOUT)
    waiting = [asyncio.ensure_future(told(backend.read(["v:k"]))) for _ in range(3)]
    await until(lambda: any(asked[0].upper() == last for asked in server.asked))
    clock.advance(OPENING)
    async with asyncio.timeout(10):
        failures = await asyncio.gather(*waiting)
    assert {type(failure).__name__ for failure in failures} == {"TimeoutError"}
    await backend.close()
    await until(lambda: not server.guests)


async def test_what_opens_too_late_for_one_is_there_for_the_next(
    server: ScriptedServer, clock: LoopClock
) -> None:
    """Each step takes less than the timeout, both together more; nobody waits for the end."""
    server.greet = lambda asked: None
    server.say = silent
    backend = RedisBackend(server.url, timeout=1.0)
    late = asyncio.ensure_future(told(backend.read(["v:k"])))
    await until(lambda: bool(server.asked))
    clock.advance(0.7)
    server.greet = lambda asked: introduced(asked) if asked[0] == b"CLIENT" else None
    server.tell(introduced([b"HELLO"]) or b"")
    await until(lambda: server.asked[-1][0] == b"EVAL")
    clock.advance(0.7)
    assert isinstance(await late, TimeoutError)
    server.greet, server.say = introduced, nothing
    missing = dropwhile(lambda asked: asked[0] != b"INFO", list(server.asked))
    server.tell(b"".join(introduced(asked) or b"" for asked in missing))
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1
    await backend.close()


async def test_a_server_that_is_not_there() -> None:
    async with scripted() as server:
        url = server.url
    backend = RedisBackend(url)
    for _ in range(3):
        assert isinstance(await told(backend.read(["v:k"])), FAILURES)
        assert isinstance(await told(write(backend)), FAILURES)
    await backend.close()


@pytest.mark.parametrize("last", [b"HELLO", b"SCRIPT", b"MGET"])
async def test_close_gives_up_what_is_under_way(server: ScriptedServer, last: bytes) -> None:
    greet = introduced
    server.greet = lambda asked: b"" if asked[0].upper() == last else greet(asked)
    before = asyncio.all_tasks()
    backend = RedisBackend(server.url, timeout=TIMEOUT, connect_timeout=TIMEOUT)
    waiting = asyncio.ensure_future(told(backend.read(["v:k"])))
    await until(lambda: any(asked[0].upper() == last for asked in server.asked))
    await backend.close()
    assert isinstance(await waiting, ConnectionError)
    await until(lambda: not server.guests)
    assert asyncio.all_tasks() - before <= {waiting}
    await backend.close()


async def test_a_server_has_two_connections_and_then_none(
    redis_server: RedisServer, prefix: str
) -> None:
    """As the server counts them, however many ask at once."""
    name = prefix.strip(":")
    backend = RedisBackend(f"{redis_server.url}?client_name={name}", prefix=prefix, timeout=5.0)
    before = asyncio.all_tasks()

    def connected() -> int:
        listed: bytes = redis_server.command("CLIENT", "LIST")
        return listed.count(f"name={name} ".encode())

    await backend.open()
    for _ in range(3):
        await asyncio.gather(*(write(backend, f"v:{n}") for n in range(300)))
        await asyncio.gather(*(backend.read([f"v:{n}"]) for n in range(300)))
        await until(lambda: connected() == 2)
    await backend.close()
    await until(lambda: connected() == 0)
    assert asyncio.all_tasks() == before
