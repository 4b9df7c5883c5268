"""What was read the last time is not read anew while its bytes are the same."""

from cachekit.decoding import SMALL
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.clock import FakeClock
from cachekit_redis import RedisBackend
from cachekit_redis.reading import Reading

LIFE, OTHER_LIFE = b"one life", b"a second"


def value(payload: bytes, clock: FakeClock, ttl: float = 60.0) -> Entry:
    entry = Entry(Kind.VALUE, version=1, tags={"t:~home": 7})
    entry.freshen(ttl, clock)
    entry.codec, entry.payload = "msgpack", payload
    return entry


def read(what: Reading, key: str, entry: Entry, life: bytes = LIFE) -> Entry:
    found = what.entries([key], [(life + pack(key, entry), life)])[0][key]
    assert isinstance(found, Entry)
    return found


def test_the_same_bytes_are_read_twice_and_then_known() -> None:
    clock = FakeClock()
    one, entry = Reading(clock), value(b"payload", clock)
    first, second, third = [read(one, "v:a", entry) for _ in range(3)]
    assert first is not second
    assert second is third
    assert third is not read(one, "v:b", entry)


def test_other_bytes_are_read_anew() -> None:
    clock = FakeClock()
    one = Reading(clock)
    assert read(one, "v:a", value(b"old", clock)).payload == b"old"
    assert read(one, "v:a", value(b"new", clock)).payload == b"new"
    assert read(one, "v:a", value(b"old", clock)).payload == b"old"


def test_what_is_of_another_life_is_absent_though_its_bytes_are_known() -> None:
    clock = FakeClock()
    one, data = Reading(clock), LIFE + pack("v:a", value(b"payload", clock))
    for _ in range(3):
        assert one.entries(["v:a"], [(data, LIFE)])[0]
    assert one.entries(["v:a"], [(data, OTHER_LIFE)]) == ({}, [])
    assert one.entries(["v:a"], [(None, LIFE)]) == ({}, [])


class Clocks(FakeClock):
    def set_forward(self, seconds: float) -> None:
        """Somebody corrects the time of day."""
        self._time += seconds


def test_how_fresh_it_is_is_worked_out_at_each_read() -> None:
    clock = Clocks()
    one, entry = Reading(clock), value(b"payload", clock, ttl=60.0)
    clock.advance(30.0)
    for _ in range(3):
        assert read(one, "v:a", entry).fresh_until == 60.0
    clock.set_forward(10.0)
    assert read(one, "v:a", entry).fresh_until == 50.0


def test_what_was_written_by_a_clock_that_is_ahead_begins_to_age_when_its_time_has_come() -> None:
    ahead, clock = FakeClock(), FakeClock()
    ahead.advance(10.0)
    one, entry = Reading(clock), value(b"payload", ahead, ttl=60.0)
    for _ in range(3):
        assert read(one, "v:a", entry).fresh_until == 60.0
    clock.advance(5.0)
    assert read(one, "v:a", entry).fresh_until == 65.0
    clock.advance(10.0)
    assert read(one, "v:a", entry).fresh_until == 70.0
    clock.advance(10.0)
    assert read(one, "v:a", entry).fresh_until == 70.0


def test_who_could_not_decode_it_has_not_put_an_end_to_it() -> None:
    """Another cache of the same backend may have the key to it."""
    clock = FakeClock()
    one, entry = Reading(clock), value(b"payload", clock, ttl=60.0)
    for _ in range(3):
        read(one, "v:a", entry).expire()
    assert read(one, "v:a", entry).fresh_until == 60.0


def test_what_is_large_is_read_anew() -> None:
    clock = FakeClock()
    one, large = Reading(clock), value(bytes(SMALL), clock)
    assert len({id(entry) for entry in [read(one, "v:a", large) for _ in range(4)]}) == 4


async def test_a_backend_that_was_closed_remembers_nothing() -> None:
    clock = FakeClock()
    backend = RedisBackend("redis://localhost:1", clock=clock)
    entry = value(b"payload", clock)
    *_, known = [read(backend._reading, "v:a", entry) for _ in range(3)]
    assert read(backend._reading, "v:a", entry) is known
    await backend.close()
    assert read(backend._reading, "v:a", entry) is not known


def test_a_mark_is_a_mark_again() -> None:
    one, stub = Reading(FakeClock()), Entry(Kind.STUB, version=5)
    again = [read(one, "v:a", stub) for _ in range(3)]
    assert [(entry.kind, entry.version, entry.serves(0.0)) for entry in again] == [
        (Kind.STUB, 5, False)
    ] * 3
