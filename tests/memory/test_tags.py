"""Tag records: changed and killed in place, and gone when nothing names them."""

import gc
import weakref

import pytest

from cachekit.backend import ABSENT, DONE, REFUSED
from cachekit.entry import DEAD, Entry, Kind
from cachekit.testing.clock import FakeClock
from cachekit_memory import MemoryBackend
from cachekit_memory.tags import HELD, SHARED
from tests.memory.by_hand import POLICIES, peeking, read, tag, value, write


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=POLICIES)
def backend(request: pytest.FixtureRequest, clock: FakeClock) -> MemoryBackend:
    return MemoryBackend(policy=request.param, clock=clock)


def tagged(backend: MemoryBackend, key: str = "v:k", kind: Kind = Kind.VALUE) -> Entry:
    """An entry that carries what the tags `t:a` and `t:b` are at."""
    now = {name: record.version for name in ("t:a", "t:b") if (record := read(backend, name))}
    entry = Entry(kind, tags=now)
    entry.fresh_until = entry.serves_until = float("inf")
    write(backend, key, entry)
    return entry


def write_others(backend: MemoryBackend, count: int) -> None:
    """So many tags that nothing names."""
    for number in range(count):
        write(backend, f"t:{number}", tag(number))


@pytest.fixture
def entry(backend: MemoryBackend) -> Entry:
    write(backend, "t:a", tag(1))
    write(backend, "t:b", tag(2))
    return tagged(backend)


def test_an_entry_holds_while_its_tags_are_at_its_versions(
    backend: MemoryBackend, entry: Entry
) -> None:
    assert entry.holds()
    write(backend, "t:b", tag(3))
    assert not entry.holds()
    write(backend, "t:b", tag(2))
    assert entry.holds()


@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB, Kind.PASS])
def test_one_write_of_a_tag_invalidates_all_that_carry_it(
    backend: MemoryBackend, entry: Entry, kind: Kind
) -> None:
    entries = [tagged(backend, f"v:{number}", kind) for number in range(10)]
    assert all(one.holds() for one in entries)
    write(backend, "t:a", tag(9))
    assert not any(one.holds() for one in entries)


def test_a_hit_needs_no_look_up_to_see_it(backend: MemoryBackend, entry: Entry) -> None:
    peek = peeking(backend).peek
    assert peek("v:k") is entry
    assert entry.serves(0.0)
    write(backend, "t:a", tag(9))
    assert peek("v:k") is entry
    assert not entry.serves(0.0)


def test_a_missing_record_makes_an_entry_invalid_from_the_start(backend: MemoryBackend) -> None:
    entry = value(tags={"t:never": 1})
    assert write(backend, "v:k", entry) is DONE
    assert not entry.holds()


def test_a_version_that_changed_before_the_write_does_too(backend: MemoryBackend) -> None:
    write(backend, "t:a", tag(2))
    entry = value(tags={"t:a": 1})
    write(backend, "v:k", entry)
    assert not entry.holds()


def test_the_first_record_written_is_the_live_one(backend: MemoryBackend) -> None:
    first, second = tag(1), tag(2)
    write(backend, "t:a", first)
    assert write(backend, "t:a", second, ABSENT) is REFUSED
    assert read(backend, "t:a") is first
    assert first.version == 1
    assert write(backend, "t:a", second) is DONE
    assert read(backend, "t:a") is first
    assert (first.version, second.version) == (2, 2)
    write(backend, "t:a", tag(3), 2)
    assert (first.version, second.version) == (3, 2)


def test_a_deleted_record_is_dead_in_place(backend: MemoryBackend, entry: Entry) -> None:
    write(backend, "t:a", None)
    assert not entry.holds()
    assert read(backend, "t:a") is None
    write(backend, "t:a", tag(1))
    assert not entry.holds()
    assert tagged(backend).holds()


def test_a_dead_record_has_no_version_that_could_match_a_missing_one(
    backend: MemoryBackend, entry: Entry
) -> None:
    """Who read it just before, and copies its version just after, carries what nothing has."""
    record = read(backend, "t:a")
    assert record is not None
    write(backend, "t:a", None)
    assert record.version != DEAD.version
    late = value(tags={"t:a": record.version})
    write(backend, "v:late", late)
    assert not late.holds()


@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB, Kind.PASS])
def test_a_record_replaced_by_something_else_is_dead(
    backend: MemoryBackend, entry: Entry, kind: Kind
) -> None:
    write(backend, "t:a", Entry(kind))
    assert not entry.holds()


