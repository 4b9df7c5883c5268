"""What a warm hit of a decorated `async def` costs, ours and the peers', in one run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiocache  # type: ignore[import-untyped]
import cashews
from async_lru import alru_cache
from rich.table import Table

from benchmarks.measuring import Effort, Figure, in_rounds, table
from cachekit import Cache

Subject = Callable[[int], Awaitable[Any]]

NESTED: dict[str, Any] = {
    "name": "Ljubljana",
    "where": {"lat": 46.05, "lon": 14.51},
    "tags": ["capital", "river"],
    "near": [{"id": number, "name": str(number)} for number in range(3)],
}
"""A nested, mutable value of builtin types."""


@dataclass
class Row:
    """One subject in one case."""

    case: str
    subject: str
    call: Subject
    figure: Figure = field(default_factory=Figure)


def run(effort: Effort) -> list[Table]:
    """Measures all, and shows it."""
    subjects = rows()
    with asyncio.Runner() as runner:

        def measure(row: Row) -> float:
            return runner.run(time_hits(row.call, effort.hits))

        in_rounds("warm hits", subjects, measure, effort.rounds)
    return [shown(subjects)]


def shown(subjects: list[Row]) -> Table:
    title = "A warm hit of a decorated async def, in memory: CPU time"
    made = table(title, ("value", "subject"), ("best µs", "median µs", "ratio"))
    for case in dict.fromkeys(row.case for row in subjects):
        group = [row for row in subjects if row.case == case]
        for row in group:
            ratio = f"{row.figure.median / group[0].figure.median:.2f}"
            figures = f"{row.figure.best:.2f}", f"{row.figure.median:.2f}", ratio
            made.add_row(row.case, row.subject, *figures)
        made.add_section()
    return made


def rows() -> list[Row]:
    """All subjects; within a case the first one is what the others are held against."""
    return [*_immutable(), *_mutable()]


def _immutable() -> Iterator[Row]:
    async def get(number: int) -> str:
        return f"value {number}"

    cache = Cache(ttl=None)
    case = "immutable value"
    yield Row(case, "async_lru", alru_cache(maxsize=1000)(get))
    yield Row(case, "cachekit", cache.cached(name="plain")(get))
    yield Row(case, "cachekit, tagged", cache.cached(name="tagged", tags=["t", "u"])(get))
    yield Row(case, "cachekit, template", cache.cached(key="item:{number}")(get))
    yield from _others(case, get)


def _mutable() -> Iterator[Row]:
    async def get_nested(number: int) -> dict[str, Any]:
        return NESTED

    case = "nested mutable value"
    yield Row(case, "async_lru (shared)", alru_cache(maxsize=1000)(get_nested))
    yield Row(case, "cachekit (copied)", Cache(ttl=None).cached(get_nested))
    yield from _others(case, get_nested)


def _others(case: str, get: Subject) -> Iterator[Row]:
    yield Row(case, "aiocache.cached", aiocache.cached(ttl=600)(get))
    memory = cashews.Cache()
    memory.setup("mem://")
    yield Row(case, "cashews.cache", memory.cache(ttl=600)(get))


async def time_hits(call: Subject, hits: int) -> float:
    """Microseconds of one of `hits` warm hits in a row."""
    await call(1)
    started = time.thread_time()
    for _ in range(hits):
        await call(1)
    return (time.thread_time() - started) / hits * 1e6
