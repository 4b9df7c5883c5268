"""The kinds of event loop, side by side in one thread, and what is measured on each."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.progress import track

from benchmarks.measuring import Effort, Figure, MakeLoop, in_rounds, loops
from benchmarks.redis_bursts import POOL, Burst, keys_of, stored
from benchmarks.redis_clients import FOR_MANY, Client, clients

SPANS: Final = 5
"""So many times as long as elsewhere is measured: a burst is of many calls."""


@dataclass
class Side:
    """A kind of event loop, the clients on it, and who of them cannot be used, and why."""

    name: str
    runner: asyncio.Runner
    clients: list[Client]
    unfit: dict[str, Exception]
    bursts: list[Burst] = field(default_factory=list[Burst])


@dataclass
class Turn:
    """One measurement, on its loop."""

    side: Side
    burst: Burst

    @property
    def figure(self) -> Figure:
        return self.burst.figure

    def measure(self) -> float:
        return self.side.runner.run(self.burst.measure())


@contextmanager
def sides_at(url: str) -> Iterator[list[Side]]:
    """All that there are here, each with clients of its own of the server at `url`."""
    with ExitStack() as stack:
        yield [stack.enter_context(_side(name, make, url)) for name, make in loops().items()]


@contextmanager
def _side(name: str, make: MakeLoop, url: str) -> Iterator[Side]:
    with asyncio.Runner(loop_factory=make) as runner:
        made = dict(clients(url))
        fit = [client for client in made.values() if isinstance(client, Client)]
        unfit = {name: error for name, error in made.items() if isinstance(error, Exception)}
        try:
            yield Side(name, runner, fit, unfit)
        finally:
            for client in fit:
                runner.run(_closed(client))


async def _closed(client: Client) -> None:
    await client.close()


def fill(side: Side, effort: Effort) -> None:
    """Store all that is asked for."""
    for client in track(side.clients, description="Redis: values"):
        most = stored(effort.callers) if client.name in FOR_MANY else min(POOL, effort.callers)
        side.runner.run(_filled(client, keys_of(most)))


async def _filled(client: Client, keys: Sequence[str]) -> None:
    together = POOL // 2
    for at in range(0, len(keys), together):
        await asyncio.gather(*map(client.set, keys[at : at + together]))


def measure(sides: Sequence[Side], effort: Effort) -> None:
    """All that can be measured, in rounds of all sides."""
    turns = [Turn(side, burst) for side in sides for burst in side.bursts]
    for turn in track(turns, description="Redis: first calls"):
        turn.side.runner.run(turn.burst.prepare(SPANS * effort.span))
    fit = [turn for turn in turns if not turn.burst.failure]
    in_rounds("Redis", fit, Turn.measure, effort.rounds)
