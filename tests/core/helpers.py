"""What the tests of the core share."""

import asyncio
import pickle
from collections.abc import Callable, Coroutine, Iterable, Mapping
from math import inf
from typing import Any, Final, TypeVar

from cachekit import Cache
from cachekit.backend import Backend
from cachekit.entry import Kind
from cachekit.errors import EncodeError
from cachekit_memory import MemoryBackend
from tests.core.slow_store import SlowStore

T = TypeVar("T")


class PickleSerializer:
    """Stands in for a real one: tests do not care how a value becomes bytes."""

    id: Final = "pickle"
    fingerprint: Final = b""

    def dumps(self, value: Any) -> bytes:
        try:
            return pickle.dumps(value)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise EncodeError(f"a {type(value).__name__} cannot be pickled") from error

    def loads(self, data: bytes) -> Any:
        return pickle.loads(data)


class Load:
    """A loader that waits for `finish()`, or `fail(error)`, and counts.

    Its n-th call returns `make(n)`, by default `"value n"`.
    """

    def __init__(self, make: Callable[[int], Any] = "value {}".format) -> None:
        self.calls = 0
        self.cancelled = 0
        self.running = 0
        self.begun = asyncio.Event()
        self._make = make
        self._gate = asyncio.Event()
        self._error: BaseException | None = None
        self._failing = inf

    def finish(self) -> "Load":
        self._gate.set()
        return self

    def fail(self, error: BaseException, *, calls: float = inf) -> "Load":
        """The first so many calls raise `error`."""
        self._error, self._failing = error, calls
        return self.finish()

    async def __call__(self) -> Any:
        self.calls += 1
        self.running += 1
        number = self.calls
        self.begun.set()
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self._error is not None and number <= self._failing:
            raise self._error
        return self._make(number)


class Loads:
    """A loader of several keys that waits for `finish()`, and notes what it was asked for."""

    def __init__(self, make: Callable[[str, int], Any] = "{} {}".format) -> None:
        self.asked: list[list[str]] = []
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.without: set[str] = set()
        self._make = make
        self._gate = asyncio.Event()
        self._error: Exception | None = None

    @property
    def keys(self) -> list[str]:
        """All that it was asked for, however often."""
        return [key for keys in self.asked for key in keys]

    def finish(self) -> "Loads":
        self._gate.set()
        return self

    def fail(self, error: Exception) -> "Loads":
        self._error = error
        return self.finish()

    async def __call__(self, keys: list[str]) -> Mapping[str, Any]:
        self.asked.append(keys)
        number = len(self.asked)
        self.begun.set()
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self._error is not None:
            raise self._error
        return {key: self._make(key, number) for key in keys if key not in self.without}


def values(keys: Iterable[str], number: int = 1) -> dict[str, str]:
    return {key: f"{key} {number}" for key in keys}


TTL: Final = 10.0
"""Of what `aged` stores."""


async def aged(cache: Cache, key: str = "k", *, by: float = TTL, **options: Any) -> None:
    """Store `"old"` under `key`, and let so much time pass."""
    await cache.set(key, "old", **{"ttl": TTL, **options})
    await asyncio.sleep(by)


def time() -> float:
    """The virtual time."""
    return asyncio.get_running_loop().time()


def start(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task that does `work`."""
    return asyncio.get_running_loop().create_task(work)


async def ticks(count: int = 20) -> None:
    """Let the event loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def ends(*tasks: "asyncio.Task[Any]") -> list[Any]:
    """What came of each task: its result, or its exception."""
    return await asyncio.gather(*tasks, return_exceptions=True)


async def quiet() -> None:
    """Wait, for less than a lease, until no task but this one is left."""
    for _ in range(100):
        if len(asyncio.all_tasks()) == 1:
            return
        await asyncio.sleep(0.01)


def leftovers(caches: Iterable[Cache], backends: Iterable[Backend]) -> list[str]:
    """What is still under way: flights, polls, and stubs in the stores."""
    left: list[str] = []
    for cache in caches:
        rides = cache._engine.rides
        left += [f"flight {flight.key}" for flight in rides.flights.all()]
        left += [f"unstored flight {flight.key}" for flight in rides.unstored.all()]
        left += [f"poll {key}" for key in rides.watches._watches]
    for backend in backends:
        left += [f"stub {key}" for key in stubs(backend)]
    return left


def stubs(backend: Backend) -> list[str]:
    """The keys under which `backend` keeps a stub."""
    if isinstance(backend, SlowStore):
        return backend.shelf.keys(Kind.STUB)
    if isinstance(backend, MemoryBackend):
        return [key for key, entry in backend._beside.items() if entry.kind is Kind.STUB]
    return []
