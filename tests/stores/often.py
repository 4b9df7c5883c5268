"""Values that are asked for again and again, and do not change: opened a few times, then copied."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from cachekit import Cache, Step
from cachekit.backend import Backend
from cachekit.entry import OFTEN
from cachekit_msgpack import MsgpackSerializer

TREE = {"id": 1, "tags": ["a", "b"], "size": {"width": 1.5}}
READS = OFTEN + 2
"""So many times it is opened: the first two are but to know it."""


class Counting:
    """Msgpack, of which it is known how often it was read."""

    id = "counting"
    fingerprint = b""

    def __init__(self) -> None:
        self.loaded = 0
        self._inner = MsgpackSerializer()

    def dumps(self, value: Any) -> bytes:
        return self._inner.dumps(value)

    def loads(self, data: bytes) -> Any:
        self.loaded += 1
        return self._inner.loads(data)


class Thing:
    """Is neither immutable nor a tree of builtin containers."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.number == self.number

    __hash__ = None  # type: ignore[assignment]


class Things(Counting):
    id = "things"

    def dumps(self, value: Thing) -> bytes:
        return b"%d" % value.number

    def loads(self, data: bytes) -> Thing:
        self.loaded += 1
        return Thing(int(data))


class Turned:
    """A step."""

    id = "turned"

    def encode(self, data: bytes, context: bytes) -> bytes:
        return data[::-1]

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return data[::-1]


class OftenSuite:
    """What the tests of a store inherit, with a fixture `backend`."""

    @pytest.fixture
    def counting(self) -> Counting:
        return Counting()

    def cache(self, backend: Backend, counting: Counting, *, steps: Sequence[Step] = ()) -> Cache:
        return Cache(backend, namespace="often", deadline=5.0, serializer=counting, steps=steps)

    @pytest.mark.parametrize("value", [TREE, b"bytes", [], ("a", ["b"]), None], ids=repr)
    async def test_the_same_bytes_are_opened_a_few_times(
        self, backend: Backend, counting: Counting, value: Any
    ) -> None:
        async with self.cache(backend, counting) as cache:
            await cache.set("k", value)
            assert [await cache.get("k", "none") for _ in range(20)] == [value] * 20
            assert counting.loaded == READS

    async def test_each_caller_has_a_value_of_its_own(
        self, backend: Backend, counting: Counting
    ) -> None:
        async with self.cache(backend, counting) as cache:
            await cache.set("k", TREE)
            for _ in range(20):
                one, other = await asyncio.gather(cache.get("k"), cache.get("k"))
                assert one == other == TREE
                one["size"]["width"] = one["tags"] = "spoiled"
                other["tags"].append("spoiled")

    async def test_what_is_written_meanwhile_is_seen_at_once(
        self, backend: Backend, counting: Counting
    ) -> None:
        async with self.cache(backend, counting) as cache:
            for number in range(3):
                await cache.set("k", [number])
                assert [await cache.get("k") for _ in range(10)] == [[number]] * 10
            await cache.delete("k")
            assert await cache.get("k") is None
            assert counting.loaded == READS + 2 * (READS - 1)  # the key is known by then

    async def test_a_function_reads_it_so_too(self, backend: Backend, counting: Counting) -> None:
        async with self.cache(backend, counting) as cache:

            @cache.cached(tags=["t"])
            async def load(number: int) -> list[int]:
                return [number]

            assert await load(1) == [1]
            before = counting.loaded  # the caller of a load has its bytes opened, too
            assert [await load(1) for _ in range(20)] == [[1]] * 20
            assert counting.loaded == before + READS

    async def test_what_passes_steps_passes_them_each_time(
        self, backend: Backend, counting: Counting
    ) -> None:
        """They may check, and what they decrypt is not to lie about."""
        async with self.cache(backend, counting, steps=[Turned()]) as cache:
            await cache.set("k", TREE)
            assert [await cache.get("k") for _ in range(20)] == [TREE] * 20
            assert counting.loaded == 20

    async def test_what_cannot_be_copied_cheaply_is_opened_each_time(
        self, backend: Backend
    ) -> None:
        things = Things()
        async with self.cache(backend, things) as cache:
            await cache.set("k", Thing(1))
            got = [await cache.get("k") for _ in range(20)]
            assert got == [Thing(1)] * 20
            assert len(set(map(id, got))) == things.loaded == 20

    async def test_who_reads_it_otherwise_opens_it_too(
        self, backend: Backend, counting: Counting
    ) -> None:
        """Two caches of one backend may have serializers that are alike, and not the same."""
        other = Counting()
        async with self.cache(backend, counting) as one, self.cache(backend, other) as two:
            await one.set("k", TREE)
            for _ in range(20):
                assert await one.get("k") == await two.get("k") == TREE
            assert min(counting.loaded, other.loaded) < READS
            assert max(counting.loaded, other.loaded) == 20
