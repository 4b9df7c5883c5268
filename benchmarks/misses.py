"""What a miss costs over its load: in memory, and while a store is not asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

from benchmarks.measuring import Effort, Figure, MakeLoop, in_rounds, loops, quiet, table
from cachekit import Cache
from cachekit.backend import Backend, Found, Outcome, Write
from cachekit_tiered import TieredBackend

Subject = Callable[[int], Awaitable[str]]

FAILURES: Final = 5
"""After so many in a row a store is not asked any more."""


@dataclass
class Row:
    """One subject; the first is the load itself."""

    subject: str
    call: Subject
    caches: Sequence[Cache] = ()
    figure: Figure = field(default_factory=Figure)


class Gone(Backend):
    """A store that refuses whatever it is asked."""

    async def read(self, keys: Sequence[str]) -> Found:
        raise ConnectionRefusedError("gone")

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        raise ConnectionRefusedError("gone")


def run(effort: Effort) -> list[Table]:
    """Measures all, and shows it."""
    return [_measured(name, make, effort) for name, make in loops().items()]


def _measured(name: str, make: MakeLoop, effort: Effort) -> Table:
    subjects = rows()
    with quiet(["cachekit"]), asyncio.Runner(loop_factory=make) as runner:  # it is gone: no news
        for row in subjects:
            runner.run(_lose(row))

        def measure(row: Row) -> float:
            misses = max(1, effort.hits // 10)
            return runner.run(time_misses(row.call, misses * len(row.figure.rounds), misses))

        in_rounds(f"misses on {name}", subjects, measure, effort.rounds)
        for row in subjects:
            runner.run(_close(row))
    return shown(name, subjects)


def shown(name: str, subjects: list[Row]) -> Table:
    """What it costs over its load is of the best rounds: in them no other process had a part."""
    title = f"{name}: a miss of a decorated async def, and nothing kept; CPU time"
    made = table(title, ("subject",), ("best µs", "median µs", "best µs over its load"))
    load = subjects[0].figure.best
    for row in subjects:
        best, median = row.figure.best, row.figure.median
        made.add_row(row.subject, f"{best:.2f}", f"{median:.2f}", f"{best - load:.2f}")
    return made


async def load(number: int) -> str:
    """What is measured against."""
    return f"value {number}"


def rows() -> list[Row]:
    """All subjects, the load itself first."""
    healthy = Cache("memory://?max_entries=1000")
    gone, tiers = _out(Gone()), _out(TieredBackend("memory://", Gone()))

    async def get_or_set(number: int) -> str:
        return await gone.get_or_set(f"item:{number}", lambda: load(number))

    return [
        Row("the load", load),
        Row("in memory", healthy.cached(key="item:{number}")(load), [healthy]),
        Row("breaker open, get_or_set", get_or_set, [gone]),
        Row("breaker open", gone.cached(key="item:{number}")(load), [gone]),
        Row("breaker open, tagged", gone.cached(name="tagged", tags=["t", "u"])(load), [gone]),
        Row("breaker open, tiers", tiers.cached(key="item:{number}")(load), [tiers]),
    ]


def _out(backend: Backend) -> Cache:
    return Cache(backend, namespace="bench")


async def _lose(row: Row) -> None:
    """Have it know that its store is gone."""
    for cache in row.caches:
        for _ in range(FAILURES):
            await cache.get("k")


async def _close(row: Row) -> None:
    for cache in row.caches:
        await cache.close()


async def time_misses(call: Subject, first: int, misses: int) -> float:
    """Microseconds of one of so many misses in a row, each of another key."""
    started = time.thread_time()
    for number in range(first, first + misses):
        await call(number)
    return (time.thread_time() - started) / misses * 1e6
