"""Breakers: a node that fails is left alone, tried by the guard itself, and asked again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from cachekit.backend import DONE, UNREACHED, Unreached, Write
from cachekit.clock import Clock
from cachekit.errors import ConfigurationError
from cachekit.guard import Guard
from cachekit.testing import Fault, FaultyBackend, ReferenceBackend
from tests.core.helpers import start, ticks, time
from tests.core.nodes import refuse
from tests.core.slow_store import Shelf, SlowStore

pytestmark = pytest.mark.virtual

DEADLINE = 0.25


@pytest.fixture
def store(clock: Clock) -> SlowStore:
    return SlowStore(Shelf(clock))


@pytest.fixture
async def guard(store: SlowStore) -> AsyncIterator[Guard]:
    """Around `store`, open."""
    guard = Guard(store)
    await guard.open()
    yield guard
    store.heal()
    await guard.close()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def fails(guard: Guard, key: str = "v:test:k") -> bool:
    return isinstance((await guard.read([key])).get(key), Unreached)


async def open_breaker(guard: Guard, store: SlowStore) -> None:
    refuse(store)
    for _ in range(5):
        assert await fails(guard)
    assert guard.nodes()[0].is_open


async def test_the_breaker_opens_after_so_many_failures_in_a_row(
    guard: Guard, store: SlowStore
) -> None:
    refuse(store)
    for number in range(1, 6):
        assert await fails(guard)
        assert guard.nodes()[0].is_open is (number == 5)
    assert store.operations == 5


async def test_a_success_in_between_begins_the_count_anew(guard: Guard, store: SlowStore) -> None:
    """Of a read or a write; a read that fails and a write that does count together."""
    for _ in range(10):
        refuse(store)
        for _ in range(2):
            assert await fails(guard)
            assert await guard.write([Write("k", None)]) == [UNREACHED]
        store.heal()
        assert await guard.write([Write("k", None)]) == [DONE]
    assert not guard.nodes()[0].is_open
    refuse(store)
    for _ in range(5):
        assert not guard.nodes()[0].is_open
        assert await guard.write([Write("k", None)]) == [UNREACHED]
    assert guard.nodes()[0].is_open


async def test_no_call_is_let_through_while_it_is_open(guard: Guard, store: SlowStore) -> None:
    """Not even one: only the guard itself tries, with one read of what had failed."""
    await open_breaker(guard, store)
    store.reads.clear()
    begun = time()
    while time() < begun + 10:
        assert await fails(guard, "v:test:other")
        assert await guard.write([Write("v:test:other", None)]) == [UNREACHED]
        await asyncio.sleep(0.05)
    assert store.writes == []
    assert 10 <= len(store.reads) <= 20
    assert {key for keys in store.reads for key in keys} == {"v:test:k"}


async def test_what_is_not_asked_takes_no_time_and_is_counted(
    guard: Guard, store: SlowStore
) -> None:
    await open_breaker(guard, store)
    store.hang()
    begun, operations = time(), store.operations
    for _ in range(7):
        assert await fails(guard)
        assert await guard.write([Write("k", None), Write("l", None)]) == [UNREACHED] * 2
    assert (time(), store.operations) == (begun, operations)
    assert guard.nodes()[0].skipped == 14
    assert guard.nodes()[0].failures == 5


async def test_probes_are_jittered_and_never_rarer_than_the_interval(
    guard: Guard, store: SlowStore
) -> None:
    await open_breaker(guard, store)
    failed = len(store.reads)
    await ticks()
    assert len(store.reads) == failed + 1  # at once: it may have been but a connection that broke
    probes, seen, begun = [time()], len(store.reads), time()
    while time() < begun + 60:
        await asyncio.sleep(0.01)
        if len(store.reads) > seen:
            seen += 1
            probes.append(time())
    gaps = [later - earlier for earlier, later in pairwise(probes)]
    assert min(gaps) >= 0.48
    assert max(gaps) <= 1.02
    assert max(gaps) - min(gaps) > 0.2
    assert guard.nodes()[0].failures == seen


async def test_it_closes_once_a_probe_is_answered(guard: Guard, store: SlowStore) -> None:
    """Within one interval; from then on it takes as many failures again."""
    for _ in range(3):
        await open_breaker(guard, store)
        await asyncio.sleep(3.3)
        store.heal()
        await asyncio.sleep(1.01)
        assert not guard.nodes()[0].is_open
        refuse(store)
        for _ in range(4):
            assert await fails(guard)
        assert not guard.nodes()[0].is_open
        store.heal()
        assert not await fails(guard)


async def test_one_that_hangs_is_tried_one_probe_at_a_time(guard: Guard, store: SlowStore) -> None:
    store.hang()
    for _ in range(5):
        assert await fails(guard)
    begun = len(store.reads)
    await asyncio.sleep(10)
    assert len(store.reads) - begun <= 10 / (0.5 + DEADLINE) + 1
    store.resume()
    await asyncio.sleep(1.01)
    assert not await fails(guard)


async def test_each_transition_is_logged_once(
    guard: Guard, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        caplog.clear()
        with caplog.at_level(logging.INFO, "cachekit"):
            await open_breaker(guard, store)
            for _ in range(100):
                await fails(guard)
            await asyncio.sleep(5)
            store.heal()
            await asyncio.sleep(1.01)
        first, last = [record.getMessage() for record in caplog.records]
        assert "SlowStore is not asked" in first
        assert "refused" in first
        assert "SlowStore is asked again" in last
        await asyncio.sleep(60)  # sooner it is not said again


async def test_who_answers_at_once_is_asked_at_once(guard: Guard, store: SlowStore) -> None:
    """All that was under way on a connection fails with it, and is more than a few."""
    await open_breaker(guard, store)
    assert guard.nodes()[0].is_open
    store.error = None
    await ticks()
    assert not guard.nodes()[0].is_open
    assert await guard.read(["k"]) == {}


async def test_a_batch_sent_before_it_opened_changes_nothing_when_it_fails(
    guard: Guard, store: SlowStore
) -> None:
    """Nor does one that succeeds: the probe decides."""
    store.delay = 0.2
    late = [start(guard.read([f"k{number}"])) for number in range(2)]
    await ticks()
    store.delay = 0.0
    await open_breaker(guard, store)
    await ticks()
    store.error = None
    await asyncio.gather(*late)
    assert guard.nodes()[0].is_open


async def test_a_part_that_is_not_answered_is_a_failure_where_nodes_are_not_known(
    clock: Clock,
) -> None:
    store = FaultyBackend(ReferenceBackend(clock))
    guard = Guard(store, failures=2)
    await guard.open()
    store.fail(Fault.PARTLY, Fault.PARTLY)
    for _ in range(2):
        assert not guard.nodes()[0].is_open
        await guard.read(["a", "b"])
    assert guard.nodes()[0].is_open
    store.heal()
    await guard.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline", 0),
        ("deadline", "1"),
        ("failures", 0),
        ("failures", 2.5),
        ("probe_interval", -1),
        ("journal", 0),
        ("journal", None),
    ],
)
def test_what_it_cannot_be_given_is_named(name: str, value: object) -> None:
    with pytest.raises((ConfigurationError, TypeError), match=name):
        Guard(ReferenceBackend(), **{name: value})  # type: ignore[arg-type]
