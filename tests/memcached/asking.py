"""A backend on a server that is told what to say, and what it is told in turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from cachekit.backend import Outcome, Unreached, Write
from cachekit.entry import Entry, Kind
from cachekit_memcached import MemcachedBackend
from tests.memcached.scripted import ScriptedMemcached, greeted
from tests.stores.scripted import Asked, until

TIMEOUT: Final = 60.0
"""Seconds, by a clock that tests move on."""


def patient(server: ScriptedMemcached) -> MemcachedBackend:
    return MemcachedBackend([server.address], timeout=TIMEOUT, connect_timeout=TIMEOUT)


@asynccontextmanager
async def opened(server: ScriptedMemcached) -> AsyncGenerator[MemcachedBackend]:
    """When it is closed nothing of it is left."""
    before = asyncio.all_tasks()
    backend = patient(server)
    await backend.open()
    yield backend
    await backend.close()
    await until(lambda: not server.guests)
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


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
