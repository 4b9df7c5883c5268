"""What `get(key, type=)` works out of a type it works out once: calls are counted, not time."""

import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Annotated, Any

from cachekit import Cache
from cachekit.policies import REMEMBERED
from tests.serializers.things import Product, product


def calls_of(work: Coroutine[Any, Any, Any]) -> int:
    """How many functions of Python's `work` calls, which waits for nothing."""
    count = 0

    def note(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work.send(None)
    except StopIteration:
        pass
    finally:
        sys.setprofile(before)
    return count


async def test_a_type_is_looked_at_once(cache: Cache) -> None:
    """So that a hit with a type takes hardly longer than one without."""
    await cache.set_many({"typed": product()}, type=list[Product] | Product)
    await cache.set("plain", 1)
    first = calls_of(cache.get("typed", type=dict[str, Product] | Product))
    plain = calls_of(cache.get("plain"))
    for _ in range(3):
        assert plain <= calls_of(cache.get("typed", type=list[Product] | Product)) <= plain + 20
    assert first > plain + 40


async def test_of_many_types_some_are_remembered(cache: Cache) -> None:
    """A program may make them as it runs, without end."""
    await cache.set("k", 1)
    for number in range(REMEMBERED + 50):
        assert await cache.get("k", type=Annotated[int, number]) == 1
    assert 50 <= len(cache._engine.policies._of_types) <= REMEMBERED
    again = calls_of(cache.get("k", type=Annotated[int, REMEMBERED + 49]))
    assert again < calls_of(cache.get("k", type=Annotated[int, 1]))