def test_a_record_past_its_time_is_dead_when_that_is_noticed(
    backend: MemoryBackend, clock: FakeClock
) -> None:
    write(backend, "t:a", tag(1, keep=5.0))
    entry = tagged(backend)
    clock.advance(5.0)
    again = value(tags={"t:a": 1})
    write(backend, "v:again", again)
    assert not entry.holds()
    assert not again.holds()
    assert write(backend, "t:a", tag(1), ABSENT) is DONE
    assert not entry.holds()


def test_renewing_a_record_keeps_what_carries_it(backend: MemoryBackend, clock: FakeClock) -> None:
    record = tag(1, keep=5.0)
    write(backend, "t:a", record)
    entry = tagged(backend)
    for _ in range(5):
        clock.advance(4.0)
        assert write(backend, "t:a", record, 1) is DONE
    assert read(backend, "t:a") is record
    assert entry.holds()


def test_a_record_stays_while_an_entry_names_it(backend: MemoryBackend) -> None:
    write(backend, "t:a", tag(1))
    tagged(backend)
    write_others(backend, HELD)
    assert read(backend, "t:a") is not None


def test_a_record_that_nothing_names_goes_in_the_end(backend: MemoryBackend) -> None:
    record = tag(1)
    gone = weakref.ref(record)
    write(backend, "t:a", record)
    del record
    write_others(backend, HELD - 1)
    assert gone() is not None
    write(backend, "t:last", tag(1))
    assert gone() is None
    assert read(backend, "t:a") is None


def test_what_takes_over_the_last_entry_that_names_a_tag_still_finds_it(
    backend: MemoryBackend,
) -> None:
    write(backend, "t:a", tag(1))
    tagged(backend)
    write_others(backend, HELD)
    stub = Entry(Kind.STUB, tags={"t:a": 1})
    write(backend, "v:k", stub)
    assert stub.holds()


def test_a_record_just_read_is_found_by_what_is_written_next(backend: MemoryBackend) -> None:
    write(backend, "t:a", tag(1))
    tagged(backend)
    write_others(backend, HELD)
    assert read(backend, "t:a") is not None
    write(backend, "v:k", None)  # evicted, say: nothing names the tag now
    stub = Entry(Kind.STUB, tags={"t:a": 1})
    write(backend, "v:other", stub)
    assert stub.holds()


def test_values_never_drive_out_stubs_passes_or_tags(clock: FakeClock) -> None:
    backend = MemoryBackend(max_entries=5, clock=clock)
    beside = [Entry(kind) for kind in (Kind.STUB, Kind.PASS, Kind.TAG) for _ in range(20)]
    for number, entry in enumerate(beside):
        write(backend, f"beside:{number}", entry)
    for number in range(100):
        write(backend, f"v:{number}", value())
    assert (len(backend), backend.evictions) == (5, 95)
    assert [read(backend, f"beside:{n}") for n in range(len(beside))] == beside


def test_entries_that_carry_the_same_share_what_they_carry(backend: MemoryBackend) -> None:
    write_others(backend, 2)
    carried = {"t:0": 0, "t:1": 1}
    first, second, other = value(tags={**carried}), value(tags={**carried}), value(tags={"t:1": 1})
    for number, entry in enumerate((first, second, other)):
        write(backend, f"v:{number}", entry)
    assert first.tags is second.tags
    assert first.links is second.links
    assert other.links[0] is first.links[1]
    assert all(entry.holds() for entry in (first, second, other))


def test_the_order_of_tags_is_kept_since_it_says_which_were_declared(
    backend: MemoryBackend,
) -> None:
    for tags in ({"t:0": 0, "t:1": 0}, {"t:1": 0, "t:0": 0}):
        entry = value(tags={**tags})
        write(backend, f"v:{[*tags]}", entry)
        assert [*entry.tags] == [*tags]


def test_what_is_shared_follows_the_versions(backend: MemoryBackend) -> None:
    write(backend, "t:a", tag(1))
    old = value(tags={"t:a": 1})
    write(backend, "v:old", old)
    write(backend, "t:a", tag(2))
    new = value(tags={"t:a": 2})
    write(backend, "v:new", new)
    assert (old.holds(), new.holds()) == (False, True)


def test_what_is_remembered_to_be_shared_is_bounded(backend: MemoryBackend) -> None:
    write_others(backend, SHARED)
    for number in range(SHARED):
        write(backend, f"v:{number}", value(tags={f"t:{number}": number}))
        assert len(backend._tags._shared) <= SHARED


def test_the_garbage_collector_has_two_objects_of_an_entry_to_look_at() -> None:
    """A full collection walks them all, within one call of whoever sets then."""
    backend = MemoryBackend(max_entries=None)
    write(backend, "t:a", tag(1))
    before = len(gc.get_objects())
    for number in range(1000):
        write(backend, f"v:{number}", value("x", keep=60.0, tags={"t:a": 1}))
    gc.collect()
    assert len(gc.get_objects()) - before < 2100
