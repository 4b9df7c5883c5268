"""Opening, closing, sharing a backend, and one event loop after the other."""

import asyncio

import pytest

from cachekit import Cache, CacheClosedError, ConfigurationError, Key
from cachekit.backend import Backend
from cachekit_memory import MemoryBackend
from tests.core.conftest import Caches
from tests.core.helpers import Load, PickleSerializer, ends, leftovers, start, ticks
from tests.core.slow_store import SlowStore

virtual = pytest.mark.virtual


@virtual
async def test_it_opens_by_itself(slow: Cache, store: SlowStore) -> None:
    assert store.opened == 0
    await slow.get("k")
    await slow.set("k", 1)
    assert store.opened == 1


@virtual
async def test_a_block_opens_and_closes(slow: Cache, store: SlowStore) -> None:
    async with slow as cache:
        assert cache is slow
        assert (store.opened, store.closed) == (1, 0)
    assert (store.opened, store.closed) == (1, 1)


@virtual
async def test_a_cache_that_was_never_used_is_closed(slow: Cache, store: SlowStore) -> None:
    await slow.close()
    assert (store.opened, store.closed) == (0, 0)


@virtual
async def test_use_after_close_is_an_error(either: Cache) -> None:
    function = either.cached(key="f")(Load().finish().__call__)
    await either.set("k", 1)
    await either.close()
    calls = [
        either.get("k"),
        either.get_many(["k"]),
        either.exists("k"),
        either.get_or_set("k", Load()),
        either.set("k", 1),
        either.add("k", 1),
        either.delete("k"),
        either.invalidate(Key("k")),
        either.clear(),
        function(),
        function.get(),
        function.invalidate(),
    ]
    for call in calls:
        with pytest.raises(CacheClosedError, match="open it again"):
            await call


@virtual
async def test_nothing_is_loaded_after_close(either: Cache) -> None:
    await either.close()
    load = Load().finish()
    with pytest.raises(CacheClosedError):
        await either.get_or_set("k", load)
    assert load.calls == 0


@virtual
async def test_it_opens_again(either: Cache) -> None:
    for n in range(3):
        async with either:
            await either.set("k", n)
            assert await either.get("k") == n


@virtual
async def test_a_loads_callers_learn_that_it_is_closed(either: Cache) -> None:
    load = Load()
    callers = [start(either.get_or_set("k", load)) for _ in range(10)]
    await load.begun.wait()
    await ticks()
    await either.close()
    assert {type(result) for result in await ends(*callers)} == {CacheClosedError}
    assert (load.calls, load.cancelled) == (1, 1)


@virtual
async def test_a_load_that_another_one_has_overtaken_is_given_up_too(either: Cache) -> None:
    old, new = Load(), Load()
    earlier = start(either.get_or_set("k", old))
    await old.begun.wait()
    await either.delete("k")
    later = start(either.get_or_set("k", new))
    await new.begun.wait()
    await either.close()
    results = await asyncio.wait_for(ends(earlier, later), 1.0)
    assert [type(result) for result in results] == [CacheClosedError] * 2
    assert (old.running, new.running) == (0, 0)


@virtual
async def test_a_stub_is_not_left_for_the_others(caches: Caches) -> None:
    """R2: who gives a load up removes its stub."""
    here, there = caches(caches.slow()), caches(caches.slow())
    load = Load()
    caller = start(here.get_or_set("k", load))
    await load.begun.wait()
    await here.close()
    assert leftovers([here], caches.backends) == []
    again = Load("again {}".format).finish()
    assert await asyncio.wait_for(there.get_or_set("k", again), 0.1) == "again 1"
    await ends(caller)


@virtual
async def test_the_waiters_for_another_process_learn_it_too(caches: Caches) -> None:
    here, there = caches(caches.slow()), caches(caches.slow())
    load = Load()
    caller = start(here.get_or_set("k", load))
    await load.begun.wait()
    waiter = start(there.get_or_set("k", load))
    await asyncio.sleep(0.1)
    await there.close()
    assert isinstance((await ends(waiter))[0], CacheClosedError)
    load.finish()
    assert await caller == "value 1"


@virtual
async def test_closing_does_not_wait_for_a_loader_that_swallows_its_cancellation(
    either: Cache,
) -> None:
    stop = asyncio.Event()

    async def stubborn() -> str:
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    caller = start(either.get_or_set("k", stubborn))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(either.close(), 1.0)
    stop.set()
    await ends(caller)
    await ticks()


