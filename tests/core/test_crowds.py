"""R2, R3: what many processes with one key may count on, whatever becomes of one of them."""

import asyncio
from typing import Any

import pytest

from cachekit import Cache, Tag
from cachekit.entry import Kind
from cachekit.policy import LEASE
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, time
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

TIMEOUT = 30.0


class Taking:
    """A loader that takes so many seconds each time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        number = self.calls
        await asyncio.sleep(self.seconds)
        return f"value {number}"


@pytest.fixture
def stores(caches: Caches) -> list[SlowStore]:
    """The connections of three processes to one store."""
    return [caches.slow() for _ in range(3)]


@pytest.fixture
async def fleet(caches: Caches, stores: list[SlowStore]) -> list[Cache]:
    """Three processes, where an answer takes a millisecond."""
    fleet = [caches(store) for store in stores]
    for cache, store in zip(fleet, stores, strict=True):
        await cache.open()
        store.lag = 0.001
    return fleet


def fills(stores: list[SlowStore]) -> int:
    return sum(len(store.sent(Kind.VALUE)) for store in stores)


async def test_a_load_three_leases_long_is_one_load_and_one_fill(
    fleet: list[Cache], stores: list[SlowStore]
) -> None:
    load = Taking(3 * LEASE)
    callers = [start(cache.get_or_set("k", load)) for cache in fleet * 10]
    assert await ends(*callers) == ["value 1"] * 30
    assert (load.calls, fills(stores)) == (1, 1)
    assert time() < 3 * LEASE + 0.5


@pytest.mark.parametrize("after", [0.1, 1.0, 3.0, 5.9])
async def test_a_leader_that_is_killed_costs_one_load_more(
    fleet: list[Cache], stores: list[SlowStore], after: float
) -> None:
    """Of those that are left one takes over when the lease is over; what is dead fills nothing."""
    dead, load = Load("dead {}".format), Taking(3 * LEASE)
    leader = start(fleet[0].get_or_set("k", dead))
    await dead.begun.wait()
    callers = [start(cache.get_or_set("k", load)) for cache in fleet[1:] * 10]
    await asyncio.sleep(after)
    stores[0].hang()
    killed = time()
    assert await ends(*callers) == ["value 1"] * 20
    assert time() - killed < LEASE + 3 * LEASE + 0.5
    assert (load.calls, fills(stores[1:])) == (1, 1)
    dead.finish()
    stores[0].heal()
    await ends(leader)
    assert await fleet[1].get("k") == "value 1"


async def test_a_loader_that_hangs_holds_nobody_longer_than_its_timeout(
    fleet: list[Cache],
) -> None:
    """Who shares it has a `TimeoutError` then; who waits in another process loads on its own."""
    hangs, load = Load(), Taking(1.0)
    sharers = [start(fleet[0].get_or_set("k", hangs)) for _ in range(10)]
    await hangs.begun.wait()
    waiters = [start(cache.get_or_set("k", load)) for cache in fleet[1:] * 10]
    assert {type(error) for error in await ends(*sharers)} == {TimeoutError}
    assert time() == pytest.approx(TIMEOUT, abs=0.1)
    assert set(await ends(*waiters)) <= {"value 1", "value 2"}
    assert time() < TIMEOUT + 1.0 + 0.5
    assert (hangs.calls, hangs.running) == (1, 0)


async def test_if_it_hangs_for_all_each_process_tries_but_once_more(fleet: list[Cache]) -> None:
    hangs = Load()
    callers = [start(cache.get_or_set("k", hangs, load_timeout=5)) for cache in fleet * 10]
    assert {type(error) for error in await ends(*callers)} == {TimeoutError}
    assert time() < 2 * 5 + 0.5
    assert (hangs.calls, hangs.running) == (3, 0)


FORGETTING: dict[str, Any] = {
    "delete": lambda cache: cache.delete("k"),
    "tag": lambda cache: cache.invalidate(Tag("t")),
    "set": lambda cache: cache.set("k", "set", tags=["t"], ttl=0.001),
}


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
async def test_nobody_waits_for_more_than_three_loads(caches: Caches, forget: Any) -> None:
    """R2: forty processes, and a key that is forgotten every 40 ms."""
    fleet = [caches(caches.slow()) for _ in range(40)]
    load, waited = Taking(0.5), list[float]()

    async def forgetting() -> None:
        while True:
            await forget(fleet[0])
            await asyncio.sleep(0.04)

    async def customer(cache: Cache, number: int) -> None:
        await asyncio.sleep(number / 40)
        while time() < 4:
            before = time()
            await cache.get_or_set("k", load, tags=["t"])
            waited.append(time() - before)
            await asyncio.sleep(0.01)

    trouble = start(forgetting())
    await asyncio.gather(*(customer(cache, number) for number, cache in enumerate(fleet)))
    trouble.cancel()
    await ends(trouble)
    assert max(waited) <= 3 * load.seconds
