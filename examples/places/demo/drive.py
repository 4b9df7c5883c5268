"""Clients that ask one thing after the other, all at once."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx

from examples.places.demo.traffic import Ask
from examples.places.demo.watch import Watch
from examples.places.models import HitRate, ServiceStats

TIMEOUT = 60.0
"""Seconds an answer may take."""


class AnswerError(Exception):
    """An answer that is not the one asked for."""


@dataclass
class Figures:
    """What one pass showed. Times are seconds."""

    watch: Watch = field(default_factory=Watch)
    latencies: list[float] = field(default_factory=list[float])
    duration: float = 0.0
    queries: int = 0
    hit_ratio: float = 0.0
    stampede_loads: int = 0
    stampede_duration: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.duration

    def percentile(self, percent: int) -> float:
        """So many percent of the answers took no longer than this."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of `work` at once. The first that fails ends the others; its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


class Driver:
    """Drives one running service and keeps the figures."""

    def __init__(self, client: httpx.AsyncClient, advance: Callable[[], None]) -> None:
        self._client = client
        self._advance = advance
        self.figures = Figures()

    async def run(self, streams: Sequence[Sequence[Ask]]) -> None:
        """One client per stream, all at once."""
        began = time.perf_counter()
        await together(self._follow(stream) for stream in streams)
        self.figures.duration = time.perf_counter() - began
        seen = await self._stats()
        self.figures.queries = seen.database_queries
        self.figures.hit_ratio = seen.hit_ratio

    async def stampede(self, asks: Sequence[Ask]) -> None:
        """As many clients, each asking at the same moment."""
        before = await self._stats()
        began = time.perf_counter()
        await together(self._ask(ask) for ask in asks)
        self.figures.stampede_duration = time.perf_counter() - began
        after = await self._stats()
        self.figures.stampede_loads = _computed(after) - _computed(before)

    async def _follow(self, stream: Sequence[Ask]) -> None:
        for ask in stream:
            began = time.perf_counter()
            await self._ask(ask)
            self.figures.latencies.append(time.perf_counter() - began)

    async def _ask(self, ask: Ask) -> None:
        before = self.figures.watch.before()
        answer = await self._client.request(ask.method, ask.path, params=ask.query, json=ask.body)
        if answer.is_error:
            raise AnswerError(f"{ask.method} {answer.url}: {answer.status_code} {answer.text}")
        self.figures.watch.answered(ask, answer.json(), before)
        self._advance()

    async def _stats(self) -> ServiceStats:
        answer = await self._client.get("/stats")
        return ServiceStats.model_validate_json(answer.raise_for_status().content)


def _computed(seen: ServiceStats) -> int:
    """How often figures of a country were worked out."""
    return seen.by_kind.get("statistics", HitRate()).loads
