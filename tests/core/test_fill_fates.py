"""What befalls a load, up to its fill, is the fate of nobody who waits, and leaves no stub.

The fixtures look for stubs, flights and tasks that are left.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cachekit import Cache, current_load
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, Loads, aged, ends, leftovers, start, stubs, ticks, time
from tests.core.slow_store import SlowStore
from tests.core.threads import PATIENCE, Threads, until

pytestmark = pytest.mark.virtual


def ask(cache: Cache, load: Any, **options: Any) -> "asyncio.Task[Any]":
    return start(cache.get_or_set("k", load, **options))


def of_kind(kind: str, caches: Caches) -> Cache:
    return caches(caches.slow() if kind == "slow" else None)


both_kinds = pytest.mark.parametrize("kind", ["memory", "slow"])


# -- it ends before it begins, or its loop does


async def test_one_that_is_cancelled_before_it_begins_is_begun_anew(cache: Cache) -> None:
    """As a loop does that ends; its caller may have been shielded."""
    load = Load().finish()
    caller = ask(cache, load)
    await asyncio.sleep(0)
    (flight,) = cache._engine.rides.flights.all()
    assert flight.task is not None
    flight.task.cancel()
    assert await caller == "value 1"


def test_one_whose_loop_was_closed_under_it_is_nobody_elses_fate(
    blocking: Caches, threads: Threads
) -> None:
    """A third caller notices; the second one then loads for itself, or shares the third's."""
    cache, load = blocking(), Load()
    loop = asyncio.new_event_loop()

    async def lead() -> "asyncio.Task[Any]":
        caller = ask(cache, load)
        await load.begun.wait()
        return caller

    async def leave(caller: "asyncio.Task[Any]") -> None:
        caller.cancel()
        await ends(caller)

    caller = loop.run_until_complete(lead())
    second = threads.run(lambda: cache.sync.get_or_set("k", lambda: "own"))
    (flight,) = cache._engine.rides.flights.all()
    until(lambda: flight.waiters == 2)
    loop.run_until_complete(leave(caller))
    loop.close()
    assert cache.sync.get_or_set("k", lambda: "own") == "own"
    assert second.result(PATIENCE) == "own"


# -- between its end and its fill


@pytest.mark.parametrize("stage", ["tags", "fill"])
async def test_who_is_cancelled_as_what_it_loaded_is_stored_leaves_no_stub(
    slow: Cache, store: SlowStore, stage: str
) -> None:
    """While its tags are read, or it is written."""
    await aged(slow, "other", by=0, tags=["t"])

    async def load() -> str:
        if stage == "tags":
            current_load().tag("t")
        store.delay = 0.2
        return "value"

    caller = ask(slow, load)
    await asyncio.sleep(0.1)
    store.delay = 0.0
    caller.cancel()
    await ends(caller)
    await asyncio.sleep(0.2)
    assert stubs(store) == []
    before = time()
    assert await ask(slow, Load().finish()) == "value 1"
    assert time() == before


def interrupted(value: object) -> Any:
    raise KeyboardInterrupt


class Interrupting:
    """A value that is interrupted as its bytes are made, or it is copied."""

    def __reduce__(self) -> str:
        raise KeyboardInterrupt

    def __deepcopy__(self, memo: object) -> object:
        raise KeyboardInterrupt


INTERRUPTED: list[tuple[Callable[[], object], dict[str, Any]]] = [
    (lambda: 1, {"when": interrupted}),
    (lambda: 1, {"ttl": interrupted}),
    (Interrupting, {}),
]


@both_kinds
@pytest.mark.parametrize(("load", "options"), INTERRUPTED, ids=["when", "ttl", "value"])
def test_who_is_interrupted_as_a_value_is_judged_leaves_no_stub(
    frozen: Caches, kind: str, load: Callable[[], object], options: dict[str, Any]
) -> None:
    """Ctrl-C, in a thread whose time does not pass: a stub would stay."""
    cache = of_kind(kind, frozen)
    with pytest.raises(KeyboardInterrupt):
        cache.sync.get_or_set("k", load, **options)
    until(lambda: not leftovers([cache], frozen.backends))
    assert cache.sync.get_or_set("k", lambda: 2) == 2


class Truthless:
    """As the answers of some libraries are, which compare element by element."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value of a series is ambiguous")


async def test_an_answer_without_truth_is_an_error(either: Cache) -> None:
    """And one load, not one after the other."""

    def when(value: object) -> Any:
        return Truthless()

    load = Load().finish()
    callers = [ask(either, load, when=when) for _ in range(3)]
    assert [type(end) for end in await ends(*callers)] == [ValueError] * 3
    assert load.calls == 1


# -- of several keys, one has no fill


async def test_a_key_that_the_load_left_out_is_not_held_by_its_second_load(
    either: Cache,
) -> None:
    """R2, R7: the load that is done once more holds only what it will fill."""
    load = Loads().finish()
    load.without = {"b"}

    async def tagging(keys: list[str]) -> Any:
        current_load().tag("never seen")
        return await load(keys)

    assert await either.get_or_set_many(["a", "b"], tagging) == {"a": "a 1"}
    await ticks()
    assert load.asked == [["a", "b"], ["a"]]
    before = time()
    assert await either.get_or_set("b", Load().finish()) == "value 1"
    assert time() == before


async def test_nor_is_one_whose_value_cannot_be_encoded(slow: Cache, store: SlowStore) -> None:
    load = Loads(lambda key, n: (lambda: key) if key == "b" else f"{key} {n}").finish()

    async def tagging(keys: list[str]) -> Any:
        current_load().tag("never seen")
        return await load(keys)

    found = await slow.get_or_set_many(["a", "b"], tagging, ttl=TTL)
    assert found["b"]() == "b"
    await ticks()
    assert (load.asked, stubs(store)) == ([["a", "b"], ["a"]], [])
    assert await slow.get("a") == "a 2"
