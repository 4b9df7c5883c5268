"""A cache as those see it who await, in virtual time, and as those who block, on a fake clock."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar
from unittest.mock import patch

from cachekit import Cache
from cachekit.clock import Clock
from cachekit.runtime import drive
from cachekit.testing import FakeClock
from cachekit.testing.simulation.loop import VirtualClock, VirtualLoop
from tests.core.helpers import ticks

T = TypeVar("T")


def _idle() -> bool:
    return False


class Face(Protocol):
    """How a test uses a cache, whichever way."""

    clock: Clock

    def api(self, cache: Cache) -> Any:
        """`cache` or `cache.sync`."""
        ...

    def run(self, work: Coroutine[Any, Any, T], busy: Callable[[], bool] = ...) -> T:
        """What `work` answers, once nothing that it has begun is under way, nor `busy`."""
        ...

    def pass_time(self, seconds: float) -> None: ...

    def function(self, load: Callable[[], Any]) -> Callable[[int], Any]:
        """A function that may be decorated."""
        ...

    def end(self, cache: Cache) -> None: ...


class Awaiting:
    """Of those who await."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.clock: Clock = VirtualClock(self.loop)

    def api(self, cache: Cache) -> Any:
        return cache

    def run(self, work: Coroutine[Any, Any, T], busy: Callable[[], bool] = _idle) -> T:
        async def quietly() -> T:
            try:
                return await work
            finally:
                await ticks(40)

        try:
            return self.loop.run_until_complete(quietly())
        finally:
            while busy():
                self.pass_time(0.001)

    def pass_time(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def function(self, load: Callable[[], Any]) -> Callable[[int], Any]:
        async def function(n: int) -> Any:
            return load()

        return function

    def end(self, cache: Cache) -> None:
        self.run(cache.close())
        left = list(self.loop.tasks)
        self.loop.close()
        assert not left


class Blocking:
    """Of those who block: time moves where they would sleep."""

    def __init__(self) -> None:
        self._clock = FakeClock()
        self.clock: Clock = self._clock
        self._cache: Cache | None = None

    def api(self, cache: Cache) -> Any:
        self._cache = cache
        return cache.sync

    def run(self, work: Coroutine[Any, Any, T], busy: Callable[[], bool] = _idle) -> T:
        with patch("cachekit.runtime.time", SimpleNamespace(sleep=self._clock.advance)):
            try:
                return drive(work)
            finally:
                while busy() or self._is_at_it():
                    time.sleep(0.0005)

    def _is_at_it(self) -> bool:
        return self._cache is not None and bool(self._cache._engine.store._later)

    def pass_time(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def function(self, load: Callable[[], Any]) -> Callable[[int], Any]:
        def function(n: int) -> Any:
            return load()

        return function

    def end(self, cache: Cache) -> None:
        cache.sync.close()


@asynccontextmanager
async def block(api: Any) -> AsyncGenerator[None]:
    """`api.deferred()`, whichever way it is entered."""
    deferred = api.deferred()
    if hasattr(deferred, "__aenter__"):
        async with deferred:
            yield
    else:
        with deferred:
            yield


async def asked(answer: Any) -> Any:
    """What a method answered, whichever way."""
    return await answer if asyncio.iscoroutine(answer) else answer
