"""A server that answers anything: never another key's value, never a hang, and no doubt left.

The connection is closed unless the answer was whole; the next call has another one.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final, TypeVar

import pytest

from cachekit import Cache
from cachekit.backend import ABSENT, DONE, UNREACHED, Backend, Outcome, Unreached, Write
from cachekit.envelope import pack
from cachekit.guard import Guard
from cachekit.testing.backends.entries import an_entry
from cachekit_memcached import MemcachedBackend
from tests.memcached.asking import TIMEOUT, opened
from tests.memcached.scripted import END, ScriptedMemcached, greeted, nothing, scripted, value
from tests.stores.calls import asked_again
from tests.stores.operations import CALLS, FORGETS, timed
from tests.stores.scripted import Asked, LoopClock, until

T = TypeVar("T")

SOON: Final = 0.02
"""Seconds after which those are looked at that wait for more."""

NAME: Final = b"ck:v:k"
OTHERS: Final = value(b"ck:v:l", pack("v:l", an_entry())) + END

GARBAGE: Final[Mapping[str, bytes]] = {
    "bytes": b"\x00\xff\x80\r\n",
    "an empty line": b"\r\n",
    "no line end": b"x" * 100_000,
    "another line end": b"END\n",
    "half of a header": b"VALUE\r\n",
    "three words": b"VALUE ck:v:k 0\r\n",
    "no number": b"VALUE ck:v:k 0 x\r\n",
    "less than nothing": b"VALUE ck:v:k 0 -2\r\n\r\nEND\r\n",
    "back to its own begin": b"VALUE ck:v:k 0 -22\r\n" + END,
    "that with a CAS id": b"VALUE ck:v:k 0 -24 1\r\n" + END,
    "more than there is": b"VALUE ck:v:k 0 99999999999999999999\r\nx",
    "that with a CAS id as well": b"VALUE ck:v:k 0 99999999999999999999 1\r\nx",
    "a number of 5000 digits": b"VALUE ck:v:k 0 " + b"9" * 5000 + b"\r\n",
    "a longer one than it says": value(NAME, b"x")[:-2] + b"yz\r\n" + END,
    "another key": OTHERS,
    "another key, with a CAS id": OTHERS.replace(b"\r\n", b" 1\r\n", 1),
    "the answer of another protocol": b"HD\r\n",
    "ERROR": b"ERROR\r\n",
    "CLIENT_ERROR": b"CLIENT_ERROR bad command line format\r\n",
}
"""To none of the commands is any of this an answer."""

REFUSAL: Final = b"SERVER_ERROR out of memory storing object\r\n"
"""An answer that is whole, to any of them."""

VERSION: Final = 5
_THERE: Final = value(NAME, pack("v:k", an_entry(version=VERSION)), 1) + END
_ENTRY: Final = an_entry(version=VERSION + 1)

WRITES: Final[Mapping[bytes, Write]] = {
    b"set": Write("v:k", _ENTRY),
    b"add": Write("v:k", _ENTRY, ABSENT),
    b"gets": Write("v:k", _ENTRY, VERSION),
    b"cas": Write("v:k", _ENTRY, VERSION),
    b"delete": Write("v:k", None),
}
"""By the command that each of them comes to."""


def there(asked: Asked) -> bytes:
    """What is looked at has the version that is wanted; nothing else is there."""
    return _THERE if asked[0] == b"gets" else nothing(asked)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedMemcached]:
    async with scripted(there) as server:
        yield server


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
async def backend(server: ScriptedMemcached) -> AsyncIterator[MemcachedBackend]:
    """It is connected."""
    async with opened(server) as backend:
        assert await backend.read(["v:k"]) == {}
        yield backend


async def settled(work: Coroutine[Any, Any, T], clock: LoopClock) -> T:
    """What it comes to; if it waits for more, it has waited long enough."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=SOON)
    if not task.done():
        clock.advance(TIMEOUT)
    return await task


