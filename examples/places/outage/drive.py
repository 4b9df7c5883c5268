"""Requests on schedule: the next one is sent when it is due, whatever became of those before."""

import asyncio
import time
from collections.abc import Iterator, Sequence

from examples.places.demo.drive import AnswerError
from examples.places.demo.traffic import Ask
from examples.places.models import ServiceStats
from examples.places.outage.client import Client
from examples.places.outage.figures import Figures, Timeline
from examples.places.outage.watch import Watch

FAILURES = (AnswerError, OSError, EOFError, ValueError)
"""What comes in the place of an answer."""

STATS = Ask("GET", "/stats")


class Driver:
    """Asks services, one after the other, for so many seconds from `began` on.

    What they do is noted at the end of `timeline`. How late an answer is counts from when its
    question was due, even if that could not be sent then: who waits in a queue waits, too.
    """

    def __init__(self, clients: Sequence[Client], timeline: Timeline, seconds: int) -> None:
        self.watch = Watch()
        self.began = time.monotonic()
        self._clients = clients
        self._seconds = seconds
        self._timeline = timeline
        self._first = len(timeline.seconds)
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, asks: Iterator[Ask], rate: int) -> None:
        """Ask so many times a second, and wait for the last answers."""
        counting = asyncio.create_task(self._count_queries())
        try:
            await self._send(asks, rate)
            while self._under_way:
                await asyncio.wait(self._under_way)
        finally:
            await _ended([counting, *self._under_way])

    async def _send(self, asks: Iterator[Ask], rate: int) -> None:
        for number in range(rate * self._seconds):
            due = self.began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._begin(next(asks), number % len(self._clients), due)

    def _begin(self, ask: Ask, process: int, due: float) -> None:
        task = asyncio.create_task(self._ask(ask, process, due))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, ask: Ask, process: int, due: float) -> None:
        figures, asked = self._figures(due), time.monotonic()
        try:
            answer = await self._clients[process].ask(ask)
        except FAILURES as error:
            figures.errors.append(str(error) or repr(error))
            return
        finally:
            now = time.monotonic()
            figures.latencies.append(now - due)
        if complaint := self.watch.answered(ask, answer, process, asked, now):
            figures.stale.append(complaint)

    def _figures(self, moment: float) -> Figures:
        second = min(int(moment - self.began), self._seconds - 1)
        return self._timeline.at(self._first + second)

    async def _count_queries(self) -> None:
        """Once a second, put down what the databases have done since."""
        before = 0
        while True:
            figures = self._figures(time.monotonic())
            try:
                queries = await self._queries()
            except FAILURES as error:
                figures.errors.append(f"/stats: {error!r}")
            else:
                figures.queries += queries - before
                before = queries
            await asyncio.sleep(1.0)

    async def _queries(self) -> int:
        answers = [await client.ask(STATS) for client in self._clients]
        return sum(ServiceStats.model_validate(each).database_queries for each in answers)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
