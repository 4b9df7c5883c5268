"""What a store tells of its changes: a stream with growing ids, which is trimmed, and lost."""

import asyncio
import random
from collections import deque
from itertools import islice
from typing import Final, NamedTuple

KEY: Final = "key"
PREFIX: Final = "prefix"
MARK: Final = "mark"
"""Tells nothing: it makes a stream where there is none, so that there is an id to follow from."""

EMPTIED: Final = "EMPTIED"
EMPTIED_LONG_AGO: Final = "EMPTIED, and its clock was set back"
RESTARTED: Final = "RESTARTED"

_FAR: Final = 1_000_000
"""More ids than any run gives."""


class Change(NamedTuple):
    """One entry of the stream: a key, all that begins with a prefix, or a mark."""

    id: int
    kind: str
    name: str


class Answer(NamedTuple):
    """What one look at the stream shows.

    `life` says which start of the server this is; `changes` are those after an id, at most as many
    as were asked for; `first` and `last` are the ids at the ends of what is there.
    """

    life: int
    changes: tuple[Change, ...]
    first: int | None
    last: int | None


class Stream:
    """The last `longest` changes of a store, oldest first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, longest: int) -> None:
        self.life = 1
        self._loop = loop
        self._last = 0
        self._changes: deque[Change] = deque(maxlen=longest)
        self._waiting: dict[asyncio.Future[None], None] = {}

    def tell(self, kind: str, name: str) -> None:
        """Add a change, and wake those who wait for one."""
        self._last += 1
        self._changes.append(Change(self._last, kind, name))
        self._wake()

    def lose(self, rng: random.Random, restarts: float) -> str:
        """Lose it with the rest of the store; what happened, in words.

        If it was emptied its ids go on, or begin far lower, where the clock was set back. A restart
        is another life, and may lose but the last changes: then their ids are given once more.
        """
        if rng.random() < restarts:
            self._restart(rng.randint(0, min(4, len(self._changes))))
            return RESTARTED
        what = rng.choice([EMPTIED, EMPTIED_LONG_AGO])
        self._changes.clear()
        self._last -= _FAR if what == EMPTIED_LONG_AGO else 0
        return what

    def _restart(self, lost: int) -> None:
        for _ in range(lost):
            self._changes.pop()
        self._last -= lost
        self.life += 1
        self._wake()

    async def after(self, at: int, most: int, wait: float) -> Answer:
        """What comes after the id `at`; waits up to `wait` seconds for the first of it."""
        ends, life = self._loop.time() + wait, self.life
        while not self._since(at, 1) and self._loop.time() < ends:
            await self._something(ends)
            if life != self.life:
                raise ConnectionError("the server was restarted")
        return Answer(self.life, self._since(at, most), *self._span())

    async def present(self) -> Answer:
        """Nothing but where the stream is; makes one where there is none."""
        if not self._changes:
            self.tell(MARK, "")
        return Answer(self.life, (), *self._span())

    def _since(self, at: int, most: int) -> tuple[Change, ...]:
        return tuple(islice((change for change in self._changes if change.id > at), most))

    def _span(self) -> tuple[int | None, int | None]:
        if not self._changes:
            return None, None
        return self._changes[0].id, self._changes[-1].id

    async def _something(self, ends: float) -> None:
        waiting: asyncio.Future[None] = self._loop.create_future()
        self._waiting[waiting] = None
        timer = self._loop.call_at(ends, _settle, waiting)
        await waiting
        timer.cancel()
        del self._waiting[waiting]

    def _wake(self) -> None:
        for waiting in self._waiting:
            _settle(waiting)


def _settle(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
