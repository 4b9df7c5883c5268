"""What a miss costs: in memory beside peers, and over its load while a store is not asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.hit_subjects import ASYNC_PEERS
from benchmarks.measuring import Effort, Figure, MakeLoop, in_rounds, loops, quiet
from benchmarks.results import OURS, Report, Result
from cachekit import Cache
from cachekit.backend import Backend, Found, Outcome, Write
from cachekit_tiered import TieredBackend

Subject = Callable[[int], Awaitable[str]]

FAILURES: Final = 5
"""After so many in a row a store is not asked any more."""


IN_MEMORY: Final = "a miss of a decorated async def, in memory"
GONE: Final = "a miss over its load, while the store is known to be gone"


@dataclass
class Row:
    """One subject; the first is the load itself."""

    metric: str
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
    subjects, unfit = rows()
    with quiet(["cachekit"]), asyncio.Runner(loop_factory=make) as runner:  # it is gone: no news
        for row in subjects:
            runner.run(_lose(row))

        def measure(row: Row) -> float:
            misses = max(1, effort.hits // 10)
            return runner.run(time_misses(row.call, misses * len(row.figure.rounds), misses))

        in_rounds(f"misses on {name}", subjects, measure, effort.rounds)
        for row in subjects:
            runner.run(_close(row))
    return _results(name, subjects, unfit)


def _results(name: str, rows: Sequence[Row], unfit: Mapping[str, str]) -> list[Result]:
    """What each takes; where the store is gone, what of that is not its load, round by round."""
    made = [_result(row, rows[0], name) for row in rows]
    metric = f"{IN_MEMORY}, {name}"
    return [*made, *(Result("misses", metric, who, "µs", [], why) for who, why in unfit.items())]


def _result(row: Row, load: Row, loop: str) -> Result:
    rounds = row.figure.rounds
    if row.metric == GONE:
        pairs = zip(rounds, load.figure.rounds, strict=True)
        rounds = [mine - plain for mine, plain in pairs]
    return Result("misses", f"{row.metric}, {loop}", row.subject, "µs", rounds, floor=row is load)


async def load(number: int) -> str:
    """What is measured against."""
    return f"value {number}"


def rows() -> tuple[list[Row], dict[str, str]]:
    """All subjects, the load itself first; and why a peer is not among them."""
    healthy = Cache("memory://?max_entries=1000")
    mine = Row(IN_MEMORY, OURS, healthy.cached(key="item:{number}")(load), [healthy])
    peers, unfit = list[Row](), dict[str, str]()
    for name, decorate in ASYNC_PEERS.items():
        try:
            peers.append(Row(IN_MEMORY, name, decorate(load)))
        except Exception as error:
            unfit[name] = f"{type(error).__name__}: {error}"
    return [Row(IN_MEMORY, "the load", load), mine, *peers, *_gone()], unfit


def _gone() -> list[Row]:
    gone, tiers = _out(Gone()), _out(TieredBackend("memory://", Gone()))

    async def get_or_set(number: int) -> str:
        return await gone.get_or_set(f"item:{number}", lambda: load(number))

    tagged = gone.cached(name="tagged", tags=["t", "u"])(load)
    return [
        Row(GONE, OURS, gone.cached(key="item:{number}")(load), [gone]),
        Row(GONE, f"{OURS} get_or_set", get_or_set, [gone]),
        Row(GONE, f"{OURS}, two tags", tagged, [gone]),
        Row(GONE, f"{OURS}, tiers", tiers.cached(key="item:{number}")(load), [tiers]),
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
