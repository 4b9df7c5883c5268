"""What is asked of a backend in one tick of the event loop travels together, within bounds."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Final, Generic, TypeVar

from cachekit.backend import UNREACHED, Backend, Found, Outcome, Unreached, Write
from cachekit.errands import HELD_UP, Errands

A = TypeVar("A")
R = TypeVar("R")

MOST: Final = 512
"""So many keys travel together."""

MOST_BYTES: Final = 1 << 20
"""About so many bytes of payloads travel together; a larger one goes alone."""


class Batch(ABC, Generic[A, R]):
    """What travels together, and who waits for it."""

    def __init__(self) -> None:
        self.ended = False
        self.timer: asyncio.TimerHandle | None = None

    @property
    @abstractmethod
    def asked(self) -> Sequence[A]:
        """All that travels."""

    @abstractmethod
    def take(self, asked: Sequence[A], waiting: "asyncio.Future[R]") -> bool:
        """Take `asked` along if there is room; `waiting` is to have its answer."""

    @abstractmethod
    async def carry(self) -> R:
        """Ask the backend."""

    @abstractmethod
    def none(self, error: BaseException) -> R:
        """The answer in the place of one that did not come."""

    @abstractmethod
    def tell(self, answer: R) -> None:
        """Give those who wait what is theirs; who was cancelled waits no longer."""


class Reading(Batch[str, Found]):
    """Keys to read, each once. Everyone is given the answers to all, to look up their own."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._keys: dict[str, None] = {}
        self._waiting: list[asyncio.Future[Found]] = []

    @property
    def asked(self) -> Sequence[str]:
        return list(self._keys)

    def take(self, asked: Sequence[str], waiting: "asyncio.Future[Found]") -> bool:
        keys = self._keys
        if keys and len(keys) + len(asked) > MOST and not self._has_room(asked):
            return False
        for key in asked:
            keys[key] = None
        self._waiting.append(waiting)
        return True

    def _has_room(self, asked: Sequence[str]) -> bool:
        """There is room for as many as all are asked for already."""
        return sum(key not in self._keys for key in asked) <= MOST - len(self._keys)

    async def carry(self) -> Found:
        return dict(await self._backend.read(list(self._keys)))

    def none(self, error: BaseException) -> Found:
        return dict.fromkeys(self._keys, Unreached(error))

    def tell(self, answer: Found) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(answer)


class Writing(Batch[Write, Sequence[Outcome]]):
    """Writes, in the order they were asked for. Everyone is given the outcomes of their own."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._writes: list[Write] = []
        self._bytes = 0
        self._waiting: list[tuple[asyncio.Future[Sequence[Outcome]], int, int]] = []

    @property
    def asked(self) -> Sequence[Write]:
        return self._writes

    def take(self, asked: Sequence[Write], waiting: "asyncio.Future[Sequence[Outcome]]") -> bool:
        begin, size = len(self._writes), self._bytes + _bytes(asked)
        if self._writes and (begin + len(asked) > MOST or size > MOST_BYTES):
            return False
        self._bytes = size
        self._writes += asked
        self._waiting.append((waiting, begin, len(self._writes)))
        return True

    async def carry(self) -> Sequence[Outcome]:
        return of_size(list(await self._backend.write(self._writes)), len(self._writes))

    def none(self, error: BaseException) -> Sequence[Outcome]:
        return [UNREACHED] * len(self._writes)

    def tell(self, answer: Sequence[Outcome]) -> None:
        for waiting, begin, end in self._waiting:
            if not waiting.done():
                waiting.set_result(answer[begin:end])


class Line(Generic[A, R]):
    """Gathers what is asked for in a tick into one batch; runs on the loop of the backend.

    What has no room in it goes as a further batch. `deadline` is what a batch may take in seconds
    (`None`: any time); one past it is abandoned and its late answer dropped. `ended` hears of each
    batch with its answer, or the failure, before anyone who waits goes on.
    """

    def __init__(
        self,
        make: Callable[[], Batch[A, R]],
        loop: asyncio.AbstractEventLoop,
        errands: Errands,
        deadline: float | None,
        ended: Callable[[Batch[A, R], R, BaseException | None], None],
    ) -> None:
        self._make = make
        self._loop = loop
        self._errands = errands
        self._deadline = deadline
        self._ended = ended
        self._next: Batch[A, R] | None = None

    def ask(self, asked: Sequence[A]) -> "asyncio.Future[R]":
        """The answer to come; never raises. To cancel it is to wait no longer, nothing else."""
        waiting: asyncio.Future[R] = self._loop.create_future()
        if self._next is None or not self._next.take(asked, waiting):
            batch = self._next = self._make()
            batch.take(asked, waiting)
            self._errands.start(self._send(batch), partial(self._left, batch))
            if self._deadline is not None:
                self._loop.call_soon(self._watch, batch)  # once it is sent
        return waiting

    async def _send(self, batch: Batch[A, R]) -> None:
        self._close(batch)
        try:
            self._end(batch, await batch.carry())
        except Exception as error:
            self._fail(batch, error)

    def _watch(self, batch: Batch[A, R]) -> None:
        if self._deadline is not None and not batch.ended:
            due = self._loop.time() + self._deadline
            batch.timer = self._loop.call_at(due, self._is_late, batch, due + HELD_UP)

    def _close(self, batch: Batch[A, R]) -> None:
        # R1: who comes from here on came after this was sent, and gets the next one.
        if self._next is batch:
            self._next = None

    def _is_late(self, batch: Batch[A, R], latest: float) -> None:
        if self._loop.time() > latest:  # the loop was held up: what came has yet to be read, once
            batch.timer = self._loop.call_later(HELD_UP, self._is_late, batch, inf)
        else:
            self._fail(batch, TimeoutError(f"no answer within {self._deadline} s"))

    def _left(self, batch: Batch[A, R]) -> None:
        """Its task has ended; if it was cancelled, then not by those who wait."""
        self._close(batch)
        self._fail(batch, ConnectionError("the operation was cancelled"))

    def _fail(self, batch: Batch[A, R], error: BaseException) -> None:
        if not batch.ended:
            self._end(batch, batch.none(error), error)

    def _end(self, batch: Batch[A, R], answer: R, error: BaseException | None = None) -> None:
        if batch.ended:
            return
        batch.ended = True
        if batch.timer is not None:
            batch.timer.cancel()
        batch.tell(answer)
        self._ended(batch, answer, error)


def pieces(writes: Sequence[Write]) -> list[Sequence[Write]]:
    """`writes` in as many parts, in order, as have room in a batch."""
    parts: list[Sequence[Write]] = []
    piece: list[Write] = []
    size = 0
    for write in writes:
        more = _bytes((write,))
        if piece and (len(piece) == MOST or size + more > MOST_BYTES):
            parts.append(piece)
            piece, size = [], 0
        piece.append(write)
        size += more
    return [*parts, piece]


def of_size(outcomes: Sequence[Outcome], size: int) -> Sequence[Outcome]:
    """`outcomes`; a `ValueError` if it is not so many."""
    if len(outcomes) != size:
        raise ValueError(f"the backend gave {len(outcomes)} outcomes for {size} writes")
    return outcomes


def _bytes(writes: Sequence[Write]) -> int:
    entries = [write.entry for write in writes]
    return sum(len(entry.payload) for entry in entries if entry is not None and entry.payload)
