"""The truth, which all processes see: how new each key is, and what everybody must know by now."""

import asyncio
import random
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import starmap
from typing import Final, NamedTuple

from tests.races.memory import Numbers

KEYS: Final = 12
GROUPS: Final = 3
TAGS: Final = 4
"""Each key is of one group, by which its name begins, and has one tag."""


def name(key: int) -> str:
    return f"{group(key)}{key}"


def group(key: int) -> str:
    return f"group-{key % GROUPS}:"


def tag(key: int) -> str:
    return f"tag-{key % TAGS}"


def now() -> int:
    """Nanoseconds, by a clock that all processes of a machine have in common."""
    return time.monotonic_ns()


SLOWEST: Final = 0.01
"""Seconds that a load takes at most after it has read the truth."""

STUBBORN: Final = 0.15
"""The share of loads that go on until what they have read is known to be old."""

STUBBORN_FOR: Final = 0.1
"""Seconds that they do so at most."""


class Value(NamedTuple):
    """What is loaded: when that ended, and whether something newer had been acknowledged then."""

    key: int
    version: int
    loaded: int
    overtaken: bool


class Question(NamedTuple):
    """What is asked for, when, and the lowest version that is right."""

    key: int
    asked: int
    floor: int


class Origin:
    """Versions rise, and all reads are counted."""

    def __init__(self) -> None:
        self._versions = Numbers(KEYS)
        self._acknowledged = Numbers(KEYS)
        self._loading = Numbers(KEYS)
        self._reads = Numbers(1)

    def commit(self, keys: Iterable[int]) -> dict[int, int]:
        """Make new versions of some keys."""
        return {key: self._versions.add(key) for key in keys}

    def acknowledge(self, versions: dict[int, int]) -> None:
        """From now on nobody may get anything older."""
        for key, version in versions.items():
            self._acknowledged.raise_to(key, version)

    def ask(self, key: int) -> Question:
        """A question that is about to be asked."""
        floor = self._acknowledged[key]
        return Question(key, now(), floor)

    async def load(self, keys: Sequence[int]) -> dict[int, Value]:
        """Look some keys up, which takes a while."""
        with self._under_way(keys):
            versions = {key: self._versions[key] for key in keys}
            await asyncio.sleep(random.uniform(0.0, SLOWEST))
            if random.random() < STUBBORN:
                await self._until_overtaken(versions)
        return {key: self._value(key, version) for key, version in versions.items()}

    def under_load(self) -> list[int]:
        """The keys that somebody loads right now."""
        return [key for key, loads in enumerate(self._loading.all()) if loads]

    def wrong(self, question: Question, value: Value) -> str:
        """What is wrong with that answer, if anything is."""
        key, version, floor = question.key, value.version, question.floor
        if value.key != key:
            return f"key {key}: the value of key {value.key}"
        if version < floor:
            return f"key {key}: version {version}, though {floor} was acknowledged before"
        if version > self._versions[key]:
            return f"key {key}: version {version}, which there never was"
        return ""

    def count(self) -> None:
        """One more read was answered."""
        self._reads.add(0)

    @property
    def reads(self) -> int:
        """By all readers of all processes."""
        return self._reads[0]

    async def _until_overtaken(self, versions: dict[int, int]) -> None:
        ends = now() + STUBBORN_FOR * 1e9
        while now() < ends and not any(starmap(self._overtaken, versions.items())):  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def _overtaken(self, key: int, version: int) -> bool:
        return version < self._acknowledged[key]

    def _value(self, key: int, version: int) -> Value:
        return Value(key, version, now(), self._overtaken(key, version))

    @contextmanager
    def _under_way(self, keys: Sequence[int]) -> Generator[None]:
        for key in keys:
            self._loading.add(key)
        try:
            yield
        finally:
            for key in keys:
                self._loading.add(key, -1)
