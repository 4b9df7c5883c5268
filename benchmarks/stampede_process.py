"""One process whose callers ask at once: `python -m benchmarks.stampede_process PLACE NUMBER`.

It does what `benchmarks.stampede` asks of it. The place is the URL of a Redis, or memory.
"""

import asyncio
import sys
import time
from typing import Any, Final

from benchmarks.clients import VALUE
from benchmarks.processes import Answer, Question, serve
from benchmarks.stampede_subjects import Subject, made

LOAD: Final = 0.05
"""Seconds that a load takes."""


class Worker:
    """Answers questions about its subjects, each of which it makes when it is asked for."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._subjects: dict[str, Subject] = {}
        self._loads = 0

    async def answer(self, question: Question) -> Answer:
        """How often was loaded, from when until when all had what they asked for.

        Raises:
            ValueError: some got something else.
        """
        subject, waiters = await self._subject(question["subject"]), question["waiters"]
        self._loads, number = 0, question["number"]
        started = time.monotonic()
        got = await asyncio.gather(*(subject.call(number) for _ in range(waiters)))
        ended = time.monotonic()
        if wrong := sum(each != VALUE for each in got):
            raise ValueError(f"{wrong} of {waiters} got something else")
        return {"loads": self._loads, "started": started, "ended": ended}

    async def close(self) -> None:
        for each in self._subjects.values():
            await each.close()

    async def _subject(self, name: str) -> Subject:
        if name not in self._subjects:
            self._subjects[name] = await made(name, self._place, self._load)
        return self._subjects[name]

    async def _load(self, number: int) -> Any:
        self._loads += 1
        await asyncio.sleep(LOAD)
        return dict(VALUE)


if __name__ == "__main__":
    asyncio.run(serve(Worker(sys.argv[1])))
