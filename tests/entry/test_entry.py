"""What an entry says of itself."""

from math import inf
from typing import Any

import pytest

from cachekit.codec import Codec
from cachekit.entry import UNLINKED, Entry, Kind, new_version
from cachekit.errors import EncodeError
from cachekit.testing.clock import FakeClock


class Repr:
    """A serializer whose bytes say that they were read."""

    id = "repr"
    fingerprint = b""

    def dumps(self, value: Any) -> bytes:
        return repr(value).encode()

    def loads(self, data: bytes) -> Any:
        return ["read", data]


def fresh(**tags: int) -> Entry:
    entry = Entry(Kind.VALUE, tags=tags)
    entry.fresh_until = entry.serves_until = 100.0
    return entry


def record(version: int) -> Entry:
    return Entry(Kind.TAG, version=version)


def test_versions_are_63_random_bits() -> None:
    versions = {new_version() for _ in range(1000)}
    assert len(versions) == 1000
    assert all(0 <= version < 2**63 for version in versions)
    assert max(versions) > 2**62
    assert Entry(Kind.STUB).version != Entry(Kind.STUB).version


def test_it_serves_until_its_time() -> None:
    entry = fresh()
    assert entry.serves(99.9)
    assert not entry.serves(100.0)
    assert not Entry(Kind.VALUE).serves(-1e300)


def test_a_tagged_entry_serves_nobody_until_it_is_linked() -> None:
    entry = fresh(a=5)
    assert entry.links is UNLINKED
    assert not entry.serves(0.0)
    assert not entry.holds()
    entry.link({"a": record(5)})
    assert entry.links is not UNLINKED
    assert entry.serves(0.0)
    assert entry.holds()


def test_a_tag_that_moves_in_place_ends_it() -> None:
    records = {"a": record(5), "b": record(6)}
    entry = fresh(a=5, b=6)
    entry.link(records)
    assert entry.serves(0.0)
    records["b"].version = 7
    assert not entry.serves(0.0)
    assert not entry.holds()


@pytest.mark.parametrize("version", [0, 1, 2**63 - 1, 2**64 - 1])
def test_a_tag_without_a_record_is_dead_whatever_its_version(version: int) -> None:
    entry = fresh(a=version)
    entry.link({"b": record(version)})
    assert not entry.serves(0.0)
    assert not entry.holds()


def test_stale_it_may_still_hold() -> None:
    entry = fresh(a=5)
    entry.link({"a": record(5)})
    assert not entry.serves(100.0)
    assert entry.holds()


def test_carrying_other_tags_unlinks() -> None:
    entry = fresh(a=5)
    entry.link({"a": record(5)})
    entry.carry({"b": 6})
    assert entry.links is UNLINKED
    assert not entry.serves(0.0)
    entry.carry({})
    assert entry.serves(0.0)


def test_freshen() -> None:
    clock = FakeClock(monotonic=10.0)
    entry = Entry(Kind.VALUE)
    entry.freshen(5.0, clock)
    assert (entry.fresh_until, entry.ttl, entry.born) == (15.0, 5.0, clock.time())
    entry.freshen(None, clock)
    assert (entry.fresh_until, entry.ttl) == (inf, None)


def served(entry: Entry) -> Any:
    return Codec(Repr()).open("k", entry)


@pytest.mark.parametrize("value", [None, 0, "", (), [], {}, [1, [2]], object])
def test_the_face_that_is_served(value: Any) -> None:
    entry = Entry(Kind.VALUE).keeping(value, share=False)
    assert served(entry) == value
    assert (served(entry) is value) == (not isinstance(value, (list, dict)))


def test_what_is_kept_comes_before_the_bytes_for_who_has_opened_them() -> None:
    codec, entry = Codec(Repr()), Entry(Kind.VALUE)
    entry.payload = b"bytes"
    assert entry.keep_open(codec, [1], share=False)
    assert codec.open("k", entry) == [1]
    assert codec.open("k", entry) is not codec.open("k", entry)


@pytest.mark.parametrize("value", ["x", [1, [2]], {"a": [{}]}, ("x",) * 100])
def test_what_was_read_often_is_kept(value: Any) -> None:
    codec, entry = Codec(Repr()), Entry(Kind.VALUE)
    entry.payload = b"bytes"
    entry.keep_read(codec, value)
    assert codec.open("k", entry) == value
    assert (codec.open("k", entry) is value) == isinstance(value, (str, tuple))


@pytest.mark.parametrize(
    "value",
    [[[] for _ in range(20)], "x" * 5000, ["x" * 5000], {"a": bytes(5000)}, ([],) * 17, object()],
    ids=lambda value: type(value).__name__,
)
def test_what_takes_much_to_keep_or_to_copy_is_opened_each_time(value: Any) -> None:
    """There may be thousands of it, and many small containers are decoded sooner than copied."""
    codec, entry = Codec(Repr()), Entry(Kind.VALUE)
    entry.payload = b"bytes"
    entry.keep_read(codec, value)
    assert codec.open("k", entry) == ["read", b"bytes"]
    entry.keep_read(codec, "small")  # that is settled
    assert codec.open("k", entry) == ["read", b"bytes"]


def test_the_first_who_has_read_it_often_keeps_it() -> None:
    """Two caches may have codecs that are alike: neither is given what the other has made."""
    one, other, entry = Codec(Repr()), Codec(Repr()), Entry(Kind.VALUE)
    entry.payload = b"bytes"
    entry.keep_read(one, ["one"])
    entry.keep_read(other, "other")
    assert one.open("k", entry) == ["one"]
    assert other.open("k", entry) == ["read", b"bytes"]


def test_others_open_the_bytes_themselves() -> None:
    entry = Entry(Kind.VALUE)
    entry.payload = b"bytes"
    assert entry.keep_open(Codec(Repr()), [1], share=False)
    assert Codec(Repr()).open("k", entry) == ["read", b"bytes"]
    assert Codec(Repr()).open("k", entry.twin()) == ["read", b"bytes"]


def test_what_cannot_be_copied_is_opened_each_time() -> None:
    codec, entry = Codec(Repr()), Entry(Kind.VALUE)
    entry.payload = b"bytes"
    assert not entry.keep_open(codec, memoryview(b""), share=False)
    assert codec.open("k", entry) == ["read", b"bytes"]


def test_bytes_are_read_if_that_is_all_there_is() -> None:
    entry = Entry(Kind.VALUE)
    entry.payload = b"bytes"
    assert Codec(Repr()).open("k", entry) == ["read", b"bytes"]


def test_shared_and_copied() -> None:
    value = [1]
    assert served(Entry(Kind.VALUE).keeping(value, share=True)) is value
    assert served(Entry(Kind.VALUE).keeping(value, share=False)) is not value
    with pytest.raises(EncodeError, match="share=True"):
        Entry(Kind.VALUE).keeping(memoryview(b""), share=False)


def test_it_shows_what_it_is_in_few_words() -> None:
    assert repr(Entry(Kind.STUB, version=255, tags={"t:a": 1})) == "<stub ff tags=['t:a']>"
