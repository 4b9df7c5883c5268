"""One process with tiers: `python -m benchmarks.tiered_process URL NUMBER`.

It does what `benchmarks.tiered` asks of it. Moments are those of the clock that all processes of a
machine share.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice, repeat
from math import inf
from typing import Any, Final

from redis.asyncio import Redis

from benchmarks.clients import VALUE
from benchmarks.processes import Answer, Question, serve
from benchmarks.tiered_subjects import Tiers, made

VERSION: Final = -1
"""The number whose value changes: it is loaded from what has the same name on the server."""
ORIGIN: Final = "version"
OWN: Final = 1_000_000
"""So many numbers each process has for itself."""
CALLS: Final = 50
"""So many in one measurement of what cannot be done again and again with the same number."""

_AT_ONCE: Final = 20
"""So many hits are between two looks at the clock."""
_SETTLED: Final = 0.2
"""Seconds in which a new one begins to follow the changes of others."""
_WATCHED: Final = 0.1
"""Seconds until all processes have their copy, and look at it again and again."""
_PAUSE: Final = 0.001
"""Seconds between two looks."""
_LONGEST: Final = 2.0
"""Seconds in which an older value has to go: twice what ours may have it by default."""


class Worker:
    """Answers questions about its subjects, each of which it makes when it is asked for."""

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._number = number
        self._origin = Redis.from_url(url)
        self._subjects: dict[str, Tiers] = {}

    async def answer(self, question: Question) -> Answer:
        asked: Callable[[Tiers, Question], Awaitable[Answer]] = getattr(self, question["case"])
        return await asked(await self._subject(question["subject"]), question)

    async def _subject(self, name: str) -> Tiers:
        if name not in self._subjects:
            self._subjects[name] = await made(name, self._url, self._load)
            await timed(self._subjects[name].get, self._own)
            await asyncio.sleep(_SETTLED)
        return self._subjects[name]

    async def close(self) -> None:
        for each in self._subjects.values():
            await each.close()
        await self._origin.aclose()

    async def hit(self, tiers: Tiers, question: Question) -> Answer:
        """The same again and again, for `span` seconds; the first is not counted."""
        number = self._own[0]
        await tiers.get(number)
        return await timed(tiers.get, repeat(number), question["span"], VALUE)

    async def read(self, tiers: Tiers, question: Question) -> Answer:
        """What this process has not read before."""
        first = question["first"]
        return await timed(tiers.get, range(first, first + CALLS), wanted=VALUE)

    async def invalidate(self, tiers: Tiers, question: Question) -> Answer:
        return await timed(tiers.forget, self._own)

    async def again(self, tiers: Tiers, question: Question) -> Answer:
        return await timed(tiers.get, self._own, wanted=VALUE)

    async def change(self, tiers: Tiers, question: Question) -> Answer:
        """The first one changes it, the others look on."""
        await tiers.get(VERSION)
        if self._number > 0:
            return await seen(tiers, question["version"])
        await asyncio.sleep(_WATCHED)
        await self._origin.set(ORIGIN, question["version"])
        await tiers.forget(VERSION)
        return {"acknowledged": time.monotonic()}

    @property
    def _own(self) -> range:
        first = OWN * (self._number + 1)
        return range(first, first + CALLS)

    async def _load(self, number: int) -> Any:
        return {"version": int(await self._origin.get(ORIGIN) or 0)} if number == VERSION else VALUE


async def timed(
    call: Callable[[int], Awaitable[object]],
    numbers: Iterable[int],
    span: float = inf,
    wanted: object = None,
) -> Answer:
    """How many calls there were, one after the other, from when until when: `span` seconds at most.

    Raises:
        ValueError: the last one has not returned what was `wanted`.
    """
    rest, calls, got, started = iter(numbers), 0, None, time.monotonic()
    ended = started
    while ended - started <= span and (some := list(islice(rest, _AT_ONCE))):
        for number in some:
            got = await call(number)
        calls += len(some)
        ended = time.monotonic()
    if wanted is not None and got != wanted:
        raise ValueError(f"it gives {got!r:.50}")
    return {"calls": calls, "started": started, "ended": ended}


async def seen(tiers: Tiers, version: int) -> Answer:
    """When the last call began that got an older value, and when the new one was there."""
    end = time.monotonic() + _LONGEST
    older = began = time.monotonic()
    while (await tiers.get(VERSION))["version"] != version:
        older = began
        if began > end:
            raise LookupError(f"others have the older value {_LONGEST:.0f} s later")
        await asyncio.sleep(_PAUSE)
        began = time.monotonic()
    return {"older": older, "newer": time.monotonic()}


if __name__ == "__main__":
    asyncio.run(serve(Worker(sys.argv[1], int(sys.argv[2]))))
