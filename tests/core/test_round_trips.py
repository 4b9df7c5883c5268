"""How often a store that does I/O is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from cachekit import Cache, InvalidationError, Key, Prefix, Tag
from cachekit.carrier import FORGETTING
from cachekit.runtime import OnLoop
from tests.core.helpers import Load, Loads, ends, start, time
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

T = TypeVar("T")
DEADLINE = 0.25


class Counted:
    """Counts the batches that arrive while it is entered."""

    def __init__(self, store: SlowStore) -> None:
        self.store = store
        self.reads = self.writes = 0

    def __enter__(self) -> "Counted":
        self.reads, self.writes = -len(self.store.reads), -len(self.store.writes)
        return self

    def __exit__(self, *error: object) -> None:
        self.reads += len(self.store.reads)
        self.writes += len(self.store.writes)


@pytest.fixture
def counted(store: SlowStore) -> Counted:
    return Counted(store)


HITS: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "get": lambda cache: cache.get("k"),
    "get many": lambda cache: cache.get_many(["k"]),
    "exists": lambda cache: cache.exists("k"),
    "entry": lambda cache: cache.entry("k"),
    "get or set": lambda cache: cache.get_or_set("k", Load()),
    "get or set many": lambda cache: cache.get_or_set_many(["k"], Loads()),
    "in vain": lambda cache: cache.get("missing"),
}


@pytest.mark.parametrize("call", HITS)
async def test_a_hit_is_one_read(slow: Cache, counted: Counted, call: str) -> None:
    """The record that `clear()` renews is asked for along with the key."""
    await slow.set("k", "v")
    with counted:
        await HITS[call](slow)
    assert (counted.reads, counted.writes) == (1, 0)


async def test_a_hit_with_declared_tags_is_one_read(slow: Cache, counted: Counted) -> None:
    @slow.cached(key="of:{n}", tags=["a", "of:{n}"])
    async def function(n: int) -> int:
        return n

    await function(1)
    await slow.set("k", "v", tags=["a", "b"])
    with counted:
        assert await slow.get_or_set("k", Load(), tags=["b"]) == "v"
    assert (counted.reads, counted.writes) == (2, 0)  # "a" is known from the entry alone
    with counted:
        assert await slow.get_or_set("k", Load(), tags=["a", "b"]) == "v"
        assert await function(1) == 1
        assert await function.get(1) == 1
    assert (counted.reads, counted.writes) == (3, 0)


async def test_a_hundred_hits_at_once_are_one_read(slow: Cache, counted: Counted) -> None:
    keys = [f"k{n}" for n in range(100)]
    await slow.set_many(dict.fromkeys(keys, 1))
    with counted:
        assert await asyncio.gather(*(slow.get(key) for key in keys)) == [1] * 100
    assert (counted.reads, counted.writes) == (1, 0)


async def test_tags_that_only_the_entries_know_are_one_more_read(
    slow: Cache, counted: Counted
) -> None:
    await slow.set_many({"k": 1, "l": 2}, tags=["t", "u"])
    with counted:
        assert await slow.get_many(["k", "l"]) == {"k": 1, "l": 2}
    assert (counted.reads, counted.writes) == (2, 0)


async def test_a_miss_is_a_read_a_lease_and_a_fill(slow: Cache, counted: Counted) -> None:
    """And one write more where a tag has never been seen."""
    load = Load().finish()
    with counted:
        await slow.get_or_set("k", load, tags=["t"])
    assert (counted.reads, counted.writes) == (1, 3)
    with counted:
        await slow.get_or_set("l", load, tags=["t"])
    assert (counted.reads, counted.writes) == (1, 2)


async def test_a_hundred_misses_at_once_are_no_more(slow: Cache, counted: Counted) -> None:
    await slow.set("other", 1, tags=["t"])
    load = Load().finish()
    with counted:
        await asyncio.gather(*(slow.get_or_set(f"k{n}", load, tags=["t"]) for n in range(100)))
    assert counted.reads == 1
    assert counted.writes <= 4
    assert load.calls == 100


# -- a store that hangs


ASKING: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "get": lambda cache: cache.get("k"),
    "exists": lambda cache: cache.exists("k"),
    "get or set": lambda cache: cache.get_or_set("k", Load().finish(), tags=["t"]),
    "get or set many": lambda cache: cache.get_or_set_many(["k", "l"], _loads, tags=["t"]),
    "add": lambda cache: cache.add("k", 1),
    "touch": lambda cache: cache.touch("k", 5),
    "set": lambda cache: cache.set("k", 1, tags=["t"]),
    "delete": lambda cache: cache.delete("k"),
    "invalidate": lambda cache: cache.invalidate(Tag("t"), Key("k")),
    "invalidate more": lambda cache: cache.invalidate(Key("k"), Prefix("k")),
    "clear": lambda cache: cache.clear(),
}


async def _loads(keys: list[str]) -> dict[str, Any]:
    return dict.fromkeys(keys, 1)


@pytest.mark.parametrize("call", ASKING)
async def test_a_call_asks_a_store_that_hangs_once(
    slow: Cache, store: SlowStore, call: str
) -> None:
    """What failed is its last operation, and costs one deadline; trying again is the guard's."""
    await slow.set("k", 1, tags=["t"])
    store.hang()
    arrived = arrivals(store)
    begun = time()
    await ends(start(plain(ASKING[call](slow))))
    assert time() - begun == pytest.approx(DEADLINE)
    assert [at for at in arrived if at < begun + DEADLINE] == [begun]
    assert store.cancelled == 0


async def plain(work: Awaitable[T]) -> T:
    return await work


def arrivals(store: SlowStore) -> list[float]:
    """When operations of any kind arrive, from here on."""
    arrived: list[float] = []
    travel = store._travel

    async def noted(error: Exception | None) -> None:
        arrived.append(time())
        await travel(error)

    store._travel = noted  # type: ignore[method-assign]
    return arrived


# -- forgetting by prefix


async def test_forgetting_by_prefix_has_a_minute(slow: Cache, store: SlowStore) -> None:
    """A store of millions of keys is walked through."""
    await slow.set("k", 1)
    store.delay = FORGETTING - 1
    await slow.invalidate(Prefix("k"))
    store.delay = 0.0
    assert await slow.get("k") is None
    store.delay = FORGETTING + 1
    with pytest.raises(InvalidationError):
        await slow.invalidate(Prefix("k"))
    assert store.cancelled == 0
    store.delay = 0.0
    await asyncio.sleep(FORGETTING + 2)  # until both it and what tries it again have ended


class Noting(OnLoop):
    """Notes how long a caller waits for work elsewhere."""

    def __init__(self) -> None:
        self.patience: list[float] = []

    async def on(self, loop: Any, work: Callable[[], Awaitable[T]], timeout: float) -> T:
        self.patience.append(timeout)
        return await work()


async def test_who_is_elsewhere_waits_as_long(slow: Cache) -> None:
    await slow.open()
    ways = Noting()
    await slow._engine.invalidate([Prefix("k")], ways)
    assert max(ways.patience) > FORGETTING
