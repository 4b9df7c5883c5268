"""What a warm hit of a decorated `async def` in memory costs: a few Python-level calls."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import pytest

from cachekit import Cache, Listener, Tag
from cachekit.recent_keys import EACH
from cachekit_memory import MemoryBackend
from tests.core.helpers import PickleSerializer

MOST = 6
"""Calls for a value that cannot change; one more makes a copy."""

Warm = Callable[[], Coroutine[Any, Any, Any]]


class FrozenLock:
    """A lock that must not be taken."""

    def __enter__(self) -> None:
        raise AssertionError("a hit took a lock")

    def __exit__(self, *error: object) -> None: ...


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def cache(backend: MemoryBackend) -> Iterator[Cache]:
    cache = Cache(backend, serializer=PickleSerializer())
    yield cache
    cache.sync.close()


def drive(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what does not suspend, without an event loop: there is none to start a task on."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it was suspended")


def warmed(function: Warm) -> Warm:
    """The same, after the calls that make it warm: its key is one of the last then."""
    for _ in range(EACH + 1):
        asyncio.run(function())
    return function


def calls_of(function: Warm) -> list[str]:
    """The names of the Python functions that a hit calls."""
    names: list[str] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            names.append(frame.f_code.co_qualname)

    work = function()
    sys.setprofile(note)
    try:
        drive(work)
    finally:
        sys.setprofile(None)
    return [name for name in names if name != "drive"]


def functions(cache: Cache, value: object) -> dict[str, Warm]:
    """By kind: a call of a decorated function that returns `value`."""

    @cache.cached(name="plain")
    async def plain(number: int, text: str = "b") -> object:
        return value

    @cache.cached(name="tagged", tags=["one", "two"])
    async def tagged(number: int, text: str) -> object:
        return value

    @cache.cached(key="of:{number}:{text}", tags=["number:{number}", "text:{text}", "all"])
    async def by_template(number: int, text: str) -> object:
        return value

    @cache.cached(
        name="fresh",
        ttl=lambda _: 60.0,
        stale_while_revalidate=60,
        stale_if_error=600,
        soft_timeout=1,
        early_refresh=1,
        when=lambda _: True,
        version=2,
    )
    async def fresh(number: int) -> object:
        return value

    @cache.cached(name="ignoring", ignore=["session"])
    async def ignoring(number: int, text: str, session: object = None) -> object:
        return value

    return {
        "plain": lambda: plain(1, "a"),
        "with a default": lambda: plain(1),
        "by keyword": lambda: plain(number=1, text="a"),
        "tagged": lambda: tagged(1, "a"),
        "by template": lambda: by_template(1, "a"),
        "by template and keyword": lambda: by_template(text="a", number=1),
        "with all options": lambda: fresh(1),
        "ignoring": lambda: ignoring(1, "a", object()),
    }


@pytest.fixture(params=functions(Cache(MemoryBackend(), serializer=PickleSerializer()), None))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("value", ["text", 7, None, ("a", (1, 2)), frozenset({1})])
def test_what_cannot_change_costs_six_calls(cache: Cache, kind: str, value: object) -> None:
    hit = warmed(functions(cache, value)[kind])
    names = calls_of(hit)
    assert len(names) <= MOST, names
    assert drive(hit()) == value


@pytest.mark.parametrize(
    "value", [[1, 2], {"a": 1}, {"a": [{"b": (1, [2])}], "c": {3}}, [[{"k": [None]}]] * 3]
)
def test_what_can_change_costs_one_more(cache: Cache, kind: str, value: object) -> None:
    hit = warmed(functions(cache, value)[kind])
    names = calls_of(hit)
    assert len(names) <= MOST + 1, names
    assert drive(hit()) == value
    assert drive(hit()) is not drive(hit())


def test_a_key_that_was_not_asked_for_lately_costs_one_more(cache: Cache, kind: str) -> None:
    hit = functions(cache, 7)[kind]
    asyncio.run(hit())
    asyncio.run(hit())
    assert len(calls_of(hit)) <= MOST + 1


@pytest.mark.parametrize("value", ["text", [1, 2]])
def test_calls_by_hand_cost_as_much(cache: Cache, value: object) -> None:
    async def load() -> object:
        return value

    cache.sync.set("a", value)
    hits: list[tuple[int, Warm]] = [
        (MOST - 1, lambda: cache.get("a")),
        (MOST + 1, lambda: cache.get_or_set("a", load)),
    ]
    for most, hit in hits:
        assert len(calls_of(warmed(hit))) <= most + (value == [1, 2])
        assert drive(hit()) == value


def test_it_is_a_hit_that_was_counted(cache: Cache) -> None:
    """Not a load, which would cost more; and one that a tag forgets."""
    loads = 0

    @cache.cached(key="k:{n}", tags=["of:{n}"])
    async def function(n: int) -> int:
        nonlocal loads
        loads += 1
        return loads

    hit = warmed(lambda: function(1))
    before = function.info.hits
    assert len(calls_of(hit)) <= MOST
    assert (function.info.hits, loads) == (before + 1, 1)
    cache.sync.invalidate(Tag("of:1"))
    assert asyncio.run(hit()) == 2


def test_the_number_of_entries_and_tags_does_not_count(cache: Cache) -> None:
    tags = [f"tag {n}" for n in range(50)]

    @cache.cached(name="f", tags=tags)
    async def function(n: int) -> int:
        return n

    async def fill() -> None:
        await asyncio.gather(*(function(n) for n in range(1000)))

    asyncio.run(fill())
    hit = warmed(lambda: function(500))
    assert len(calls_of(hit)) <= MOST


def test_a_listener_that_hears_no_hits_does_not_count() -> None:
    class Misses(Listener):
        def miss(self, name: str, key: str) -> None: ...

    cache = Cache(MemoryBackend(), serializer=PickleSerializer(), listeners=[Misses()], max_loads=9)
    for hit in functions(cache, 7).values():
        assert len(calls_of(warmed(hit))) <= MOST
    cache.sync.close()


def test_a_hit_takes_no_lock(
    cache: Cache, backend: MemoryBackend, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of S3-FIFO: it only counts up."""
    hit = warmed(functions(cache, [1])[kind])
    monkeypatch.setattr(backend, "_lock", FrozenLock())
    monkeypatch.setattr(cache._engine.rides.flights, "_lock", FrozenLock())
    assert drive(hit()) == [1]


async def test_a_hit_starts_no_task_and_does_not_suspend(cache: Cache, kind: str) -> None:
    hit = functions(cache, [1])[kind]
    for _ in range(3):
        await hit()
    loop, started = asyncio.get_running_loop(), list[object]()
    loop.set_task_factory(lambda loop, work, **_: started.append(work) or asyncio.Task(work))  # type: ignore[func-returns-value]
    turned: list[bool] = []
    loop.call_soon(turned.append, True)
    assert await hit() == [1]
    assert (started, turned) == ([], [])
    loop.set_task_factory(None)


def test_a_hit_needs_no_loop_and_no_thread(cache: Cache, kind: str) -> None:
    hit = warmed(functions(cache, [1])[kind])
    threads = threading.active_count()
    assert drive(hit()) == [1]
    assert threading.active_count() == threads
