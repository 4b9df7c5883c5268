"""The kinds of event loop, side by side in one thread, and what is measured on each."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.progress import track

from benchmarks.bursts import Burst, keys_of, stored
from benchmarks.clients import CROWD, Client, Maker, made
from benchmarks.measuring import Effort, Figure, MakeLoop, in_rounds, loops

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
def sides_of(makers: dict[str, Maker]) -> Iterator[list[Side]]:
    """All that there are here, each with clients of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(_side(name, make, makers)) for name, make in loops().items()]


@contextmanager
def _side(name: str, make: MakeLoop, makers: dict[str, Maker]) -> Iterator[Side]:
    with asyncio.Runner(loop_factory=make) as runner:
        clients = runner.run(made(makers))
        fit = [client for client in clients.values() if isinstance(client, Client)]
        unfit = {name: error for name, error in clients.items() if isinstance(error, Exception)}
        try:
            yield Side(name, runner, fit, unfit)
        finally:
            for client in fit:
                runner.run(_closed(client))


async def _closed(client: Client) -> None:
    await client.close()


def fill(what: str, side: Side, effort: Effort) -> None:
    """Store all that is asked for."""
    for client in track(side.clients, description=f"{what}: values"):
        side.runner.run(_filled(client, keys_of(stored(client, effort.callers))))


async def _filled(client: Client, keys: Sequence[str]) -> None:
    together = CROWD // 2
    for at in range(0, len(keys), together):
        await asyncio.gather(*map(client.set, keys[at : at + together]))


def measure(what: str, sides: Sequence[Side], effort: Effort) -> None:
    """All that can be measured, in rounds of all sides."""
    turns = [Turn(side, burst) for side in sides for burst in side.bursts]
    for turn in track(turns, description=f"{what}: first calls"):
        turn.side.runner.run(turn.burst.prepare(SPANS * effort.span))
    fit = [turn for turn in turns if not turn.burst.failure]
    in_rounds(what, fit, Turn.measure, effort.rounds)
