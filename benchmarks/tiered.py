"""Copies in each process before one Redis, and how soon others hear of a change; ours and peers.

Processes that measure do nothing else: one alone, or four at the same time. Times are those of a
clock on the wall.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from rich.progress import track

from benchmarks.clients import OURS, VALUE
from benchmarks.measuring import Effort, Figure, in_rounds
from benchmarks.processes import Answer, Crew, NoAnswerError
from benchmarks.results import Report, Result
from benchmarks.tiered_changes import changes
from benchmarks.tiered_process import CALLS, ORIGIN
from benchmarks.tiered_subjects import COPIES, MAKERS, PLAIN, made
from tests.servers.program import NoServerError
from tests.servers.server import RedisServer

BENCHMARK: Final = "tiered"
PROCESSES: Final = 4
SPANS: Final = 3
"""So many times as long as elsewhere hits are measured: all processes are to be at it."""

CASES: Final = {
    "hit": "a hit, which there is a copy of",
    "read": "a hit of what only Redis has",
    "invalidate": "an invalidation",
    "again": "the next read, which loads",
}
"""What is told of each, by its name in the process."""

_TOGETHER: Final = "calls/s"


@dataclass
class Turn:
    """One case of one subject, in all processes of a crew at the same time."""

    crew: Crew
    subject: str
    case: str
    span: float
    figure: Figure = field(default_factory=Figure)
    """Microseconds that one call takes, in the mean of the processes."""
    rates: list[float] = field(default_factory=list[float])
    """Calls of all of them in a second, once for each round."""
    failure: str = ""

    def measure(self) -> float:
        """After a failure there is nothing to measure, and no figure is shown."""
        try:
            answers = self._asked()
        except NoAnswerError as error:
            self.failure = str(error)
            return math.nan
        self.rates.append(_rate(answers))
        return fmean((each["ended"] - each["started"]) / each["calls"] for each in answers) * 1e6

    def _asked(self) -> list[Answer]:
        first = CALLS * len(self.figure.rounds)
        case = {"case": self.case, "first": first, "span": self.span}
        return self.crew.ask(subject=self.subject, **case)

    def results(self) -> Iterator[Result]:
        metric = f"{CASES[self.case]}, {_named(self.crew)}"
        yield self._result(metric, "µs", self.figure.rounds)
        if self.crew.size > 1:
            yield self._result(f"{metric} together", _TOGETHER, self.rates)

    def _result(self, metric: str, unit: str, rounds: Sequence[float]) -> Result:
        """A hit can cost no less than what looks into a dict; else there is Redis to be asked."""
        floor = COPIES if self.case == "hit" else PLAIN
        told = [] if self.failure else rounds
        is_floor = self.subject == floor
        return Result(BENCHMARK, metric, self.subject, unit, told, self.failure, floor=is_floor)


def run(effort: Effort) -> Report:
    """Measures all; without a Redis the one result says how to get one."""
    try:
        return Report([result for size in (1, PROCESSES) for result in _measured(size, effort)])
    except NoServerError as error:
        return Report([Result(BENCHMARK, CASES["hit"], OURS, "µs", [], str(error))])


def _measured(size: int, effort: Effort) -> list[Result]:
    """On a Redis of their own: whoever else follows changes there takes time for that, too."""
    with RedisServer() as server:
        server.command("SET", ORIGIN, 0)
        asyncio.run(_fill(server.url, CALLS * effort.rounds))
        with Crew("benchmarks.tiered_process", size, server.url) as crew:
            turns = _turns(crew, SPANS * effort.span)
            in_rounds(f"tiers, {_named(crew)}", turns, Turn.measure, effort.rounds)
            told = changes(BENCHMARK, crew, effort.rounds) if size > 1 else []
    return [*(result for turn in turns for result in turn.results()), *told]


def _turns(crew: Crew, span: float) -> list[Turn]:
    """What a subject reads again is what it has forgotten just before."""
    return [Turn(crew, subject, case, span) for subject in MAKERS for case in CASES]


async def _fill(url: str, numbers: int) -> None:
    """Have all on Redis that processes are to read there, by somebody else."""

    async def load(number: int) -> Any:
        return VALUE

    for name in track(MAKERS, description="tiers: values"):
        tiers = await made(name, url, load)
        for number in range(numbers):
            await tiers.get(number)
        await tiers.close()


def _rate(answers: Sequence[Answer]) -> float:
    calls: int = sum(each["calls"] for each in answers)
    started: float = min(each["started"] for each in answers)
    ended: float = max(each["ended"] for each in answers)
    return calls / (ended - started)


def _named(crew: Crew) -> str:
    return "one process" if crew.size == 1 else f"{crew.size} processes"
