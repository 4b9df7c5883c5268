"""The news of a store, as they come over a link: what any `cachekit.backend.Feed` has to do."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NamedTuple, Protocol, TypeAlias

from cachekit.backend import News
from cachekit.testing.simulation.history import EVERYWHERE, History, short
from cachekit.testing.simulation.stream import KEY, PREFIX, Answer, Change, Stream


class Passage(NamedTuple):
    """One question's way: when it `arrives`, if it does, and how many seconds its answer travels.

    `broken` is when a connection on which no answer came is known to be broken.
    """

    arrives: float | None
    returns: float
    broken: float


class Way(Protocol):
    """How questions get to a stream, and answers back."""

    process: str
    history: History

    @property
    def stream(self) -> Stream:
        """What the store at its end tells."""
        ...

    @property
    def count(self) -> int:
        """How many changes an answer may have."""
        ...

    def passage(self, wait: float) -> Passage:
        """For a question that the stream may keep for `wait` seconds."""
        ...


Question: TypeAlias = Callable[[], Coroutine[Any, Any, Answer]]


class Position(NamedTuple):
    """The last change that was read, and of which life it is."""

    life: int
    id: int


class StreamFeed:
    """Follows a stream by the id that was read last, and notices whenever that is not enough."""

    def __init__(self, way: Way) -> None:
        self._way = way

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def news(self, position: object | None, wait: float) -> News:
        if not isinstance(position, Position):
            return await self._begin()
        stream, most = self._way.stream, self._way.count
        answer = await self._ask(lambda: stream.after(position.id, most, wait), wait)
        if why := _lost(position, answer):
            self._note(f"has lost news: {why}", EVERYWHERE)
            self._way.history.covered[f"news lost: {why}"] += 1
            return await self._begin()
        return self._news(position, answer)

    async def _begin(self) -> News:
        """From the present on: what was before is not known."""
        answer = await self._ask(self._way.stream.present, 0.0)
        assert answer.last is not None
        return News(Position(answer.life, answer.last), lost=True, complete=False)

    def _news(self, position: Position, answer: Answer) -> News:
        changes = answer.changes
        full = len(changes) == self._way.count  # then there may be more
        self._way.history.covered["full answers"] += full
        if changes:
            position = position._replace(id=changes[-1].id)
            for change in changes:
                if short(change.name):
                    self._note("hears of it", short(change.name))
        return News(position, _of(KEY, changes), _of(PREFIX, changes), complete=not full)

    async def _ask(self, question: Question, wait: float) -> Answer:
        passage = self._way.passage(wait)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        if passage.arrives is not None:
            self._loop.call_at(
                passage.arrives, self._arrive, question, passage, answer, context=Context()
            )
        broken = self._loop.call_at(passage.broken, _break, answer)
        try:
            return await answer
        finally:
            broken.cancel()

    def _arrive(
        self, question: Question, passage: Passage, answer: "asyncio.Future[Answer]"
    ) -> None:
        """By the world, not by a task of the process: that one may be gone by then."""
        self._loop.create_task(self._look(question, passage, answer))

    async def _look(
        self, question: Question, passage: Passage, answer: "asyncio.Future[Answer]"
    ) -> None:
        try:
            seen = await question()
        except ConnectionError:
            _break(answer)
        else:
            await asyncio.sleep(passage.returns)
            if not answer.done():
                answer.set_result(seen)

    def _note(self, what: str, key: str) -> None:
        way = self._way
        way.history.add(self._loop.time(), way.process, what, key)


def _lost(position: Position, answer: Answer) -> str:
    """Why some of what followed that position may not be in the answer, if so."""
    if answer.life != position.life:
        return "the server was restarted"
    if answer.first is None or answer.last is None:
        return "there is no stream"
    if answer.first > position.id:
        return "the stream begins later"
    return "the stream ended before" if answer.last < position.id else ""


def _of(kind: str, changes: tuple[Change, ...]) -> list[str]:
    return [change.name for change in changes if change.kind == kind]


def _break(answer: "asyncio.Future[Answer]") -> None:
    if not answer.done():
        answer.set_exception(ConnectionError("no news"))
