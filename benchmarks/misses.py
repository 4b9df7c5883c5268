"""What a miss costs over its load: in memory, and while a store is not asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.measuring import Effort, Figure, MakeLoop, in_rounds, loops, quiet
from benchmarks.results import Report, Result
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


def run(effort: Effort) -> Report:
    """Measures all."""
    results: list[Result] = []
    for name, make in loops().items():
        results += _measured(name, make, effort)
    return Report(results)


def _measured(name: str, make: MakeLoop, effort: Effort) -> list[Result]:
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
    return _results(name, subjects)


def _results(name: str, rows: Sequence[Row]) -> list[Result]:
    """What each takes, and what of that is not its load: round by round."""
    load, *others = rows
    whole = f"a miss of a decorated async def, nothing kept, {name}"
    over = f"a miss over its load, {name}"
    made = [_result(whole, row, row.figure.rounds, floor=row is load) for row in rows]
    return [*made, *(_result(over, row, _less(row, load)) for row in others)]


def _result(metric: str, row: Row, rounds: list[float], *, floor: bool = False) -> Result:
    return Result("misses", metric, row.subject, "µs", rounds, floor=floor)


def _less(row: Row, load: Row) -> list[float]:
    pairs = zip(row.figure.rounds, load.figure.rounds, strict=True)
    return [mine - plain for mine, plain in pairs]


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
