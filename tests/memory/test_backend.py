"""What a key holds, for how long, and on what condition it changes."""

import gc
import sys
import weakref
from types import FrameType
from typing import Any

import pytest

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    LOCAL,
    PEEK,
    REFUSED,
    Capability,
    Condition,
    Write,
)
from cachekit.entry import Entry, Kind
from cachekit.testing.clock import FakeClock
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction
from tests.memory.by_hand import POLICIES, drive, forget, peeking, read, tag, value, write

ENTRIES = [Kind.VALUE, Kind.STUB, Kind.PASS, Kind.TAG]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(monotonic=1000.0)


@pytest.fixture(params=POLICIES)
def backend(request: pytest.FixtureRequest, clock: FakeClock) -> MemoryBackend:
    policy: Eviction = request.param
    return MemoryBackend(policy=policy, clock=clock)


@pytest.mark.parametrize("kind", ENTRIES)
def test_what_was_written_is_read(backend: MemoryBackend, kind: Kind) -> None:
    entry = Entry(kind)
    assert write(backend, "k", entry) is DONE
    assert read(backend, "k") is entry
    assert write(backend, "k", None) is DONE
    assert read(backend, "k") is None


def test_absent_keys_are_absent_from_the_answer(backend: MemoryBackend) -> None:
    write(backend, "a", value())
    assert list(drive(backend.read(["a", "b"]))) == ["a"]
    assert drive(backend.read([])) == {}


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize(
    ("expected", "on_nothing", "on_version_5"),
    [(ANY, DONE, DONE), (ABSENT, DONE, REFUSED), (5, REFUSED, DONE), (6, REFUSED, REFUSED)],
)
def test_conditions(
    backend: MemoryBackend,
    kind: Kind,
    expected: int | Condition,
    on_nothing: object,
    on_version_5: object,
) -> None:
    for after in (Entry(kind, version=7), None):
        assert write(backend, "never", after, expected) is on_nothing
        write(backend, "k", Entry(kind, version=5))
        assert write(backend, "k", after, expected) is on_version_5
        wanted = Entry(kind, version=5) if on_version_5 is REFUSED else after
        found = read(backend, "k")
        assert (found and found.version) == (wanted and wanted.version)
        write(backend, "never", None)


def test_writes_of_a_batch_are_applied_in_order(backend: MemoryBackend) -> None:
    first, second = value(version=1), value(version=2)
    writes = [Write("k", first, ABSENT), Write("k", second, 1), Write("k", None, 1)]
    assert drive(backend.write(writes)) == [DONE, DONE, REFUSED]
    assert read(backend, "k") is second


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_is_kept_as_long_as_it_says(
    backend: MemoryBackend, clock: FakeClock, kind: Kind
) -> None:
    write(backend, "k", Entry(kind, version=5, keep=2.0))
    clock.advance(1.999)
    assert read(backend, "k") is not None
    clock.advance(0.001)
    assert write(backend, "k", Entry(kind), 5) is REFUSED
    assert read(backend, "k") is None
    assert write(backend, "k", Entry(kind), ABSENT) is DONE


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_that_says_nothing_is_kept_for_good(
    backend: MemoryBackend, clock: FakeClock, kind: Kind
) -> None:
    entry = Entry(kind, version=5)
    write(backend, "k", entry)
    clock.advance(1e9)
    assert read(backend, "k") is entry


@pytest.mark.parametrize("kind", ENTRIES)
def test_writing_the_same_entry_again_renews_it(
    backend: MemoryBackend, clock: FakeClock, kind: Kind
) -> None:
    entry = Entry(kind, version=5, keep=2.0)
    write(backend, "k", entry, ABSENT)
    for _ in range(5):
        clock.advance(1.5)
        assert write(backend, "k", entry, 5) is DONE
    assert read(backend, "k") is entry
    entry.keep = None
    write(backend, "k", entry, 5)
    clock.advance(1e9)
    assert read(backend, "k") is entry


@pytest.mark.parametrize("before", ENTRIES)
@pytest.mark.parametrize("after", ENTRIES)
def test_a_key_holds_one_thing(
    backend: MemoryBackend, clock: FakeClock, before: Kind, after: Kind
) -> None:
    write(backend, "k", Entry(before, version=5, keep=1.0))
    assert write(backend, "k", Entry(after, version=6, keep=3.0), 5) is DONE
    clock.advance(1.0)
    found = read(backend, "k")
    assert found is not None
    assert (found.kind, found.version) == (after, 6)
    assert len(backend) == (after is Kind.VALUE)
    assert (peeking(backend).peek("k") is found) == (after is Kind.VALUE)
    write(backend, "k", None)
    assert read(backend, "k") is None


@pytest.mark.parametrize("kind", [Kind.STUB, Kind.PASS, Kind.TAG])
def test_only_values_are_peeked_at(backend: MemoryBackend, kind: Kind) -> None:
    write(backend, "k", Entry(kind))
    assert peeking(backend).peek("k") is None


