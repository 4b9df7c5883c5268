"""A crowd that asks at once for what is not there: how often it is loaded, and when all have it.

A load takes 50 ms, and nothing of the CPU. Processes that are asked do nothing else.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from rich.progress import track

from benchmarks.clients import OURS
from benchmarks.measuring import Effort, Figure, in_rounds
from benchmarks.processes import Answer, Crew, NoAnswerError
from benchmarks.results import Report, Result
from benchmarks.stampede_subjects import FUTURE, IN_MEMORY, MEMORY, ON_REDIS
from tests.servers.program import NoServerError
from tests.servers.server import RedisServer

BENCHMARK: Final = "stampede"
LOADS: Final = "loads of one absent key"
SERVED: Final = "until all are served"
ROUNDS: Final = 8
"""At most: a crowd of a thousand takes its time."""


@dataclass(frozen=True)
class Place:
    """Where a crowd is, and of whom it asks."""

    name: str
    processes: int
    subjects: Collection[str]


PLACES: Final = (
    Place("one process, in memory", 1, IN_MEMORY),
    Place("one process, on Redis", 1, ON_REDIS),
    Place("4 processes, on Redis", 4, ON_REDIS),
)


@dataclass
class Rush:
    """A crowd of `callers`, in equal parts in all processes of a crew."""

    crew: Crew
    place: Place
    subject: str
    callers: int
    figure: Figure = field(default_factory=Figure)
    """Milliseconds from the first call until the last one has its value."""
    loads: list[float] = field(default_factory=list[float])
    failure: str = ""

    def prepare(self) -> None:
        """Have all of them open their connections, and see whether they get a value."""
        try:
            self._ask(0)
        except NoAnswerError as error:
            self.failure = str(error)

    def measure(self) -> float:
        """After a failure there is nothing to measure, and no figure is shown."""
        try:
            answers = self._ask(len(self.figure.rounds) + 1)
        except NoAnswerError as error:
            self.failure = str(error)
            return math.nan
        self.loads.append(float(sum(each["loads"] for each in answers)))
        started: float = min(each["started"] for each in answers)
        ended: float = max(each["ended"] for each in answers)
        return (ended - started) * 1000

    def _ask(self, number: int) -> list[Answer]:
        waiters = max(1, self.callers // self.crew.size)
        return self.crew.ask(subject=self.subject, number=number, waiters=waiters)

    def results(self) -> Iterator[Result]:
        for what, unit, rounds in (
            (LOADS, "loads", self.loads),
            (SERVED, "ms", self.figure.rounds),
        ):
            yield Result(
                BENCHMARK,
                f"{what}, {self.callers:,} callers, {self.place.name}",
                self.subject,
                unit,
                [] if self.failure else rounds,
                self.failure,
                floor=self.subject == FUTURE,
            )


def run(effort: Effort) -> Report:
    """Measures all; without a Redis one of the results says how to get one."""
    return Report([result for place in PLACES for result in _measured(place, effort)])


def _measured(place: Place, effort: Effort) -> list[Result]:
    try:
        rushes = _rushed(place, effort)
    except NoServerError as error:
        metric = f"{LOADS}, {effort.callers:,} callers, {place.name}"
        return [Result(BENCHMARK, metric, OURS, "loads", [], str(error))]
    return [result for rush in rushes for result in rush.results()]


def _rushed(place: Place, effort: Effort) -> Sequence[Rush]:
    """Each place has a Redis of its own, in which nothing is."""
    with ExitStack() as stack:
        in_memory = place.subjects is IN_MEMORY
        url = MEMORY if in_memory else stack.enter_context(RedisServer()).url
        crew = stack.enter_context(Crew("benchmarks.stampede_process", place.processes, url))
        rushes = [Rush(crew, place, name, effort.callers) for name in place.subjects]
        for rush in track(rushes, description=f"{place.name}: first calls"):
            rush.prepare()
        fit = [rush for rush in rushes if not rush.failure]
        in_rounds(place.name, fit, Rush.measure, min(effort.rounds, ROUNDS))
        return rushes
