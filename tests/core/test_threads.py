"""Blocking callers in threads: they share loads with each other and with those who await."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cachekit import Cache, CacheClosedError, InvalidationError, Key, Prefix, Tag
from tests.core.conftest import Caches
from tests.core.helpers import Load
from tests.core.threads import Gate, Register, Threads, until, until_so

STORES = pytest.mark.parametrize("kind", ["memory", "slow"])


def made(caches: Caches, kind: str, **options: Any) -> Cache:
    return caches(caches.slow() if kind == "slow" else None, **options)


def waiting(cache: Cache, key: str = "v:test:k") -> int:
    """How many callers wait for the flight of a key, its leader included.

    One, not the sum of all: another may be about to be refused, its callers to look again.
    """
    flights = cache._engine.rides.flights.all()
    return max((f.waiters for f in flights if f.key == key), default=0)


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load waits for another's load for 50 ms (R9)."""
    monkeypatch.setattr("cachekit.rides.LEASE", 0.05)


@pytest.fixture
def jumpy() -> Iterator[None]:
    """Threads take turns a hundred times as often as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 100)
    yield
    sys.setswitchinterval(interval)


# -- one load


@STORES
@pytest.mark.usefixtures("jumpy")
def test_fifty_threads_on_a_cold_key_make_one_load(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind, deadline=5), Gate().finish()
    values = threads.race(50, lambda _: cache.sync.get_or_set("k", load))
    assert set(values) == {"value 1"}
    assert load.calls == 1


@STORES
def test_fifty_threads_wait_for_one_slow_load(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind, deadline=5), Gate()

    @cache.cached(key="k")
    def get() -> str:
        return load()

    callers = [threads.run(get) for _ in range(50)]
    until(lambda: waiting(cache) == 50)
    load.finish()
    assert {caller.result(10) for caller in callers} == {"value 1"}
    assert load.calls == 1
    assert get.info.loads == 1


@STORES
def test_the_loader_runs_in_its_callers_thread(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate().finish()
    cache.sync.get_or_set("k", load)
    assert load.threads == [threading.current_thread()]


@STORES
def test_each_waiter_has_a_value_of_its_own(blocking: Caches, threads: Threads, kind: str) -> None:
    cache, load = made(blocking, kind, deadline=5), Gate().finish()
    lists = threads.race(8, lambda _: cache.sync.get_or_set("k", lambda: [load()]))
    for one in lists:
        one.append("changed")
    assert cache.sync.get("k") == ["value 1"]


@STORES
def test_an_error_is_everyones_who_shared_the_load(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate()
    callers = [threads.run(lambda: cache.sync.get_or_set("k", load)) for _ in range(5)]
    until(lambda: waiting(cache) == 5)
    load.fail(LookupError("no such thing"))
    assert {str(caller.exception(10)) for caller in callers} == {"no such thing"}
    assert load.calls == 1


def test_an_error_that_many_share_has_a_short_traceback(blocking: Caches, threads: Threads) -> None:
    cache, load = blocking(), Gate()
    callers = [threads.run(lambda: cache.sync.get_or_set("k", load)) for _ in range(20)]
    until(lambda: waiting(cache) == 20)
    load.fail(LookupError("no such thing"))
    depths = [_depth(caller.exception(10)) for caller in callers]
    assert max(depths) < 40


def _depth(error: BaseException | None) -> int:
    depth, step = 0, error.__traceback__ if error else None
    while step is not None:
        depth, step = depth + 1, step.tb_next
    return depth


def test_a_leader_that_is_told_to_exit_is_alone_in_that(blocking: Caches, threads: Threads) -> None:
    cache, load, other = blocking(), Gate(), Gate().finish()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    waiter = threads.run(lambda: cache.sync.get_or_set("k", other))
    until(lambda: waiting(cache) == 2)
    load.fail(KeyboardInterrupt())
    assert isinstance(leader.exception(10), KeyboardInterrupt)
    assert waiter.result(10) == "value 1"


@STORES
def test_who_waits_too_long_gets_a_timeout_and_who_loads_its_value(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind, load_timeout=0.02, deadline=0.02), Gate()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    waiter = threads.run(lambda: cache.sync.get_or_set("k", load))
    assert isinstance(waiter.exception(10), TimeoutError)
    load.finish()
    assert leader.result(10) == "value 1"
    assert cache.sync.get("k") is None


@STORES
def test_an_invalidation_in_another_thread_voids_a_load_under_way(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load, tags=["t"]))
    load.begun.wait(10)
    cache.sync.invalidate(Tag("t"))
    load.finish()
    assert leader.result(10) == "value 1"
    assert cache.sync.get("k") is None


@STORES
def test_closing_ends_the_wait_for_a_load_and_its_leader_has_its_value(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    waiter = threads.run(lambda: cache.sync.get_or_set("k", load))
    until(lambda: waiting(cache) == 2)
    cache.sync.close()
    assert isinstance(waiter.exception(10), CacheClosedError)
    load.finish()
    assert leader.result(10) == "value 1"
    cache.sync.open()
    assert cache.sync.get_or_set("k", lambda: "after") == "after"


@STORES
def test_closing_leaves_an_error_to_the_leader_it_concerns(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(blocking, kind), Gate()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    cache.sync.close()
    load.fail(LookupError("no such thing"))
    assert isinstance(leader.exception(10), LookupError)


# -- those who block and those who await


@STORES
async def test_who_awaits_shares_the_load_of_a_thread(
    caches: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(caches, kind), Gate()
    await cache.open()
    leader = threads.run(lambda: cache.sync.get_or_set("k", load))
    await until_so(load.begun.is_set)
    other = asyncio.create_task(cache.get_or_set("k", Load().finish()))
    await until_so(lambda: waiting(cache) == 2)
    load.finish()
    assert await other == "value 1"
    assert leader.result(10) == "value 1"
    assert load.calls == 1


@STORES
async def test_a_thread_shares_the_load_of_who_awaits(
    caches: Caches, threads: Threads, kind: str
) -> None:
    cache, load, not_called = made(caches, kind), Load(), Gate()
    leader = asyncio.create_task(cache.get_or_set("k", load))
    await load.begun.wait()
    other = threads.run(lambda: cache.sync.get_or_set("k", not_called))
    await until_so(lambda: waiting(cache) == 2)
    load.finish()
    assert await leader == "value 1"
    assert other.result(10) == "value 1"
    assert not_called.calls == 0


@STORES
async def test_a_cancelled_leader_leaves_its_load_to_the_thread_that_waits(
    caches: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(caches, kind), Load()
    leader = asyncio.create_task(cache.get_or_set("k", load))
    await load.begun.wait()
    other = threads.run(lambda: cache.sync.get_or_set("k", Gate()))
    await until_so(lambda: waiting(cache) == 2)
    leader.cancel()
    await until_so(leader.done)
    load.finish()
    await until_so(other.done)
    assert other.result() == "value 1"


async def test_a_blocking_and_an_async_function_of_one_key_share(
    caches: Caches, threads: Threads
) -> None:
    cache, load = caches(), Gate()

    @cache.cached(key="k")
    def get() -> str:
        return load()

    first = threads.run(get)
    await until_so(load.begun.is_set)
    second = asyncio.create_task(cache.get_or_set("k", Load().finish()))
    await until_so(lambda: waiting(cache) == 2)
    load.finish()
    assert (first.result(10), await second) == ("value 1", "value 1")


@STORES
async def test_the_loops_of_two_threads_share_a_load(
    caches: Caches, threads: Threads, kind: str
) -> None:
    cache, load = made(caches, kind), Load()
    mine = asyncio.create_task(cache.get_or_set("k", load))
    await load.begun.wait()
    other = threads.run(lambda: asyncio.run(cache.get_or_set("k", Load())))
    await until_so(lambda: waiting(cache) == 2)
    load.finish()
    await until_so(other.done)
    assert (await mine, other.result()) == ("value 1", "value 1")


# -- loads inside of loads


@STORES
def test_a_blocking_function_may_call_another(blocking: Caches, kind: str) -> None:
    cache = made(blocking, kind)

    @cache.cached(name="inner")
    def inner(n: int) -> int:
        return n + 1

    @cache.cached(name="outer")
    def outer(n: int) -> int:
        return inner(n) * 10

    assert (outer(1), outer(1), inner(1)) == (20, 20, 2)
    assert (outer.info.loads, inner.info.loads) == (1, 1)


@STORES
async def test_an_async_function_may_call_another(caches: Caches, kind: str) -> None:
    cache = made(caches, kind)

    @cache.cached(name="inner")
    async def inner(n: int) -> int:
        return n + 1

    @cache.cached(name="outer")
    async def outer(n: int) -> int:
        return await inner(n) * 10

    assert (await outer(1), await outer(1), await inner(1)) == (20, 20, 2)
    assert (outer.info.loads, inner.info.loads) == (1, 1)


@pytest.mark.parametrize(("kind", "loads"), [("memory", 1), ("slow", 2)])
async def test_an_async_function_may_call_a_blocking_one(
    caches: Caches, kind: str, loads: int
) -> None:
    cache = made(caches, kind)

    @cache.cached(name="inner")
    def inner(n: int) -> int:
        return n + 1

    @cache.cached(name="outer")
    async def outer(n: int) -> int:
        return inner(n) * 10

    assert [await outer(1), inner(1)] == [20, 2]
    assert (outer.info.loads, inner.info.loads) == (1, loads)


@STORES
async def test_an_async_function_may_call_a_blocking_one_in_a_thread(
    caches: Caches, kind: str
) -> None:
    cache = made(caches, kind)

    @cache.cached(name="inner")
    def inner(n: int) -> int:
        return n + 1

    @cache.cached(name="outer")
    async def outer(n: int) -> int:
        return await asyncio.to_thread(inner, n) * 10

    assert [await outer(1), await asyncio.to_thread(inner, 1)] == [20, 2]
    assert (outer.info.loads, inner.info.loads) == (1, 1)


# -- circles (R9)

ONE_OR_BOTH = {"of the inner", "of of the inner"}
"""Who first tires of waiting loads for itself; the other may still share what came of that."""


@STORES
@pytest.mark.usefixtures("short_lease")
async def test_two_tasks_that_wait_for_each_other_go_on(caches: Caches, kind: str) -> None:
    cache, both = made(caches, kind), asyncio.Barrier(2)

    async def load(other: str) -> str:
        await both.wait()
        inner: str = await cache.get_or_set(other, Load(lambda _: "the inner").finish())
        return f"of {inner}"

    ask = [cache.get_or_set("a", lambda: load("b")), cache.get_or_set("b", lambda: load("a"))]
    async with asyncio.timeout(1):
        assert ONE_OR_BOTH.issuperset(await asyncio.gather(*ask))


@STORES
@pytest.mark.usefixtures("short_lease")
def test_two_threads_that_wait_for_each_other_go_on(
    blocking: Caches, threads: Threads, kind: str
) -> None:
    cache, both = made(blocking, kind), threading.Barrier(2)

    def load(other: str) -> str:
        both.wait(10)
        return "of " + cache.sync.get_or_set(other, lambda: "the inner")

    def ask(number: int) -> str:
        return cache.sync.get_or_set("ab"[number], lambda: load("ba"[number]))

    assert ONE_OR_BOTH.issuperset(threads.race(2, ask))


@pytest.mark.usefixtures("short_lease")
async def test_a_task_and_a_thread_that_wait_for_each_other_go_on(
    caches: Caches, threads: Threads
) -> None:
    cache, begun = caches(), threading.Event()

    def in_thread() -> str:
        begun.set()
        until(lambda: waiting(cache, "v:test:a") == 1)
        return "of " + cache.sync.get_or_set("a", lambda: "the inner")

    async def on_loop() -> str:
        await until_so(begun.is_set)
        return "of " + await cache.get_or_set("b", lambda: "the inner")

    thread = threads.run(lambda: cache.sync.get_or_set("b", in_thread))
    mine = await cache.get_or_set("a", on_loop)
    await until_so(thread.done)
    assert ONE_OR_BOTH.issuperset([mine, thread.result()])


@pytest.mark.usefixtures("short_lease")
async def test_functions_that_need_each_other_end_in_a_recursion_error(caches: Caches) -> None:
    cache, both = caches(), asyncio.Barrier(2)
    came: list[str] = []

    async def meet(name: str) -> None:
        came.append(name)
        if len(came) <= 2:
            await both.wait()

    @cache.cached(name="hen")
    async def hen() -> str:
        await meet("hen")
        return await egg()

    @cache.cached(name="egg")
    async def egg() -> str:
        await meet("egg")
        return await hen()

    async with asyncio.timeout(2):
        ends = await asyncio.gather(hen(), egg(), return_exceptions=True)
    assert [type(end) for end in ends] == [RecursionError, RecursionError]


def test_a_key_inside_its_own_load_is_a_recursion_error(blocking: Caches) -> None:
    cache = blocking()

    @cache.cached(name="get")
    def get(n: int) -> int:
        return get(n)

    with pytest.raises(RecursionError, match=r"get\(1\).* is needed by its own load"):
        get(1)


@STORES
async def test_a_key_inside_its_own_load_is_a_recursion_error_across_threads(
    caches: Caches, kind: str
) -> None:
    cache = made(caches, kind)

    async def load() -> Any:
        return await asyncio.to_thread(cache.sync.get_or_set, "k", lambda: 1)

    with pytest.raises(RecursionError, match="k is needed by its own load"):
        await cache.get_or_set("k", load)


async def test_a_function_may_call_itself_with_other_arguments(caches: Caches) -> None:
    cache = caches()

    @cache.cached(name="factorial")
    async def factorial(n: int) -> int:
        return n * await factorial(n - 1) if n else 1

    assert await factorial(20) == 2432902008176640000
    assert factorial.info.loads == 21


async def test_two_caches_may_have_the_same_key_one_inside_the_other(caches: Caches) -> None:
    first, second = caches(), caches()
    value = await first.get_or_set("k", lambda: second.get_or_set("k", lambda: "inner"))
    assert value == "inner"


# -- on a thread whose loop is running


async def test_a_blocking_call_beside_a_running_loop_uses_the_memory(caches: Caches) -> None:
    cache = caches()
    assert cache.sync.get_or_set("k", lambda: 1) == 1
    assert await cache.get("k") == 1
    cache.sync.invalidate(Tag("t"))
    cache.sync.delete("k")
    assert cache.sync.get("k") is None


@STORES
async def test_a_blocking_call_beside_a_running_loop_never_waits_for_anothers_load(
    caches: Caches, kind: str
) -> None:
    cache, load = made(caches, kind), Load()
    other = asyncio.create_task(cache.get_or_set("k", load))
    await load.begun.wait()
    assert cache.sync.get_or_set("k", lambda: "my own") == "my own"
    load.finish()
    assert await other == "value 1"
    assert await cache.get("k") == "value 1"


async def test_a_blocking_call_beside_a_running_loop_does_not_wait_for_a_thread(
    caches: Caches, threads: Threads
) -> None:
    cache, load = caches(), Gate()
    other = threads.run(lambda: cache.sync.get_or_set("k", load))
    load.begun.wait(10)
    assert cache.sync.get_or_set("k", lambda: "my own") == "my own"
    load.finish()
    assert other.result(10) == "value 1"


@pytest.mark.parametrize("opened", [True, False])
async def test_a_blocking_call_beside_a_running_loop_does_without_a_store_that_does_io(
    caches: Caches, caplog: pytest.LogCaptureFixture, opened: bool
) -> None:
    cache = caches(caches.slow())
    if opened:
        await cache.open()
    values = iter(range(9))
    assert [cache.sync.get_or_set("k", lambda: next(values)) for _ in range(3)] == [0, 1, 2]
    assert cache.sync.get("k", "nothing") == "nothing"
    assert not cache.sync.exists("k")
    assert not cache.sync.add("k", 1)
    assert len(caplog.records) == 1
    assert "`await`" in caplog.text
    assert await cache.get("k") is None


FORGETTING: list[Callable[[Cache], Any]] = [
    lambda cache: cache.sync.invalidate(Tag("t")),
    lambda cache: cache.sync.delete("k"),
    lambda cache: cache.sync.set("k", 1),
    lambda cache: cache.sync.clear(),
]


@pytest.mark.parametrize("forget", FORGETTING)
@pytest.mark.parametrize("opened", [True, False])
async def test_what_forgets_beside_a_running_loop_names_await(
    caches: Caches, forget: Callable[[Cache], Any], opened: bool
) -> None:
    cache = caches(caches.slow())
    if opened:
        await cache.open()
    with pytest.raises(InvalidationError, match="`await`"):
        forget(cache)


# -- no loop and no thread where none is needed


@pytest.fixture
def no_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("an event loop was touched")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", refuse)
    monkeypatch.setattr(asyncio.AbstractEventLoop, "__init__", refuse, raising=False)


@pytest.mark.usefixtures("no_loops")
def test_neither_a_hit_nor_a_miss_in_memory_needs_a_loop_or_a_thread(blocking: Caches) -> None:
    before = threading.enumerate()
    cache = blocking()

    @cache.cached(tags=["t"])
    def get(n: int) -> list[int]:
        return [n]

    assert [get(1), get(1), get(2)] == [[1], [1], [2]]
    assert get.info.hits == 1
    get.invalidate(1)
    cache.sync.invalidate(Tag("t"))
    assert get.refresh(1) == [1]
    assert threading.enumerate() == before


# -- never stale


@STORES
@pytest.mark.usefixtures("jumpy")
@pytest.mark.parametrize("rounds", [50, pytest.param(2000, marks=pytest.mark.long)])
def test_no_thread_reads_what_was_invalidated_before(
    blocking: Caches, threads: Threads, kind: str, rounds: int
) -> None:
    cache = made(blocking, kind, deadline=5)
    register, targets = Register(cache), (Key("k"), Tag("t"), Prefix("k"))

    def work(number: int) -> None:
        for turn in range(rounds):
            register.change(targets[turn % 3]) if (turn + number) % 4 == 0 else register.read()

    threads.race(6, work, patience=60)
    register.read()
    assert cache.stats().hits > 0


# -- what threads ask of a store that does I/O travels together


async def test_what_threads_write_and_read_at_once_is_answered_one_by_one(caches: Caches) -> None:
    cache = caches(caches.slow())
    await cache.open()

    def work(n: int) -> list[Any]:
        cache.sync.set(f"k{n}", n)
        found = [cache.sync.get(f"k{n}"), cache.sync.get("missing")]
        cache.sync.invalidate(Key(f"k{n}"))
        return [*found, cache.sync.get(f"k{n}")]

    answers = await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(6)))
    assert answers == [[n, None, None] for n in range(6)]


async def test_what_threads_ask_for_in_vain(caches: Caches) -> None:
    store = caches.slow()
    cache = caches(store)
    await cache.open()
    store.error = ConnectionRefusedError("refused")

    def work(n: int) -> Any:
        with pytest.raises(InvalidationError):
            cache.sync.invalidate(Key(f"k{n}"))
        return cache.sync.get(f"k{n}")

    assert await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(4))) == [None] * 4
