"""What is asked for in one tick travels together, and nobody's fate is another's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from cachekit import Cache, CacheClosedError, InvalidationError, Prefix, Tag
from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    LOCAL,
    REFUSED,
    UNREACHED,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.batch import MOST, MOST_BYTES
from cachekit.carrier import Carrier
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.gates import Gate, Gates
from cachekit.runtime import ON_LOOP
from tests.core.conftest import Caches
from tests.core.helpers import ends, start, ticks, time
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual

DEADLINE = 0.25
KEYS = [f"k{n}" for n in range(3 * MOST)]


class Ledger:
    """What a carrier says of each batch."""

    def __init__(self) -> None:
        self.reads: list[BaseException | None] = []
        self.writes: list[BaseException | None] = []

    def has_read(self, found: Found, error: BaseException | None) -> None:
        self.reads.append(error)

    def has_written(self, error: BaseException | None) -> None:
        self.writes.append(error)

    def has_skipped(self, why: BaseException | None) -> None:
        raise AssertionError("no gate is shut")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def carrier(store: SlowStore, ledger: Ledger) -> AsyncIterator[Carrier]:
    """One that ends with nothing under way."""
    loop = asyncio.get_running_loop()
    carrier = Carrier(store, loop, DEADLINE, Gates("store", 10**6, 1, _never_shut), ledger)
    yield carrier
    store.heal()
    await ticks()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _never_shut(gate: Gate, why: BaseException | None) -> None:
    raise AssertionError(f"{gate.name} was shut")


def reading(carrier: Carrier, *keys: str) -> "asyncio.Task[Found]":
    async def read() -> Found:
        return await carrier.read(keys)

    return start(read())


def writing(carrier: Carrier, *writes: Write) -> "asyncio.Task[Sequence[Outcome]]":
    async def write() -> Sequence[Outcome]:
        return await carrier.write(writes)

    return start(write())


def mark(key: str, expected: Any = ANY) -> Write:
    return Write(key, Entry(Kind.PASS), expected)


def value(key: str, size: int) -> Write:
    entry = Entry(Kind.VALUE)
    entry.payload, entry.codec = b"x" * size, "none"
    return Write(key, entry)


def sizes(batches: Sequence[Sequence[object]]) -> list[int]:
    return [len(batch) for batch in batches]


def written(store: SlowStore) -> list[str]:
    return [write.key for batch in store.writes for write in batch]


# -- one tick, one batch


async def test_reads_of_one_tick_are_one_read(carrier: Carrier, store: SlowStore) -> None:
    tasks = [reading(carrier, f"k{n % 10}", "tag") for n in range(100)]
    await ends(*tasks)
    assert len(store.reads) == 1
    assert sorted(store.reads[0]) == sorted([*KEYS[:10], "tag"])


async def test_who_comes_after_a_read_was_sent_gets_the_next_one(
    carrier: Carrier, store: SlowStore
) -> None:
    """R1: its answer is not older than its question."""
    store.lag = 0.1
    first = reading(carrier, "k")
    await asyncio.sleep(0.05)
    store.shelf.write(made := mark("k"), data_of(made))
    second = reading(carrier, "k")
    assert await first == {}
    found = (await second)["k"]
    assert isinstance(found, Entry)
    assert found.version == version_of(made)


def version_of(write: Write) -> int:
    assert write.entry is not None
    return write.entry.version


def data_of(write: Write) -> bytes:
    assert write.entry is not None
    return pack(write.key, write.entry)


async def test_writes_of_one_tick_are_one_write_in_their_order(
    carrier: Carrier, store: SlowStore
) -> None:
    tasks = [writing(carrier, *(mark(f"{n}.{m}") for m in range(n % 3 + 1))) for n in range(50)]
    await ends(*tasks)
    assert len(store.writes) == 1
    assert written(store) == [f"{n}.{m}" for n in range(50) for m in range(n % 3 + 1)]


async def test_each_has_its_own_outcomes(carrier: Carrier, store: SlowStore) -> None:
    store.loses = lambda write: write.key == "lost"
    tasks = [
        writing(carrier, mark("a", ABSENT), mark("b", 17)),
        writing(carrier, mark("a", ABSENT)),
        writing(carrier, mark("lost"), mark("a")),
    ]
    assert await ends(*tasks) == [[DONE, REFUSED], [REFUSED], [UNREACHED, DONE]]
    assert len(store.writes) == 1


async def test_a_lone_call_waits_for_nobody(carrier: Carrier, store: SlowStore) -> None:
    """It is sent in the tick after it was asked for."""
    asked = [reading(carrier, "k"), writing(carrier, mark("k"))]
    await ticks(2)
    assert store.operations == 2
    await ends(*asked)


async def test_reads_do_not_wait_for_writes_nor_for_earlier_ones(
    carrier: Carrier, store: SlowStore
) -> None:
    store.lag = 0.1
    tasks: list[asyncio.Task[Any]] = []
    for n in range(3):
        tasks += [reading(carrier, f"k{n}"), writing(carrier, mark(f"k{n}"))]
        await ticks(3)
    assert store.operations == 6
    await ends(*tasks)


async def test_the_cache_writes_together(slow: Cache, store: SlowStore) -> None:
    """What many tasks set, delete and invalidate in one tick."""
    await slow.set_many(dict.fromkeys(KEYS[:50], 1), tags=["t"])
    before = len(store.writes)
    await asyncio.gather(
        *(slow.delete(key) for key in KEYS[:20]),
        *(slow.invalidate(Tag(f"t{n}")) for n in range(20)),
        slow.set(KEYS[30], 2, tags=["t"]),
    )
    assert len(store.writes) <= before + 2
    assert await slow.get_many(KEYS[18:22]) == {KEYS[20]: 1, KEYS[21]: 1}
    assert await slow.get(KEYS[30]) == 2


# -- one caller's fate is not another's


@pytest.mark.parametrize("after", range(5))
async def test_a_reader_that_is_cancelled_harms_no_other(
    carrier: Carrier, store: SlowStore, after: int
) -> None:
    store.shelf.write(made := mark("k"), data_of(made))
    tasks = [reading(carrier, "k", f"k{n}") for n in range(5)]
    await ticks(after)
    tasks[0].cancel()
    tasks[3].cancel()
    for task in (tasks[1], tasks[2], tasks[4]):
        assert set(await task) == {"k"}
    await ends(*tasks)
    assert store.cancelled == 0


@pytest.mark.parametrize("after", range(1, 5))
async def test_a_write_whose_caller_is_cancelled_is_carried_out(
    carrier: Carrier, store: SlowStore, after: int
) -> None:
    """Wholly, and so are those it travels with."""
    store.delay = 0.1
    tasks = [writing(carrier, mark(f"{n}a"), mark(f"{n}b")) for n in range(3)]
    await ticks(after)
    tasks[1].cancel()
    outcomes = await ends(*tasks)
    assert [outcomes[0], outcomes[2]] == [[DONE, DONE]] * 2
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert store.cancelled == 0
    assert sorted(store.shelf.keys(Kind.PASS)) == ["0a", "0b", "1a", "1b", "2a", "2b"]


async def test_nobody_is_left_to_be_told(carrier: Carrier, store: SlowStore) -> None:
    store.delay = 0.1
    tasks: list[asyncio.Task[Any]] = [reading(carrier, "k"), writing(carrier, mark("k"))]
    await ticks(3)
    for task in tasks:
        task.cancel()
    await ends(*tasks)
    await asyncio.sleep(0.2)
    assert store.cancelled == 0
    assert store.shelf.keys(Kind.PASS) == ["k"]


async def test_what_cannot_be_packed_is_a_batch_without_an_answer(
    carrier: Carrier, store: SlowStore
) -> None:
    """Of whose writes nobody says that they were done."""
    bad = Write("bad", Entry(Kind.VALUE))
    assert await ends(writing(carrier, mark("k")), writing(carrier, bad)) == [[UNREACHED]] * 2
    assert await writing(carrier, mark("k")) == [DONE]


async def test_a_backend_that_answers_for_too_few(
    carrier: Carrier, store: SlowStore, ledger: Ledger
) -> None:
    async def write(writes: Sequence[Write]) -> Sequence[Outcome]:
        return [DONE]

    store.write = write  # type: ignore[method-assign]
    tasks = [writing(carrier, mark("a")), writing(carrier, mark("b"))]
    assert await ends(*tasks) == [[UNREACHED], [UNREACHED]]
    assert "1 outcomes for 2 writes" in str(ledger.writes[0])


async def test_a_failure_is_counted_and_told_once_for_all(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    store.error = ConnectionRefusedError("refused")
    assert await asyncio.gather(*(slow.get(key) for key in KEYS[:100])) == [None] * 100
    assert slow.stats().unreached == 1


async def test_a_batch_is_cancelled_before_it_is_sent(carrier: Carrier, store: SlowStore) -> None:
    """By who cancels whatever runs on the loop: the line goes on."""
    waiting = [carrier.begin([mark("k")]), carrier.begin([mark("l"), mark("m")])]
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert [await answer for answer in waiting] == [[UNREACHED], [UNREACHED] * 2]
    assert store.writes == []
    assert await carrier.write([mark("k")]) == [DONE]


# -- bounds


async def test_so_many_keys_travel_together_and_the_rest_after_them(
    carrier: Carrier, store: SlowStore
) -> None:
    store.delay = 0.1
    tasks = [reading(carrier, key) for key in KEYS]
    await ends(*tasks)
    assert sizes(store.reads) == [MOST] * 3
    assert [key for batch in store.reads for key in batch] == KEYS
    assert time() == pytest.approx(0.1)


async def test_who_asks_for_many_keys_asks_in_parts(carrier: Carrier, store: SlowStore) -> None:
    for key in KEYS:
        store.shelf.write(made := mark(key), data_of(made))
    alone, found, same = await ends(
        reading(carrier, "other"), reading(carrier, *KEYS), reading(carrier, *KEYS)
    )
    assert "other" not in alone
    assert list(found) == KEYS
    assert list(same) == KEYS
    assert max(sizes(store.reads)) <= MOST
    assert len(store.reads) == 7


async def test_so_many_writes_travel_together(carrier: Carrier, store: SlowStore) -> None:
    many = writing(carrier, *map(mark, KEYS))
    await many
    assert many.result() == [DONE] * len(KEYS)
    assert sizes(store.writes) == [MOST] * 3
    assert written(store) == KEYS


async def test_so_many_bytes_travel_together(carrier: Carrier, store: SlowStore) -> None:
    """And what is larger goes alone; whatever has no payload has no weight."""
    half = MOST_BYTES // 2
    writes = [value("a", half), value("b", half), value("c", 1), value("d", 2 * MOST_BYTES)]
    tasks = [writing(carrier, write) for write in [*writes, mark("e"), value("f", half)]]
    assert await ends(*tasks) == [[DONE]] * 6
    batches = [[write.key for write in batch] for batch in store.writes]
    assert batches == [["a", "b"], ["c"], ["d"], ["e", "f"]]


async def test_one_callers_bytes_are_shared_out_too(carrier: Carrier, store: SlowStore) -> None:
    half = MOST_BYTES // 2
    assert await carrier.write([value(key, half) for key in KEYS[:5]]) == [DONE] * 5
    assert sizes(store.writes) == [2, 2, 1]


async def test_what_one_caller_writes_is_done_in_order(carrier: Carrier, store: SlowStore) -> None:
    """And nobody else waits for it."""
    store.delay = 0.1
    many = writing(carrier, *map(mark, KEYS))
    few = writing(carrier, mark("few"))
    await few
    assert time() == pytest.approx(0.1)
    assert await many == [DONE] * len(KEYS)
    assert time() == pytest.approx(0.3)
    assert [key for key in written(store) if key != "few"] == KEYS


async def test_many_readers_of_many_keys_hold_nobody_up(carrier: Carrier, store: SlowStore) -> None:
    """What has room for none of them is not looked at again."""
    reads = [[f"{n}.{m}" for m in range(MOST // 2 + 1)] for n in range(200)]
    await ends(*(reading(carrier, *keys) for keys in reads), reading(carrier, "last"))
    assert sizes(store.reads) == [MOST // 2 + 1] * 199 + [MOST // 2 + 2]


# -- a backend that fails, or hangs


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_a_failure_costs_one_deadline_however_much_was_asked_for(
    carrier: Carrier, store: SlowStore, how: str
) -> None:
    if how == "hangs":
        store.hang()
    else:
        store.error = ConnectionRefusedError("refused")
    begun = time()
    tasks: list[asyncio.Task[Any]] = [
        reading(carrier, *KEYS),
        reading(carrier, "k"),
        writing(carrier, *map(mark, KEYS)),
        writing(carrier, mark("k")),
    ]
    found, alone, outcomes, outcome = await ends(*tasks)
    assert time() - begun == pytest.approx(DEADLINE if how == "hangs" else 0.0)
    assert {type(entry) for entry in found.values()} == {Unreached}
    assert list(found) == KEYS
    assert isinstance(alone["k"], Unreached)
    assert outcomes == [UNREACHED] * len(KEYS)
    assert outcome == [UNREACHED]
    assert len(store.writes) == 2  # what nothing was done of is not gone on with


async def test_a_batch_in_the_middle_fails(carrier: Carrier, store: SlowStore) -> None:
    """What was answered before it stands, what comes after it is not sent."""
    store.delay = 0.1
    task = writing(carrier, *map(mark, KEYS))
    await asyncio.sleep(0.05)
    store.error = OSError("gone")
    assert await task == [DONE] * MOST + [UNREACHED] * 2 * MOST
    assert sizes(store.writes) == [MOST, MOST]


async def test_after_a_failure_the_line_goes_on(carrier: Carrier, store: SlowStore) -> None:
    store.hang()
    lost = writing(carrier, *map(mark, KEYS))
    await ends(lost)
    store.heal()
    assert await carrier.write(list(map(mark, KEYS))) == [DONE] * len(KEYS)
    await ticks()
    assert sizes(store.writes) == [MOST] * 4  # what was abandoned has not gone on with the rest


async def test_a_late_answer_is_nobodys(carrier: Carrier, store: SlowStore, ledger: Ledger) -> None:
    store.hang()
    assert await carrier.write([mark("k")]) == [UNREACHED]
    store.resume()
    await ticks()
    assert store.shelf.keys(Kind.PASS) == ["k"]
    assert [type(error) for error in ledger.writes] == [TimeoutError]
    assert store.cancelled == 0


async def test_a_loop_that_was_held_up_is_no_backend_that_fails(
    carrier: Carrier, store: SlowStore
) -> None:
    """What came meanwhile is read before the timer counts."""
    store.delay = DEADLINE - 0.05
    read = reading(carrier, "k")
    await asyncio.sleep(0.1)
    cast("Any", asyncio.get_running_loop())._jump.now += 2 * DEADLINE
    assert await read == {}


async def test_a_loop_that_is_held_up_again_and_again_waits_for_no_backend_that_hangs(
    carrier: Carrier, store: SlowStore
) -> None:
    store.hang()
    read = reading(carrier, "k")
    for _ in range(20):
        await ticks(3)
        if read.done():
            break
        cast("Any", asyncio.get_running_loop())._jump.now += 2 * DEADLINE
    assert isinstance((await read)["k"], Unreached)
    assert time() <= 8 * DEADLINE


# -- closing


async def test_closing_ends_what_is_under_way_and_what_waits(
    carrier: Carrier, store: SlowStore
) -> None:
    store.hang()
    tasks: list[asyncio.Task[Any]] = [
        reading(carrier, *KEYS),
        writing(carrier, *map(mark, KEYS)),
    ]
    await ticks(3)
    await carrier.close()
    found, outcomes = await ends(*tasks)
    assert {type(entry) for entry in found.values()} == {Unreached}
    assert outcomes == [UNREACHED] * len(KEYS)
    assert time() == 0.0


@pytest.mark.parametrize("after", range(6))
async def test_who_asked_a_cache_that_is_closed_is_told_so(
    caches: Caches, store: SlowStore, after: int
) -> None:
    cache = caches(store)
    await cache.open()
    store.hang()
    calls = [start(cache.get(key)) for key in KEYS[: MOST + 5]]
    await ticks(after)
    await cache.close()
    assert {type(end) for end in await ends(*calls)} == {CacheClosedError}


async def test_a_write_that_closing_ends_is_told_so(caches: Caches, store: SlowStore) -> None:
    cache = caches(store)
    await cache.open()
    store.hang()
    write = start(cache._engine.store.write([mark("k")], ON_LOOP))
    await ticks(3)
    await cache.close()
    assert isinstance((await ends(write))[0], CacheClosedError)


async def test_closing_waits_for_what_nobody_waits_for(caches: Caches, store: SlowStore) -> None:
    cache = caches(store)
    await cache.open()
    store.delay = DEADLINE / 2
    cache._engine.store.later([mark("k")])
    await ticks(3)
    await cache.close()
    assert store.shelf.keys(Kind.PASS) == ["k"]
    assert store.cancelled == 0
    assert cache._engine.store._later == set()


class LocalStore(SlowStore):
    """One that suspends and yet is of this process."""

    suspends = True

    def capability(self, wanted: Capability[C]) -> C | None:
        own: dict[Capability[Any], object] = {LOCAL: self}
        return offer(wanted, own) or super().capability(wanted)


async def test_a_store_of_this_process_has_no_deadline(caches: Caches) -> None:
    store = LocalStore(caches.shelf)
    cache = caches(store)
    await cache.set("k", 1)
    store.delay = 20 * DEADLINE
    await cache.set("k", 2)
    assert await cache.get("k") == 2
    await cache.invalidate(Prefix("k"))
    assert await cache.get("k") is None
    assert cache.stats().unreached == 0


async def test_what_is_set_is_there_however_many_are_set(caches: Caches, store: SlowStore) -> None:
    """R4: the stubs of the last do not wait, and end, until the values of the first are there."""
    cache = caches(store)
    store.delay = DEADLINE / 2
    await cache.set_many(dict.fromkeys(KEYS, 1))
    store.delay = 0.0
    assert await cache.get_many(KEYS) == dict.fromkeys(KEYS, 1)


async def test_what_was_not_set_is_named_in_few_words(caches: Caches, store: SlowStore) -> None:
    many = dict.fromkeys((f"{n}" for n in range(10 * MOST)), 1)
    cache = caches(store)
    await cache.open()
    store.hang()
    with pytest.raises(InvalidationError) as raised:
        await cache.set_many(many)
    assert raised.value.unreached == tuple(f"Key({key!r})" for key in many)
    assert len(str(raised.value)) < 500
    assert time() == pytest.approx(DEADLINE)
