"""How often a call goes to Redis and back, counted by the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from rich.table import Table

from benchmarks.measuring import table
from benchmarks.redis_clients import VALUE, Client, load
from cachekit import Cache, Key, Tag
from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer

Work = Callable[[], Awaitable[Any]]

AFTER: Final = 0.01
"""Seconds in which what nobody waits for is sent."""

_NOT_COUNTED: Final = {"info"}
"""What asks for the count, and what our connections add to a command once a second."""


@dataclass(frozen=True)
class Trips:
    """What came to the server: in how many pieces, and with how many of each command."""

    count: int
    commands: dict[str, int]


async def trips(server: RedisServer, work: Work) -> Trips:
    """What `work` sends. Nobody else may use the server meanwhile."""
    reads, commands = _counted(server)
    await work()
    await asyncio.sleep(AFTER)
    now_reads, now_commands = _counted(server)
    added = {name: calls - commands.get(name, 0) for name, calls in now_commands.items()}
    sent = {name: calls for name, calls in added.items() if calls and name not in _NOT_COUNTED}
    return Trips(now_reads - reads - 1, sent)  # one is this question


def _counted(server: RedisServer) -> tuple[int, dict[str, int]]:
    info = server.command("INFO", "everything")
    calls = {name: told["calls"] for name, told in info.items() if name.startswith("cmdstat_")}
    return info["total_reads_processed"], {name[8:]: number for name, number in calls.items()}


async def trips_of_ours(server: RedisServer) -> dict[str, Trips]:
    """By what is called."""
    backend = RedisBackend(server.url, connections=1)  # another would introduce itself in between
    async with Cache(backend, namespace="trips") as cache:
        await cache.get("opens the connection")
        return {name: await trips(server, work) async for name, work in _calls(cache)}


async def _calls(cache: Cache) -> AsyncIterator[tuple[str, Work]]:
    keys = [f"product:{number}" for number in range(20)]  # which the server reads at once
    plain = cache.cached(name="plain")(load)
    tagged = cache.cached(name="tagged", tags=["a", "b"])(load)
    for key in keys:
        await cache.set(key, VALUE)
    yield "get, hit", lambda: cache.get(keys[0])
    yield "20 gets at once, hits", lambda: asyncio.gather(*map(cache.get, keys))
    yield "cached, first miss of all", lambda: plain(1)
    yield "cached, miss", lambda: plain(2)
    yield "cached, hit", lambda: plain(2)
    yield "cached with tags never seen, miss", lambda: tagged(1)
    yield "cached with tags, miss", lambda: tagged(2)
    yield "cached with tags, hit", lambda: tagged(2)
    yield "set of what is not there", lambda: cache.set("one", VALUE)
    sets = (cache.set(key, VALUE) for key in keys)
    yield "20 sets at once of what is there", lambda: asyncio.gather(*sets)
    yield "invalidate a key", lambda: cache.invalidate(Key("one"))
    yield "invalidate a tag", lambda: cache.invalidate(Tag("a"))


async def trips_of(server: RedisServer, client: Client) -> dict[str, Trips]:
    """Of another one: of a miss and of a hit."""
    made: dict[str, Trips] = {}
    for name, call in client.recall.items():
        await call(-1)  # opens the connection
        for what in ("miss", "hit"):
            made[f"{name}, {what}"] = await trips(server, partial(call, -2))
    return made


async def trips_of_all(server: RedisServer, others: Iterable[Client]) -> Table:
    """Shows all."""
    made = table("Round trips, as the server counts them", ("call", "commands"), ("round trips",))
    for subject, calls in [("cachekit", await trips_of_ours(server))]:
        for name, told in calls.items():
            made.add_row(f"{subject} {name}", _text(told.commands), str(told.count))
    made.add_section()
    for client in others:
        for name, told in (await trips_of(server, client)).items():
            made.add_row(name, _text(told.commands), str(told.count))
    return made


def _text(commands: dict[str, int]) -> str:
    return ", ".join(
        name if calls == 1 else f"{calls} x {name}" for name, calls in commands.items()
    )
