"""R9: loads inside of loads; nobody waits in a circle."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cachekit import MISSING, Cache, current_load
from cachekit.policy import LEASE
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks

pytestmark = pytest.mark.virtual


def time() -> float:
    return asyncio.get_running_loop().time()


def nested(
    cache: Cache, key: str, load: Callable[[], Awaitable[str]]
) -> Callable[[], Awaitable[str]]:
    """A loader that needs what is under `key`."""

    async def loader() -> str:
        return f"of {await cache.get_or_set(key, load)}"

    return loader


async def test_cached_functions_call_each_other(either: Cache) -> None:
    @either.cached(name="inner")
    async def inner(n: int) -> int:
        return n + 1

    @either.cached(name="outer")
    async def outer(n: int) -> int:
        return sum(await asyncio.gather(inner(n), inner(n), inner(n + 1)))

    assert await ends(start(outer(1)), start(outer(1)), start(inner(1))) == [7, 7, 2]
    assert await outer(1) == 7
    assert (inner.info.loads, outer.info.loads) == (2, 1)


async def test_a_function_may_recur_with_other_arguments(either: Cache) -> None:
    @either.cached(name="fib")
    async def fib(n: int) -> int:
        return n if n < 2 else await fib(n - 1) + await fib(n - 2)

    assert await fib(40) == 102334155
    assert fib.info.loads == 41


async def test_a_key_inside_its_own_load_is_an_error(either: Cache) -> None:
    """R9"""

    async def load() -> str:
        return await either.get_or_set("k", load)

    with pytest.raises(RecursionError, match="v:test:k is needed by its own load"):
        await either.get_or_set("k", load)
    assert await either.get_or_set("k", Load().finish()) == "value 1"


async def test_also_by_way_of_another_one(either: Cache) -> None:
    """R9"""
    loads = nested(either, "b", nested(either, "c", nested(either, "a", Load())))
    with pytest.raises(RecursionError):
        await either.get_or_set("a", loads)


async def test_to_look_at_ones_own_key_is_no_circle(either: Cache) -> None:
    async def load() -> object:
        return await either.get("k", MISSING), await either.exists("k")

    assert await either.get_or_set("k", load) == (MISSING, False)


async def test_the_same_key_of_another_cache_is_another_one(caches: Caches) -> None:
    """R9"""
    one, other = caches(), caches()
    assert await one.get_or_set("k", nested(other, "k", Load().finish())) == "of value 1"


async def test_a_loader_may_forget_its_own_key(either: Cache) -> None:
    async def load() -> str:
        await either.delete("k")
        return "value"

    assert await either.get_or_set("k", load) == "value"
    assert await either.get("k") is None


@pytest.fixture(params=["one cache in memory", "one process", "two processes"])
async def pair(request: pytest.FixtureRequest, caches: Caches) -> tuple[Cache, Cache]:
    if request.param == "one cache in memory":
        return (caches(),) * 2
    here = caches(caches.slow())
    return here, here if request.param == "one process" else caches(caches.slow())


async def test_loads_that_meet_in_a_circle_end(pair: tuple[Cache, Cache]) -> None:
    """R9: each waits for the other's load for one lease, then loads for itself."""
    one, two = pair
    meeting = asyncio.Barrier(2)

    async def first() -> str:
        await meeting.wait()
        return f"of {await one.get_or_set('b', Load('inner b {}'.format).finish())}"

    async def second() -> str:
        await meeting.wait()
        return f"of {await two.get_or_set('a', Load('inner a {}'.format).finish())}"

    callers = start(one.get_or_set("a", first)), start(two.get_or_set("b", second))
    results = await ends(*callers)
    assert time() < LEASE + 1.0
    assert all(isinstance(result, str) and result.startswith("of ") for result in results)
    assert await one.get("a") == results[0]
    assert await two.get("b") == results[1]


async def test_loads_that_need_each_other_end(pair: tuple[Cache, Cache]) -> None:
    """R9: within one process that is a key inside its own load."""
    one, two = pair
    meeting, depth = asyncio.Barrier(2), 0

    async def first() -> str:
        nonlocal depth
        depth += 1
        if depth < 3:
            await meeting.wait()
        return await one.get_or_set("b", second)

    async def second() -> str:
        nonlocal depth
        depth += 1
        if depth < 3:
            await meeting.wait()
        return await two.get_or_set("a", first)

    callers = start(one.get_or_set("a", first)), start(two.get_or_set("b", second))
    results = await ends(*callers)
    assert time() < 3 * LEASE
    assert [type(result) for result in results] == [RecursionError] * 2