def answer(server: ScriptedMemcached, command: bytes, garbage: bytes) -> None:
    """Give `garbage` for the next `command`, and then what is right."""

    def say(asked: Asked) -> bytes:
        if asked[0] != command:
            return there(asked)
        server.say = there
        return garbage

    server.say = say


async def written(backend: Backend, write: Write) -> Outcome:
    try:
        (outcome,) = await backend.write([write])
    except Exception:
        return UNREACHED
    return outcome


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_read_is_not_there(
    server: ScriptedMemcached, backend: MemcachedBackend, clock: LoopClock, name: str
) -> None:
    answer(server, b"get", GARBAGE[name])
    found = await settled(backend.read(["v:k"]), clock)
    assert isinstance(found["v:k"], Unreached)
    assert found.keys() == {"v:k"}
    assert await backend.read(["v:k"]) == {}
    assert server.met == 2


@pytest.mark.parametrize("command", WRITES)
@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_written_is_not_done(
    server: ScriptedMemcached,
    backend: MemcachedBackend,
    clock: LoopClock,
    name: str,
    command: bytes,
) -> None:
    answer(server, command, GARBAGE[name])
    assert await settled(written(backend, WRITES[command]), clock) is UNREACHED
    assert await written(backend, WRITES[command]) is DONE
    assert server.met == 2


@pytest.mark.parametrize("command", [b"get", *WRITES])
async def test_a_refusal_is_whole(
    server: ScriptedMemcached, backend: MemcachedBackend, command: bytes
) -> None:
    answer(server, command, REFUSAL)
    if command == b"get":
        assert isinstance((await backend.read(["v:k"]))["v:k"], Unreached)
    else:
        assert await written(backend, WRITES[command]) is UNREACHED
    assert await backend.read(["v:k"]) == {}
    assert server.met == 1


@pytest.mark.parametrize("command", [b"get", *WRITES])
async def test_an_answer_too_many_is_nobodys(
    server: ScriptedMemcached, backend: MemcachedBackend, command: bytes
) -> None:
    """The right one came first."""
    right = there([command])
    answer(server, command, right + right)
    if command == b"get":
        assert await backend.read(["v:k"]) == {}
    else:
        await written(backend, WRITES[command])
    assert await backend.read(["v:k"]) == {}
    assert server.met == 2


SETTINGS: Final = {
    **GARBAGE,
    "SERVER_ERROR": REFUSAL,
    "a part of them": b"STAT maxbytes 67108864\r\n",
    "a size of 5000 digits": b"STAT item_size_max " + b"9" * 5000 + b"\r\n" + END,
}


@pytest.mark.parametrize("name", SETTINGS)
async def test_settings_that_are_none(
    server: ScriptedMemcached, clock: LoopClock, name: str
) -> None:
    """It is used without them, or the next time."""
    server.greet = lambda asked: SETTINGS[name] if asked[0] == b"stats" else None
    async with opened(server) as backend:
        found = await settled(backend.read(["v:k"]), clock)
        assert found == {} or isinstance(found["v:k"], Unreached)
        await until(lambda: not found or not server.guests)  # who gives up does so for himself
        server.greet = greeted
        assert await backend.read(["v:k"]) == {}
        assert len(server.guests) == 1


@pytest.mark.parametrize(
    "name", ["bytes", "no line end", "back to its own begin", "another key", "ERROR"]
)
async def test_each_operation_does_without_it(server: ScriptedMemcached, name: str) -> None:
    """What forgets raises, all else is as if nothing were there."""
    backend = MemcachedBackend([server.address], timeout=SOON)
    guard = Guard(backend, failures=10**6, probe_interval=0.001)
    async with Cache(guard, namespace="x") as cache:
        for operation in CALLS:
            server.say = lambda asked: GARBAGE[name]
            _, raised = await timed(CALLS[operation](cache))
            assert raised == (operation in FORGETS), operation
            server.say = nothing
            await asked_again(cache)
            assert await cache.get("k") is None