@virtual
async def test_closing_does_not_wait_for_a_store_that_hangs(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    store.hang()
    calls = [start(slow.get("k")), start(slow.delete("k")), start(slow.set("k", 1))]
    await ticks()
    await asyncio.wait_for(slow.close(), 2.0)
    await ends(*calls)


@virtual
async def test_closing_while_it_opens(slow: Cache, store: SlowStore) -> None:
    store.hang()
    opening = start(slow.open())
    calling = start(slow.get_or_set("k", Load().finish()))
    await ticks()
    await asyncio.wait_for(slow.close(), 10.0)
    store.resume()
    results = await ends(opening, calling)
    assert isinstance(results[0], (CacheClosedError, TimeoutError, ConnectionError))
    await ticks()
    assert store.opened - store.cancelled in (0, store.closed)
    with pytest.raises(CacheClosedError):
        await slow.get("k")


@virtual
async def test_the_last_cache_closes_what_several_share(caches: Caches, store: SlowStore) -> None:
    one, other = caches(store), caches(store, namespace="other")
    await asyncio.gather(one.open(), other.open())
    await one.set("k", 1)
    await other.set("k", 2)
    assert store.opened == 1
    await one.close()
    assert store.closed == 0
    assert await other.get("k") == 2
    await other.close()
    assert store.closed == 1


@virtual
async def test_a_cache_that_opens_what_another_has_closed(caches: Caches, store: SlowStore) -> None:
    one, other = caches(store), caches(store)
    async with one:
        await one.set("k", 1)
    async with other:
        assert await other.get("k") == 1
    assert (store.opened, store.closed) == (2, 2)


@virtual
async def test_two_caches_in_one_memory(caches: Caches) -> None:
    """They share what has the same namespace."""
    memory = caches.memory()
    one, same, other = caches(memory), caches(memory), caches(memory, namespace="other")
    load = Load().finish()
    assert await one.get_or_set("k", load, tags=["t"]) == "value 1"
    assert await same.get_or_set("k", load, tags=["t"]) == "value 1"
    assert await other.get_or_set("k", load) == "value 2"
    await same.delete("k")
    assert await one.get("k") is None
    assert await other.get("k") == "value 2"
    await one.close()
    assert await other.get("k") == "value 2"


class Named(PickleSerializer):
    """One more serializer."""

    def __init__(self, name: str, fingerprint: bytes = b"") -> None:
        self.id = name  # type: ignore[misc]
        self.fingerprint = fingerprint  # type: ignore[misc]


@virtual
@pytest.mark.parametrize("other", [Named("other"), Named("pickle", b"newer")])
async def test_caches_with_different_serializers(
    caches: Caches, store: SlowStore, other: Named
) -> None:
    """What one cannot read is a miss to it, and it takes that over; they take turns."""
    one, two = caches(store), caches(store, serializer=other)
    await one.set("k", "of one")
    assert await two.get("k") is None
    load = Load().finish()
    assert await two.get_or_set("k", load) == "value 1"
    assert await two.get_or_set("k", load) == "value 1"
    assert await one.get("k") is None
    assert await one.get_or_set("k", load) == "value 2"
    assert load.calls == 2


@virtual
async def test_a_backend_is_made_when_the_cache_opens(caches: Caches) -> None:
    made: list[Backend] = []

    def make() -> Backend:
        made.append(caches.memory())
        return made[-1]

    cache = Cache(make, namespace="test", serializer=PickleSerializer(), clock=caches.clock)
    assert made == []
    async with cache:
        await cache.set("k", 1)
        assert len(made) == 1
    async with cache:
        assert await cache.get("k") is None
    assert len(made) == 2


@virtual
async def test_a_store_that_others_use_needs_a_namespace(store: SlowStore) -> None:
    with pytest.raises(ConfigurationError, match="namespace= is missing"):
        async with Cache(store, serializer=PickleSerializer()):
            raise AssertionError


@virtual
async def test_disabled_it_loads_each_time() -> None:
    cache = Cache(disabled=True, serializer=PickleSerializer())
    load = Load().finish()

    @cache.cached(key="f")
    async def function() -> object:
        return await load()

    assert [await cache.get_or_set("k", load), await function()] == ["value 1", "value 2"]
    await cache.set("k", 1)
    assert await cache.get("k") is None
    assert await cache.add("k", 1), "there is nothing"
    assert await cache.get("k") is None
    await cache.invalidate(Key("k"))
    await cache.clear()
    async with cache.deferred():
        await function.invalidate()
        assert await function() == "value 3"
    await cache.close()


def of_kind(kind: str, caches: Caches) -> Cache:
    return caches() if kind == "memory" else caches(caches.slow())


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_one_cache_over_several_event_loops(kind: str, blocking: Caches) -> None:
    """Each test of a user's has its own, say; closed or not."""
    cache = of_kind(kind, blocking)

    async def use(n: int) -> object:
        before = await cache.get("k")
        await cache.set("k", n)
        assert await cache.get_or_set(f"of {n}", Load().finish()) == "value 1"
        await cache.invalidate(Key("other"))
        return before

    assert [asyncio.run(use(n)) for n in range(3)] == [None, 0, 1]


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_a_loop_that_ends_in_the_midst_of_a_load(kind: str, blocking: Caches) -> None:
    cache = of_kind(kind, blocking)

    async def leave() -> None:
        load = Load()
        start(cache.get_or_set("k", load))
        await load.begun.wait()

    async def use() -> object:
        return await asyncio.wait_for(cache.get_or_set("k", Load().finish()), 4.0)

    asyncio.run(leave())
    assert asyncio.run(use()) == "value 1"


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_closed_on_one_loop_it_opens_on_the_next(kind: str, blocking: Caches) -> None:
    cache = of_kind(kind, blocking)

    async def use() -> object:
        async with cache:
            return await cache.get_or_set("k", Load().finish())

    assert [asyncio.run(use()) for _ in range(3)] == ["value 1"] * 3


@pytest.mark.parametrize("memory", [MemoryBackend(), MemoryBackend(policy="lru")])
def test_a_cache_made_at_import(memory: MemoryBackend) -> None:
    cache = Cache(memory, serializer=PickleSerializer())

    @cache.cached(key="doubled:{n}")
    async def doubled(n: int) -> int:
        return 2 * n

    assert [asyncio.run(doubled(2)) for _ in range(3)] == [4, 4, 4]
    assert doubled.info.loads == 1
    asyncio.run(cache.close())