async def test_inside_a_load_one_waits_for_one_lease_at_most(pair: tuple[Cache, Cache]) -> None:
    """R9: then it loads for itself, unstored."""
    one, two = pair
    slow, own = Load("slow {}".format), Load("own {}".format).finish()
    leader = start(two.get_or_set("inner", slow))
    await slow.begun.wait()
    begun = time()
    assert await one.get_or_set("outer", nested(one, "inner", own)) == "of own 1"
    assert LEASE <= time() - begun < LEASE + 0.5
    assert one.stats().alone == 1
    slow.finish()
    assert await leader == "slow 1"
    assert await one.get("inner") == "slow 1"


async def test_a_load_inside_a_load_may_take_longer_than_that(either: Cache) -> None:
    """R9: who leads it does not wait for another."""

    async def load() -> str:
        await asyncio.sleep(5 * LEASE)
        return "value"

    assert await either.get_or_set("outer", nested(either, "inner", load)) == "of value"
    assert await either.get("inner") == "value"
    assert either.stats().alone == 0


async def test_a_task_that_outlives_the_load_it_began_in_is_not_inside_it(either: Cache) -> None:
    """R9"""
    gate, background = asyncio.Event(), list[asyncio.Task[str]]()
    slow = Load("slow {}".format)

    async def later() -> str:
        await gate.wait()
        return await either.get_or_set("k", slow)

    async def load() -> str:
        background.append(start(later()))
        return "first"

    assert await either.get_or_set("k", load) == "first"
    await either.delete("k")
    gate.set()
    leader = start(either.get_or_set("k", slow))
    await slow.begun.wait()
    begun = time()
    await asyncio.sleep(3 * LEASE)
    slow.finish()
    assert await ends(leader, *background) == ["slow 1", "slow 1"]
    assert time() - begun >= 3 * LEASE
    assert slow.calls == 1


async def test_a_context_does_not_remember_the_loads_it_outlived(either: Cache) -> None:
    """R9: where each load starts the task that loads next, say."""
    background, depths = list[asyncio.Task[str]](), list[int]()

    async def load() -> str:
        depths.append(len(current_load().flights))
        if len(background) < 20:
            background.append(start(later()))
        return "value"

    async def later() -> str:
        await asyncio.sleep(1)
        await either.delete("k")
        return await either.get_or_set("k", load)

    await either.get_or_set("k", load)
    await asyncio.sleep(30)
    assert await ends(*background) == ["value"] * 20
    assert depths == [1] * 21


async def test_also_if_that_load_was_for_one_caller_alone(either: Cache) -> None:
    """R9: in a block, say."""
    gate, background = asyncio.Event(), list[asyncio.Task[str]]()

    async def later() -> str:
        await gate.wait()
        return await either.get_or_set("k", Load("later {}".format).finish())

    async def load() -> str:
        background.append(start(later()))
        return "first"

    async with either.deferred():
        assert await either.get_or_set("k", load) == "first"
        gate.set()
        assert await ends(*background) == ["later 1"]


async def test_a_load_goes_on_for_those_inside_other_loads(either: Cache) -> None:
    """R9: its leader leaves, and a load that needs it still gets its value."""
    inner = Load("inner {}".format)
    leader = start(either.get_or_set("inner", inner))
    await inner.begun.wait()
    outer = start(either.get_or_set("outer", nested(either, "inner", inner)))
    await asyncio.sleep(0.1)
    leader.cancel()
    await ends(leader)
    inner.finish()
    assert await outer == "of inner 1"


async def test_when_the_outer_load_is_given_up_so_is_the_inner(either: Cache) -> None:
    inner = Load()
    caller = start(either.get_or_set("outer", nested(either, "inner", inner)))
    await inner.begun.wait()
    caller.cancel()
    await ends(caller)
    await ticks()
    assert (inner.cancelled, inner.running) == (1, 0)
