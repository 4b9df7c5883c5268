"""What a call says of how a value is cached is worked out once; nothing is taken for another."""

import pickle
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cachekit import MISSING, Cache, ConfigurationError
from cachekit.testing import FakeClock


@dataclass(frozen=True)
class Marked:
    """A serializer, and a step, that equals all others of its kind."""

    mark: bytes = field(compare=False)
    id: str = "marked"
    fingerprint: bytes = b""

    def dumps(self, value: Any) -> bytes:
        return self.mark + pickle.dumps(value)

    def loads(self, data: bytes) -> Any:
        if not data.startswith(self.mark):
            raise ValueError("of another mark")
        return pickle.loads(data[len(self.mark) :])

    def encode(self, data: bytes, context: bytes) -> bytes:
        return self.mark + data

    def decode(self, data: bytes, context: bytes, most: int) -> bytes:
        if not data.startswith(self.mark):
            raise ValueError("of another mark")
        return data[len(self.mark) :]


def policy(cache: Cache, **options: Any) -> Any:
    return cache._engine.policies.of(options)  # pyright: ignore[reportPrivateUsage]


def test_the_same_options_are_worked_out_once() -> None:
    cache, step = Cache(), Marked(b"a")
    assert policy(cache, ttl=5, steps=(step,)) is policy(cache, ttl=5, steps=(step,))
    assert policy(cache, type=list[int]) is policy(cache, type=list[int])


def test_serializers_that_say_they_are_equal_are_two() -> None:
    cache = Cache()
    for mark in (b"a", b"b"):
        assert policy(cache, serializer=Marked(mark)).codec.serializer.mark == mark
        (step,) = policy(cache, steps=(Marked(mark),)).codec.steps
        assert step.mark == mark


def test_those_that_lie_where_others_lay_are_not_taken_for_them() -> None:
    cache = Cache()
    for number in range(1000):
        mark = number.to_bytes(2, "big")
        assert policy(cache, serializer=Marked(mark)).codec.serializer.mark == mark


def test_a_list_of_steps_that_has_changed_is_another() -> None:
    cache, steps = Cache(), [Marked(b"a")]
    assert len(policy(cache, steps=steps).codec.steps) == 1
    steps.append(Marked(b"b"))
    assert len(policy(cache, steps=steps).codec.steps) == 2


def test_what_is_equal_and_of_another_type_is_checked_for_itself() -> None:
    cache = Cache()
    assert policy(cache, ttl=1).ttl == policy(cache, ttl=timedelta(seconds=1)).ttl == 1
    with pytest.raises(ConfigurationError, match="ttl"):
        policy(cache, ttl=True)
    assert policy(cache, share=True).share
    with pytest.raises(ConfigurationError, match="share"):
        policy(cache, share=1)


def test_functions_are_not_remembered() -> None:
    cache = Cache()
    for seconds in (1, 2):
        made = policy(cache, ttl=lambda value, seconds=seconds: seconds)
        assert made.lifetime(None, MISSING) == seconds


def test_it_does_not_grow_for_good() -> None:
    cache = Cache()
    for seconds in range(1, 2000):
        policy(cache, ttl=seconds)
        policy(cache, serializer=Marked(b"a"))
    assert len(cache._engine.policies._known) <= 500  # pyright: ignore[reportPrivateUsage]


async def test_serializers_of_one_address_are_not_taken_for_each_other() -> None:
    async with Cache(clock=FakeClock()) as cache:
        await cache.set("a", 1, serializer=Marked(b"a"))
        for _ in range(1000):  # each may lie where the last one lay
            assert await cache.get("a", serializer=Marked(b"a")) == 1
            assert cache.peek("a", serializer=Marked(b"a")) == 1
