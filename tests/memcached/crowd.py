"""Many callers of one cache, who read and change some hundred keys, and what they saw."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final

from cachekit import Cache, InvalidationError, Key, Tag
from tests.servers.waiting import eventually

CALM: Final = 120
BUSY: Final = 48
GROUPS: Final = 6
"""So many who change something; what each of them may change is nobody else's, and of the calls
among that a tag is as well."""

READERS: Final = 40
LONGEST: Final = 0.002
"""Seconds that a load takes at most."""
RESTS: Final = 0.02
"""Seconds between two changes of one who makes them, at most."""

CALM_CALLS: Final = [f"calm:{number}" for number in range(CALM)]
CALM_KEYS: Final = [f"still:{number}" for number in range(CALM)]
BUSY_CALLS: Final = [f"busy:{number % GROUPS}:{number}" for number in range(BUSY)]
BUSY_KEYS: Final = [f"spot:{number % GROUPS}:{number}" for number in range(BUSY)]
CALM_NAMES: Final = CALM_CALLS + CALM_KEYS
BUSY_NAMES: Final = BUSY_CALLS + BUSY_KEYS
NAMES: Final = CALM_NAMES + BUSY_NAMES


def numbers_in(name: str) -> list[int]:
    return [int(part) for part in name.split(":")[1:]]


def tags_of(name: str) -> list[str]:
    """What is calm has a tag for each number. What is set has none: where the node of a tag is
    dead, nothing can be set that is to carry it."""
    kinds = {"calm": ["of"], "still": ["of"], "busy": ["group"], "spot": []}
    return [f"{kind}:{numbers_in(name)[0]}" for kind in kinds[name.partition(":")[0]]]


class Truth:
    """What is cached: a number for each name, that only rises.

    Nothing below its `floor` may be served to who asks now.
    """

    def __init__(self) -> None:
        self.now = Counter[str]()
        self.floor = Counter[str]()

    def change(self, names: list[str]) -> dict[str, int]:
        """A new number for each."""
        self.now.update(names)
        return {name: self.now[name] for name in names}

    def settle(self, changed: dict[str, int]) -> None:
        """What was before is forgotten by now."""
        self.floor |= Counter(changed)


class Crowd:
    """`calls` and `loads` are counted by name.

    What must never be goes to `wrong`; `raised` are the invalidations that were not acknowledged.
    """

    def __init__(self, cache: Cache, truth: Truth) -> None:
        self.cache = cache
        self.truth = truth
        self.calls = Counter[str]()
        self.loads = Counter[str]()
        self.wrong: list[str] = []
        self.raised: list[InvalidationError] = []
        self._over = False

        @cache.cached(name="calm", key="calm:{number}", tags=["of:{number}"], ttl=300)
        async def calm(number: int) -> int:
            return await self._load(f"calm:{number}")

        @cache.cached(name="busy", key="busy:{group}:{number}", tags=["group:{group}"], ttl=300)
        async def busy(group: int, number: int) -> int:
            return await self._load(f"busy:{group}:{number}")

        self.calm, self.busy = calm, busy

    async def _load(self, name: str) -> int:
        self.loads[name] += 1
        found = self.truth.now[name]
        await asyncio.sleep(random.random() * LONGEST)
        return found

    # -- who reads

    async def read(self, name: str) -> None:
        """As a function or by its key, whichever it is."""
        self.calls[name] += 1
        floor = self.truth.floor[name]
        self._note(name, await self._call(name), floor)

    def _call(self, name: str) -> Awaitable[object]:
        if name in CALM_CALLS:
            return self.calm(*numbers_in(name))
        if name in BUSY_CALLS:
            return self.busy(*numbers_in(name))
        return self.cache.get_or_set(name, lambda: self._load(name), tags=tags_of(name), ttl=300)

    async def look(self) -> None:
        """At many at once, without a load."""
        names = random.sample(BUSY_NAMES, 5)
        floors = {name: self.truth.floor[name] for name in names}
        for name, value in (await self.cache.get_many(names)).items():
            self._note(name, value, floors[name])

    def _note(self, name: str, value: object, floor: int) -> None:
        if not isinstance(value, int) or not floor <= value <= self.truth.now[name]:
            self.wrong.append(f"{name}: {value!r}, not {floor} to {self.truth.now[name]}")

    async def read_all(self) -> None:
        """Each name once, all at once."""
        await asyncio.gather(*map(self.read, NAMES))

    async def _read_on(self) -> None:
        while not self._over:
            await asyncio.sleep(0)
            if random.random() < 0.1:
                await self.look()
            else:
                await self.read(random.choice(random.choice((CALM_NAMES, BUSY_NAMES))))

    # -- who changes

    async def _change_on(self, group: int) -> None:
        """Each group has one who does: the last `set` to arrive wins."""
        ways = list(self._ways(group))
        while not self._over:
            await asyncio.sleep(random.random() * RESTS)
            await random.choice(ways)()

    def _ways(self, group: int) -> Iterator[Callable[[], Awaitable[None]]]:
        calls, keys = BUSY_CALLS[group::GROUPS], BUSY_KEYS[group::GROUPS]
        busy, cache = self.busy, self.cache

        async def invalidate() -> None:
            name = random.choice(calls)
            await self._settled([name], lambda _: busy.invalidate(*numbers_in(name)))

        async def refresh() -> None:
            name = random.choice(calls)
            await self._settled([name], lambda _: busy.refresh(*numbers_in(name)))

        async def by_tag() -> None:
            tag = Tag(f"group:{group}")
            await self._settled(calls, lambda _: cache.invalidate(tag))

        async def by_key() -> None:
            names = random.sample(keys, 2)
            await self._settled(names, lambda _: cache.invalidate(*map(Key, names)))

        async def set_one() -> None:
            name = random.choice(keys)
            await self._settled([name], lambda new: cache.set(name, new[name], ttl=300))

        async def set_many() -> None:
            await self._settled(random.sample(keys, 4), lambda new: cache.set_many(new, ttl=300))

        yield from (invalidate, refresh, by_tag, by_key, set_one, set_many)

    async def _settled(
        self, names: list[str], forget: Callable[[dict[str, int]], Awaitable[object]]
    ) -> None:
        """What is old by then is served no more here, whether that was acknowledged or not."""
        changed = self.truth.change(names)
        try:
            await forget(changed)
        except InvalidationError as error:
            self.raised.append(error)
        self.truth.settle(changed)

    # -- all of them

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Meanwhile all read and change; whatever one of them raises is raised at the end."""
        self._over = False
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(self._read_on())
            for number in range(GROUPS):
                group.create_task(self._change_on(number))
            try:
                yield
            finally:
                self._over = True

    async def goes_on(self, calls: int = 2000) -> None:
        """Wait until there were so many more calls."""
        end = self.calls.total() + calls
        await eventually(lambda: self.calls.total() >= end, f"{calls} calls", 60.0)
