"""What all state machines of a cache have: the cache, what it may hold, and how it is asked."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Final

from hypothesis.stateful import RuleBasedStateMachine

from cachekit import MISSING, Cache, InvalidationError, Key, Prefix, Target
from cachekit.backend import Backend
from cachekit.guard import Guard
from cachekit.testing.faulty import FaultyBackend
from cachekit_memory import MemoryBackend
from tests.core.faces import Awaiting, Face, asked
from tests.core.helpers import PickleSerializer
from tests.core.model import Held, Model, State, Step, a_pass, carried, held, hits
from tests.core.slow_store import Shelf, SlowStore

LOST: Final = "it was not acknowledged"
FAILED: Final = "the load failed"

TIMEOUT: Final = 30.0


@dataclass(frozen=True)
class Begun:
    """A load under way; it returns `number`."""

    number: int
    gate: asyncio.Event
    task: "asyncio.Task[Any]"
    ttl: float | None
    since: float


def covers(targets: Iterable[Target], key: str, entry: Held) -> bool:
    """Whether something under `key` is among what is to be forgotten."""
    return any(_covers(target, key, entry) for target in targets)


def _covers(target: Target, key: str, entry: Held) -> bool:
    if isinstance(target, Key):
        return key == target.text
    if isinstance(target, Prefix):
        return key.startswith(target.text)
    return target.name in entry.tags


class CacheMachine(RuleBasedStateMachine):
    """Of those who await, in memory, unless a subclass says otherwise; it has no rules yet."""

    face_of: ClassVar[type[Face]] = Awaiting
    slow: ClassVar = False
    room: ClassVar = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.face = self.face_of()
        self.shelf = Shelf(self.face.clock)
        memory = MemoryBackend(max_entries=self.room, clock=self.face.clock)
        inner: Backend = SlowStore(self.shelf) if self.slow else memory
        self.backend = FaultyBackend(inner)
        self.guard = Guard(self.backend, failures=10**6, probe_interval=0.001)
        self.cache = Cache(
            self.guard if self.slow else self.backend,
            namespace="test",
            clock=self.face.clock,
            serializer=PickleSerializer(),
            ttl=60,
            load_timeout=TIMEOUT,
            deadline=5,
            invalidators=lambda event: event,
        )
        self.api = self.face.api(self.cache)
        self.function = self.cache.cached(key="f:{n}", tags=["fs", "f:{n}"], name="f")(
            self.face.function(self.load_value)
        )
        self.model = Model()
        self.fresh = count(1)
        self.value = 0
        self.loads: dict[str, Begun] = {}
        self.murky: set[str] = set()
        self.began = 0.0

    def teardown(self) -> None:
        self.backend.heal()
        try:
            for key in list(self.loads):
                self.finish(key)
            self.look_at_all()
        finally:
            self.face.end(self.cache)

    # -- asking

    @property
    def now(self) -> float:
        return self.face.clock.monotonic()

    def load_value(self) -> int:
        return self.value

    def load_error(self) -> int:
        raise LookupError(FAILED)

    def ask(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What a method answers; `LOST` and `FAILED` for the errors that mean so."""

        async def work() -> Any:
            return await asked(method(*args, **options))

        return self.run(work())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What it answers; what the loaders return meanwhile is a new number."""
        if self.room < 100:
            self.model.lose(lambda key, entry: True, sure=False)
        self.backend.struck, self.began = 0, self.now
        self.value = next(self.fresh)
        try:
            return self.face.run(work, lambda: self.guard.gates.are_shut)
        except InvalidationError:
            assert self.backend.struck
            return LOST
        except LookupError as error:
            return str(error)

    def served(self, state: State, tags: Iterable[str] = ()) -> set[bool]:
        declared = frozenset(tags)
        return hits(state, self.began, declared) | hits(state, self.now, declared)

    def stored(self, tags: Iterable[str], ttl: float | None = 60.0) -> Held:
        return held(self.value, tags, ttl, self.began, self.now)

    def taken_over(self, state: State, tags: Iterable[str]) -> Iterator[frozenset[str]]:
        declared = frozenset(tags)
        yield from carried(state, self.began, declared) | carried(state, self.now, declared)

    def finish(self, key: str) -> None:
        """Let the load of `key` end; it is stored if its stub is still there."""
        begun = self.loads.pop(key)

        async def work() -> Any:
            begun.gate.set()
            return await begun.task

        def step(state: State) -> Iterator[Step]:
            if state is not None and state.load == begun.number:
                state = held(begun.number, state.tags, begun.ttl, self.began, self.now)
            yield begun.number, state

        self.model.see(key, self.run(work()), step)

    def look_at_all(self) -> None:
        """Read every key that was ever used."""
        several = sorted(self.model.states)
        found = self.ask(self.api.get_many, several)
        for key in several:
            self.model.see(key, found.get(key, MISSING), self.read)

    # -- what an operation may do

    def read(self, state: State, tags: Iterable[str] = ()) -> Iterator[Step]:
        for hit in self.served(state, tags):
            yield (state.value, state) if hit and state else (MISSING, state)
        if self.backend.struck:
            yield MISSING, state

    def _loaded(
        self, state: State, tags: Iterable[str], ttl: float | None, fails: bool, murky: bool
    ) -> Iterator[Step]:
        answer = FAILED if fails else self.value
        hit = self.served(state, tags)
        if True in hit and state is not None:
            yield state.value, state
        if False in hit or self.backend.struck:
            for carries in self.taken_over(state, tags):
                failed = a_pass(carries, self.began, self.now)
                yield answer, failed if fails else self.stored(carries, ttl)
        if murky:
            yield answer, state
            yield answer, None

    def see_load(
        self,
        key: str,
        answer: Any,
        tags: Iterable[str],
        ttl: float | None = 60.0,
        fails: bool = False,
    ) -> None:
        """A call that would load answered so."""
        if self.backend.struck:
            self.murky.add(key)
        murky = key in self.murky
        self.model.see(key, answer, lambda s: self._loaded(s, tags, ttl, fails, murky))

    def acknowledged(self, key: str, answer: Any, after: State) -> None:
        """`answer` says whether what replaces or forgets was acknowledged."""
        if answer is LOST:
            self.murky.add(key)
            self.model.change(key, *self.model.of(key), after, None)
        else:
            assert answer is None
            self.murky.discard(key)
            self.model.change(key, after)