def test_a_peek_sees_what_is_written(backend: MemoryBackend) -> None:
    old, new = value(), value()
    peek = peeking(backend).peek
    assert peek("k") is backend.peek("k") is None
    write(backend, "k", old)
    assert peek("k") is backend.peek("k") is old
    write(backend, "k", new)
    assert peek("k") is new
    write(backend, "k", None)
    assert peek("k") is None


@pytest.mark.parametrize("policy", ["tinylfu", "s3fifo"])
def test_on_queues_a_peek_is_one_call_and_takes_no_lock(policy: Eviction) -> None:
    backend = MemoryBackend(policy=policy)
    entry = value()
    write(backend, "k", entry)
    peek = peeking(backend).peek
    calls: list[str] = []

    def count(frame: FrameType, event: str, arg: Any) -> None:
        if event in ("call", "c_call"):
            calls.append(arg.__name__ if event == "c_call" else frame.f_code.co_name)

    for _ in range(5):
        calls.clear()
        sys.setprofile(count)
        found = peek("k")
        sys.setprofile(None)
        assert found is entry
        assert calls == ["peek", "get", "setprofile"]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_overdue_is_swept_without_being_looked_at(
    policy: Eviction, clock: FakeClock
) -> None:
    backend = MemoryBackend(max_entries=None, policy=policy, clock=clock)
    kinds = [Kind.VALUE, Kind.STUB, Kind.PASS]
    old = [Entry(kinds[number % 3], keep=5.0) for number in range(300)]
    gone = [weakref.ref(entry) for entry in old]
    for number, entry in enumerate(old):
        write(backend, f"old:{number}", entry)
    del old, entry
    clock.advance(5.0)
    for number in range(300 // 32 + 1):
        write(backend, f"new:{number}", value())
    gc.collect()
    assert [ref for ref in gone if ref()] == []
    assert len(backend) == 10
    assert backend.evictions == 0


def test_expired_entries_do_not_pile_up(backend: MemoryBackend, clock: FakeClock) -> None:
    for number in range(5_000):
        write(backend, f"k{number}", Entry(Kind.STUB, keep=2.0))
        clock.advance(0.1)
        assert len(backend._beside) <= 21


def test_a_sweep_makes_room_before_anything_is_evicted(clock: FakeClock) -> None:
    backend = MemoryBackend(max_entries=10, clock=clock)
    for number in range(10):
        write(backend, f"old:{number}", value(keep=1.0))
    clock.advance(1.0)
    for number in range(10):
        write(backend, f"new:{number}", value(keep=1.0))
    assert (len(backend), backend.evictions) == (10, 0)


def test_prefixes_are_forgotten_whatever_is_there(backend: MemoryBackend) -> None:
    for kind in ENTRIES:
        for prefix in ("a:", "b:", "c:"):
            write(backend, f"{prefix}{kind.name}", Entry(kind))
    assert forget(backend, "a:", "b:V") is DONE
    left = {"b:STUB", "b:PASS", "b:TAG", "c:VALUE", "c:STUB", "c:PASS", "c:TAG"}
    every = [f"{prefix}{kind.name}" for kind in ENTRIES for prefix in ("a:", "b:", "c:")]
    assert drive(backend.read(every)).keys() == left
    assert peeking(backend).peek("a:VALUE") is None
    forget(backend)
    assert drive(backend.read(every)).keys() == left
    forget(backend, "")
    assert drive(backend.read(every)) == {}
    assert len(backend) == 0


def test_a_tag_forgotten_by_prefix_is_dead(backend: MemoryBackend) -> None:
    write(backend, "t:a", tag(1))
    entry = value(tags={"t:a": 1})
    write(backend, "v:k", entry)
    forget(backend, "t:")
    assert not entry.holds()


def test_what_it_can_do(backend: MemoryBackend) -> None:
    local = backend.capability(LOCAL)
    assert local is not None
    assert not local.suspends
    assert backend.capability(PEEK) is not None
    assert backend.capability(Capability[object]("unheard of")) is None


def test_an_empty_backend_is_still_one(backend: MemoryBackend) -> None:
    assert len(backend) == 0
    assert bool(backend)


async def test_what_was_closed_is_empty_and_can_be_used_again(backend: MemoryBackend) -> None:
    await backend.open()
    write(backend, "k", value())
    await backend.close()
    await backend.open()
    assert read(backend, "k") is None
    write(backend, "k", entry := value())
    assert read(backend, "k") is entry


def test_a_backend_that_nobody_uses_goes_away_at_once() -> None:
    backend = MemoryBackend()
    gone = weakref.ref(backend)
    del backend
    assert gone() is None


def test_a_value_whose_end_uses_the_cache_does_not_lock_up(backend: MemoryBackend) -> None:
    class Last:
        def __del__(self) -> None:
            write(backend, "ended", value())

    entry = Entry(Kind.VALUE).keeping(Last(), share=True)
    write(backend, "k", entry)
    del entry
    write(backend, "k", value())
    assert read(backend, "ended") is not None
