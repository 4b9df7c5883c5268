"""The truth and those who look it up: rising versions per key, and loads that take their time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.weather import Weather, load_time

LOAD_TIMEOUT: Final = 6.0
"""What the caches are told, in seconds; a load that hangs takes much longer."""

HANGS: Final = 500.0


class Value(NamedTuple):
    """What is cached, as text: whose it is, how new, and which load or `set` brought it."""

    key: str
    version: int
    source: int

    def __str__(self) -> str:
        return f"{self.key}@{self.version}/{self.source}"

    @classmethod
    def parse(cls, text: object) -> "Value":
        """Raises `ValueError` for what is no value of this simulation."""
        key, _, rest = str(text).partition("@")
        version, _, source = rest.partition("/")
        return cls(key, int(version), int(source))


class LoadFailed(Exception):
    """What a loader raises; it knows its load."""

    def __init__(self, load: "Load") -> None:
        super().__init__(f"load {load.number} of {load.key}")
        self.load = load


@dataclass(eq=False)
class Load:
    """One call of a loader. `abandoned`: it failed since the caller that brought it had left."""

    number: int
    key: str
    process: str
    began: float
    ended: float | None = None
    abandoned: bool = False
    raised_cancel: bool = False


@dataclass
class Origin:
    """The database: the current version of each key, and everything that was loaded from it."""

    history: History
    rng: random.Random
    weather: Weather
    versions: dict[str, int] = field(default_factory=dict[str, int])
    loads: list[Load] = field(default_factory=list[Load])
    timed_out: set[str] = field(default_factory=set[str])

    def commit(self, at: float, who: str, key: str) -> int:
        """Change a key; its new version."""
        version = self.versions[key] = self.versions[key] + 1
        self.history.add(at, who, f"COMMITS @{version}", key)
        return version

    def begin(self, at: float, process: str, key: str) -> Load:
        load = Load(len(self.loads) + 1, key, process, at)
        self.loads.append(load)
        self.history.add(at, process, f"begins load /{load.number}", key)
        return load


@dataclass(eq=False)
class Loader:
    """One caller's loader; `left` is set once that caller was cancelled.

    `needs_caller`: it fails when that has happened; `may_cancel`: it may raise `CancelledError`.
    """

    origin: Origin
    process: str
    key: str
    nested: Callable[[], Awaitable[None]] | None = None
    needs_caller: bool = False
    may_cancel: bool = True
    left: bool = False
    load: Load | None = None

    async def __call__(self) -> str:
        load = self.load = self.origin.begin(_now(), self.process, self.key)
        ending = "was cancelled"
        try:
            value = await self._look_up(load)
            ending = f"has @{value.version}"
            return str(value)
        except LoadFailed:
            ending = "FAILS"
            raise
        except asyncio.CancelledError:
            if _now() - load.began > 0.999 * LOAD_TIMEOUT:
                self.origin.timed_out.add(self.key)
                self.origin.history.covered["loads that timed out"] += 1
            raise
        finally:
            load.ended = _now()
            self.origin.history.add(
                load.ended, self.process, f"load /{load.number} {ending}", self.key
            )

    async def _look_up(self, load: Load) -> Value:
        rng, duration = self.origin.rng, self._duration()
        before = rng.random() * duration
        await asyncio.sleep(before)
        version = self.origin.versions[self.key]
        if self.nested is not None:
            await self.nested()
        await asyncio.sleep(duration - before)
        self._fail(load)
        return Value(self.key, version, load.number)

    def _duration(self) -> float:
        rng, weather = self.origin.rng, self.origin.weather
        if rng.random() < weather.load_hangs:
            return HANGS
        return load_time(rng, weather)

    def _fail(self, load: Load) -> None:
        rng, weather = self.origin.rng, self.origin.weather
        if self.left and self.needs_caller:
            load.abandoned = True
            raise LoadFailed(load)
        if self.may_cancel and rng.random() < weather.load_cancels:
            load.raised_cancel = True
            self.origin.history.covered["loaders that raised CancelledError"] += 1
            raise asyncio.CancelledError
        if rng.random() < weather.load_fails:
            self.origin.history.covered["failed loads"] += 1
            raise LoadFailed(load)


def _now() -> float:
    return asyncio.get_running_loop().time()
