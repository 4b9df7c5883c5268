"""Many callers at once, some of whom give up, and what they must never see."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Final

from cachekit import Cache, InvalidationError, Key, Tag
from cachekit.backend import Backend

KEYS: Final = 120
GROUPS: Final = 6
CALLERS: Final = 60
CANCELLED: Final = 0.1


class Versions:
    """The truth: of each key a number that only rises.

    `floor` is the number below which nothing may be served: that was forgotten, and acknowledged.
    """

    def __init__(self) -> None:
        self.now = Counter[str]()
        self.floor = Counter[str]()

    async def load(self, key: str) -> str:
        number = self.now[key]
        await asyncio.sleep(0.003)
        return text(key, number)


def text(key: str, number: int) -> str:
    return f"{key}={number}=" + key * 20


def group(number: int) -> str:
    return f"g{number % GROUPS}"


def is_asked(cache: Cache) -> bool:
    """Whether what is done with it reaches the store: else it meets nothing of the network."""
    return not any(node.journaled for node in cache.stats().nodes)


class Chaos:
    """Callers of `caches`, which share one store, and of their `backends`.

    `failures` are what a backend may raise where it gets no answer.
    """

    def __init__(
        self,
        caches: Sequence[Cache],
        backends: Sequence[Backend],
        failures: tuple[type[Exception], ...],
        *,
        seed: int,
    ) -> None:
        self.versions = Versions()
        self.wrong: list[str] = []
        self.done = Counter[str]()
        self._caches = caches
        self._backends = backends
        self._failures = failures
        self._random = Random(seed)
        self._kinds: dict[Callable[[Cache, int], Awaitable[None]], int] = {
            self._get_or_set: 60,
            self._get: 20,
            self._get_many: 5,
            self._read: 10,
            self._set_and_get: 5,
            self._forget_key: 8,
            self._forget_group: 2,
        }

    async def run(self, operations: int) -> None:
        """So many, by all callers together."""
        left = iter(range(operations))
        await asyncio.gather(*(self._caller(left) for _ in range(CALLERS)))

    async def _caller(self, left: Iterator[int]) -> None:
        for _ in left:
            (work,) = self._random.choices(list(self._kinds), [*self._kinds.values()])
            cache = self._random.choice([*filter(is_asked, self._caches)] or self._caches)
            call = work(cache, self._random.randrange(KEYS))
            if self._random.random() < CANCELLED:
                await self._give_up(call)
            else:
                await call
            self.done["operations"] += 1

    async def _give_up(self, call: Awaitable[None]) -> None:
        task = asyncio.ensure_future(call)
        for _ in range(self._random.randrange(8)):
            await asyncio.sleep(0)
        self.done["cancelled"] += task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _get_or_set(self, cache: Cache, number: int) -> None:
        key = f"k{number}"
        floor = self.versions.floor[key]
        value = await cache.get_or_set(
            key, lambda: self.versions.load(key), tags=[group(number)], ttl=60
        )
        self._check(key, value, floor)

    async def _get(self, cache: Cache, number: int) -> None:
        key = f"k{number}"
        floor = self.versions.floor[key]
        if (value := await cache.get(key)) is not None:
            self._check(key, value, floor)

    async def _get_many(self, cache: Cache, number: int) -> None:
        keys = [f"k{(number + n) % KEYS}" for n in range(10)]
        floors = {key: self.versions.floor[key] for key in keys}
        for key, value in (await cache.get_many(keys)).items():
            self._check(key, value, floors[key])

    async def _read(self, cache: Cache, number: int) -> None:
        """From a backend itself: who is cancelled here is the one who waits for the wire."""
        backend = self._random.choice(self._backends)
        keys = [f"v:x:k{(number + n) % KEYS}" for n in range(self._random.randrange(1, 4))]
        with suppress(*self._failures):
            found = await backend.read(keys)
            self.wrong += [f"{key}, not {keys}" for key in found.keys() - set(keys)]

    async def _set_and_get(self, cache: Cache, number: int) -> None:
        """Of those who set it at the same time one is the last, whoever: there is no floor."""
        key = f"set{number}"
        with suppress(InvalidationError):
            await cache.set(key, text(key, 0), ttl=60)
        if (value := await cache.get(key)) is not None:
            self._check(key, value, 0)

    async def _forget_key(self, cache: Cache, number: int) -> None:
        await self._change([f"k{number}"], cache.invalidate(Key(f"k{number}")))

    async def _forget_group(self, cache: Cache, number: int) -> None:
        keys = [f"k{n}" for n in range(KEYS) if group(n) == group(number)]
        await self._change(keys, cache.invalidate(Tag(group(number))))

    async def _change(self, keys: Sequence[str], forgetting: Awaitable[None]) -> None:
        self.versions.now.update(keys)
        numbers = {key: self.versions.now[key] for key in keys}
        try:
            await forgetting
        except InvalidationError:
            self.done["raised"] += 1
            return
        self.done["forgotten"] += 1
        for key, number in numbers.items():
            self.versions.floor[key] = max(self.versions.floor[key], number)

    def _check(self, key: str, value: object, floor: int) -> None:
        now = self.versions.now[key]
        if value not in {text(key, number) for number in range(floor, now + 1)}:
            self.wrong.append(f"{key}: {value!r:.40}, not {floor} to {now}")
