"""HTTP: the response cache beside a bare ASGI app, the peers, and the service without a cache.

Every subject is a server of one process, pinned to a core of its own where that can be; one load
generator asks them in turns, each for the same time, round by round. It starts a Redis of its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.http_cores import Cores, cores, pin, pinned, runner
from benchmarks.http_load import Sample, WrongAnswerError, drive
from benchmarks.http_stage import stage
from benchmarks.http_tables import results, tables
from benchmarks.http_turns import SUBJECTS, Subject, Turn
from benchmarks.measuring import Effort, in_rounds
from benchmarks.results import Report
from tests.servers.program import NoServerError
from tests.servers.server import RedisServer

CONNECTIONS: Final = 64
SPANS: Final = 30
"""So many times as long as elsewhere is measured: 0.3 seconds, if nothing else is said."""


def run(effort: Effort, subjects: Sequence[Subject] = SUBJECTS) -> Report:
    """Measures all, and shows it; without a Redis it does what it can."""
    where = cores()
    connections = min(CONNECTIONS, effort.callers)
    with ExitStack() as stack:
        server = _redis(stack, where)
        set_up = stack.enter_context(stage(subjects, server.url if server else None, where))
        stack.enter_context(pinned(where.load))
        loop = stack.enter_context(runner())
        measurement = Measurement(
            loop, connections, SPANS * effort.span, server.pid if server else None
        )
        in_rounds("HTTP", set_up.turns, measurement.of, effort.rounds)
    how = f"{connections} connections; {where}"
    made = tables(set_up.turns, set_up.unfit, how)
    return Report(results(set_up.turns, set_up.unfit), made)


def _redis(stack: ExitStack, where: Cores) -> RedisServer | None:
    try:
        server = stack.enter_context(RedisServer())
    except NoServerError:
        return None
    pin(where.redis, server.pid)
    return server


@dataclass(frozen=True)
class Measurement:
    """How one turn is measured."""

    loop: asyncio.Runner
    connections: int
    seconds: float
    redis: int | None

    def of(self, turn: Turn) -> float:
        """Requests per second. A wrong answer ends the benchmark: nothing else counts then."""
        before = turn.running.statements()
        try:
            sample = self.loop.run(self._drive(turn))
        except (WrongAnswerError, TimeoutError) as error:
            sys.exit(f"{turn.subject}: {error}")
        turn.samples.append(sample)
        turn.statements += turn.running.statements() - before
        return sample.rate

    async def _drive(self, turn: Turn) -> Sample:
        processes = [turn.running.pid, *([self.redis] if self.redis else [])]
        return await drive(turn.ask, self.connections, self.seconds, processes)
