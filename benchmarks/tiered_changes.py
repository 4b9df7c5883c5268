"""How soon other processes hear of a change that one of them has made and knows of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import Final

from rich.progress import track

from benchmarks.processes import Answer, Crew, NoAnswerError
from benchmarks.results import Result
from benchmarks.tiered_subjects import MAKERS, NOTES, PLAIN

SEEN: Final = {
    "older": "how long others get the older value after a change was acknowledged",
    "newer": "until others get the newer value after a change was acknowledged",
}
"""What is told of each moment; the first is of the call that began last."""


@dataclass
class Changes:
    """How late those of a subject are seen in all processes of a crew but the first."""

    subject: str
    crew: Crew
    answers: list[list[Answer]] = field(default_factory=list[list[Answer]])
    failure: str = ""

    def measure(self, version: int) -> None:
        """Once it has failed it is left alone: that takes long."""
        if self.failure:
            return
        try:
            told = self.crew.ask(subject=self.subject, case="change", version=version)
        except NoAnswerError as error:
            self.failure = str(error)
        else:
            self.answers.append(told)

    def results(self, benchmark: str) -> Iterator[Result]:
        """What is usual in each round, and the worst of all."""
        note, floor = self.failure or NOTES.get(self.subject, ""), self.subject == PLAIN
        for moment, metric in SEEN.items():
            delays = [] if self.failure else [_delays(moment, each) for each in self.answers]
            worst = [max(max(each) for each in delays)] if delays else []
            usual = [median(each) for each in delays]
            for what, rounds in ((metric, usual), (f"{metric}, worst", worst)):
                yield Result(benchmark, what, self.subject, "ms", rounds, note, floor=floor)


def changes(benchmark: str, crew: Crew, rounds: int) -> list[Result]:
    """Those of all, in rounds of one each."""
    versions = count(1)
    found = [Changes(name, crew) for name in MAKERS]
    for _ in track(range(rounds), description="tiers: changes"):
        for each in found:
            each.measure(next(versions))
    return [result for each in found for result in each.results(benchmark)]


def _delays(moment: str, answers: Sequence[Answer]) -> list[float]:
    """Milliseconds, one for each other process; 0 if it was before."""
    first, *others = answers
    return [max(0.0, each[moment] - first["acknowledged"]) * 1000 for each in others]
