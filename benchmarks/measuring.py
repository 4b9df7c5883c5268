"""What all benchmarks share: CPU time in interleaved rounds, and tables of it."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol, TypeVar

from rich.progress import track
from rich.table import Table


@dataclass(frozen=True)
class Effort:
    """How much is measured. Every benchmark takes of it what it needs."""

    rounds: int = 15
    hits: int = 5000
    """Hits in one measurement, where hits are measured."""
    span: float = 0.01
    """Seconds that one measurement takes, about, where the number of calls is free."""
    callers: int = 1000
    """So many at most ask at once, where they do."""
    most: int = 1_000_000
    """So many entries there are at most, where it is measured how cost grows with them."""


@dataclass
class Figure:
    """Microseconds of CPU time that one call takes, once for each round."""

    rounds: list[float] = field(default_factory=list[float])

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return median(self.rounds)


class Subject(Protocol):
    """Something that is measured."""

    @property
    def figure(self) -> Figure: ...


S = TypeVar("S", bound=Subject)
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def loops() -> dict[str, MakeLoop]:
    """The event loops that there are here; services mostly run on uvloop."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return {"asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@contextmanager
def quiet(names: Iterable[str]) -> Iterator[None]:
    """Without the log of what fails on purpose."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def in_rounds(what: str, subjects: Sequence[S], measure: Callable[[S], float], rounds: int) -> None:
    """Every subject once in each round, so that a noisy moment hits all of them.

    The garbage collector works as ever, but does not look at what was there before.
    """
    gc.collect()
    gc.freeze()
    try:
        for _ in track(range(rounds), description=what):
            for subject in subjects:
                gc.collect()
                subject.figure.rounds.append(measure(subject))
    finally:
        gc.unfreeze()


def calls_in(span: float, call: Callable[[], object]) -> int:
    """How many calls take about `span` seconds; at least one."""
    calls, took = 1, cpu_seconds(call, 1)
    while took < span / 2 and calls < 1_000_000:
        calls *= 2
        took = cpu_seconds(call, calls)
    return max(1, round(calls * span / took)) if took else calls


def cpu_seconds(call: Callable[[], object], calls: int) -> float:
    """CPU time of this thread, so that other processes do not count."""
    started = time.thread_time()
    for _ in range(calls):
        call()
    return time.thread_time() - started


def table(title: str, texts: Iterable[str], numbers: Iterable[str]) -> Table:
    """An empty one: columns of text, then columns of numbers."""
    made = Table(title=title)
    for name in texts:
        made.add_column(name)
    for name in numbers:
        made.add_column(name, justify="right")
    return made
