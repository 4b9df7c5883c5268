"""A shared store and its feed, in the hands of a test."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from cachekit.backend import (
    FEED,
    PEEK,
    Backend,
    C,
    Capability,
    Found,
    News,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry, Kind
from cachekit.testing import FakeClock
from cachekit.testing.reference import Records, ReferenceBackend
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend

STALENESS: Final = 10.0


class Feed:
    """Answers what it is told to, one after the other. `asked` are the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, float]] = []
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """On another loop."""
        self._answers = asyncio.Queue[News | BaseException | None]()

    async def news(self, position: object | None, wait: float) -> News:
        self.asked.append((position, wait))
        answer = await self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[return-value]

    async def say(self, *answers: News | BaseException | None) -> None:
        """Return once they are heard, and the next question is asked."""
        for answer in answers:
            asked = len(self.asked)
            self._answers.put_nowait(answer)
            async with asyncio.timeout(5):
                while len(self.asked) == asked:  # noqa: ASYNC110  whoever asks tells nobody
                    await asyncio.sleep(0)

    async def begin(self) -> None:
        """The present, and nothing since."""
        await self.say(News(0, lost=True, complete=False), News(0))

    async def tell(self, *keys: str, prefixes: Sequence[str] = (), complete: bool = True) -> None:
        await self.say(News(len(self.asked), keys, prefixes, complete=complete))


class Far(Backend):
    """A reference backend whose answers can be kept waiting; `reads` and `writes` are counted.

    While there is an `error` no write that comes is done, and each raises it.
    """

    def __init__(
        self, clock: Clock, records: Records | None = None, feed: Feed | None = None
    ) -> None:
        self.store = ReferenceBackend(clock, records)
        self.feed = feed
        self.lost: Sequence[str] = ()
        self.error: Exception | None = None
        self.outcome: Outcome | None = None
        self.reads = self.writes = 0
        self._answering = asyncio.Event()
        self._answering.set()

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {} if self.feed is None else {FEED: self.feed}
        return offer(wanted, having) or self.store.capability(wanted)

    def hold(self) -> None:
        """What is asked from here on is done at once, and answered at `release()`."""
        self._answering.clear()

    def release(self) -> None:
        self._answering.set()

    async def read(self, keys: Sequence[str]) -> Found:
        self.reads += 1
        found = await self.store.read(keys)
        await self._answering.wait()
        return {**found, **dict.fromkeys(self.lost, Unreached())}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        self.writes += 1
        error = self.error
        outcomes: Sequence[Outcome] = () if error else await self.store.write(writes)
        await self._answering.wait()
        if error is not None:
            raise error
        return outcomes if self.outcome is None else [self.outcome] * len(writes)


class Pair:
    """Copies in front of a store: `tiers`, their `near` and `far`, the `feed` and the `clock`."""

    def __init__(
        self,
        *,
        feed: bool = True,
        records: Records | None = None,
        real: bool = False,
        **options: Any,
    ) -> None:
        self.clock = FakeClock()
        self.feed = Feed()
        self._time: Clock = SYSTEM if real else self.clock
        self.far = Far(self._time, records, self.feed if feed else None)
        self.near = MemoryBackend(clock=self._time)
        given: dict[str, Any] = {"max_staleness": STALENESS, **options}
        self.tiers = TieredBackend(self.near, self.far, clock=self._time, **given)

    async def put(self, **entries: Entry | None) -> None:
        """Have it in the store, past the copies: `v_k=` is what is under `v:k`."""
        writes = [Write(name.replace("_", ":"), entry) for name, entry in entries.items()]
        await self.far.store.write(writes)

    async def keep(self, **entries: Entry) -> None:
        """Have it in the store, and read it all at once, so that there are copies."""
        await self.put(**entries)
        await self.tiers.read([name.replace("_", ":") for name in entries])

    async def write(self, key: str, entry: Entry | None) -> Outcome:
        """What becomes of one write."""
        (outcome,) = await self.tiers.write([Write(key, entry)])
        return outcome

    async def reading(self, *keys: str) -> "asyncio.Task[Found]":
        """A read that the store has seen, whose answer is on its way until `far.release()`."""
        self.far.hold()
        seen = self.far.reads
        task = asyncio.create_task(self.tiers.read(keys))
        while self.far.reads == seen:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0)
        return task

    async def writing(self, *writes: Write) -> "asyncio.Task[Sequence[Outcome]]":
        """The same of writes."""
        self.far.hold()
        seen = self.far.writes
        task = asyncio.create_task(self.tiers.write(writes))
        while self.far.writes == seen:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0)
        return task

    async def arrives(self, task: "asyncio.Task[Any]") -> Any:
        """What was held is answered now."""
        self.far.release()
        return await task

    def served(self, key: str) -> int | None:
        """The version that is served at once."""
        entry = self.tiers.peek(key)
        return entry.version if entry is not None and entry.serves(self._time.monotonic()) else None

    def held(self, key: str) -> Entry | None:
        """What is kept, whether or not that may be looked at."""
        able = self.near.capability(PEEK)
        assert able is not None
        return able.peek(key)

    def value(self, version: int, *, of: int | None = None, ttl: float | None = 1000.0) -> Entry:
        """A value, of the tag `t:a` at that version if it is `of` one."""
        entry = Entry(Kind.VALUE, version, None if of is None else {"t:a": of})
        entry.payload = b"payload"
        entry.freshen(ttl, self._time)
        return entry


def record(version: int) -> Entry:
    return Entry(Kind.TAG, version)


@asynccontextmanager
async def opened(pair: Pair, *, begin: bool = True) -> AsyncGenerator[Pair]:
    """Open; with a feed all is known by now, if it is to `begin`."""
    await pair.tiers.open()
    try:
        if begin and pair.far.feed is not None:
            await pair.feed.begin()
        yield pair
    finally:
        pair.far.release()
        await pair.tiers.close()
