"""How often a call goes to the server of a store and back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final, Protocol

from rich.table import Table

from benchmarks.clients import OURS, VALUE, Call, Client, load
from benchmarks.measuring import table
from benchmarks.results import Report, Result
from cachekit import Cache, Key, Tag
from cachekit.backend import Backend

Work = Callable[[], Awaitable[Any]]

AFTER: Final = 0.01
"""Seconds in which what nobody waits for is sent."""


@dataclass(frozen=True)
class Trips:
    """What came to the server: in how many pieces, and with how many of each command."""

    count: int
    commands: dict[str, int]

    def since(self, before: "Trips") -> "Trips":
        added = {
            name: calls - before.commands.get(name, 0) for name, calls in self.commands.items()
        }
        sent = {name: calls for name, calls in added.items() if calls}
        return Trips(self.count - before.count, sent)


@dataclass(frozen=True)
class Counted:
    """What one call of a subject sent. `plain`: by the client alone, with no cache around it."""

    subject: str
    call: str
    sent: Trips
    plain: bool = False


class Meter(Protocol):
    """Counts them."""

    def so_far(self) -> Trips: ...


async def trips(meter: Meter, work: Work) -> Trips:
    """What `work` sends. Nobody else may use the server meanwhile."""
    before = meter.so_far()
    await work()
    await asyncio.sleep(AFTER)
    return meter.so_far().since(before)


async def trips_of_ours(meter: Meter, backend: Backend) -> dict[str, Trips]:
    """By what is called."""
    async with Cache(backend, namespace="trips") as cache:
        await cache.get("opens the connection")
        return {name: await trips(meter, work) async for name, work in _calls(cache)}


async def _calls(cache: Cache) -> AsyncIterator[tuple[str, Work]]:
    keys = [f"product:{number}" for number in range(20)]  # which a server reads at once
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


async def trips_of(meter: Meter, client: Client, cold: Iterator[int]) -> list[Counted]:
    """Of another one: of a miss and of a hit. `cold` has numbers that nobody has asked for."""
    told: list[Counted] = []
    for name, call in client.recall.items():
        await _asked(client, call, next(cold))  # opens the connection
        number = next(cold)
        for what in ("miss", "hit"):
            sent = await trips(meter, partial(_asked, client, call, number))
            told.append(Counted(name, f"cached, {what}", sent, plain=client.plain))
    return told


async def _asked(client: Client, call: Call, number: int) -> None:
    async def ask() -> None:
        await call(number)

    if client.blocks:  # the loop is needed: what counts may be on it
        await asyncio.to_thread(asyncio.run, ask())
    else:
        await ask()


async def trips_of_all(
    benchmark: str, where: str, meter: Meter, backend: Backend, others: Iterable[Client]
) -> Report:
    """Those of all, by subject and call; `where` they were counted."""
    of_ours = await trips_of_ours(meter, backend)
    told = [Counted(OURS, call, sent) for call, sent in of_ours.items()]
    cold = count(-1, -1)
    for client in others:
        told += await trips_of(meter, client, cold)
    return Report([_result(benchmark, each) for each in told], [_shown(where, told)])


def _shown(where: str, told: Iterable[Counted]) -> Table:
    made = table(f"Round trips, {where}", ("subject", "call", "commands"), ("round trips",))
    for each in told:
        made.add_row(each.subject, each.call, _text(each.sent.commands), str(each.sent.count))
    return made


def _result(benchmark: str, each: Counted) -> Result:
    metric, rounds = f"round trips: {each.call}", [float(each.sent.count)]
    note = _text(each.sent.commands)
    return Result(benchmark, metric, each.subject, "round trips", rounds, note, floor=each.plain)


def _text(commands: dict[str, int]) -> str:
    return ", ".join(
        name if calls == 1 else f"{calls} x {name}" for name, calls in commands.items()
    )
