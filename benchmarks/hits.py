"""What a warm hit of a decorated `async def` costs, ours and the peers', in one run."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import aiocache  # type: ignore[import-untyped]
import cashews
from async_lru import alru_cache

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
    """One subject in one case: microseconds of CPU time per hit, a figure for each round."""

    case: str
    subject: str
    call: Subject
    rounds: list[float] = field(default_factory=list[float])

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return median(self.rounds)


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


async def time_hits(row: Row, hits: int) -> None:
    """One round: `hits` warm hits in a row. CPU time, so that other processes do not count."""
    call = row.call
    await call(1)
    started = time.thread_time()
    for _ in range(hits):
        await call(1)
    row.rounds.append((time.thread_time() - started) / hits * 1e6)
