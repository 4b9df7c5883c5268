"""Entries as bytes, and what becomes of bytes that are none."""

import struct
import zlib
from itertools import count
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.entry import UNLINKED, Entry, Kind
from cachekit.envelope import FORMAT, VERSION_AT, pack, unpack
from cachekit.errors import UnreadableError
from cachekit.testing.clock import FakeClock
from tests.entry.golden import FOLDERS, GOLDEN

VERSIONS = st.integers(0, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


def value(payload: bytes = b"payload", **changes: Any) -> Entry:
    """An entry as a fill makes it."""
    entry = Entry(Kind.VALUE, version=0x1122334455667788, tags=changes.pop("tags", {}))
    entry.born, entry.ttl, entry.load_time = 1_700_000_000.0, 60.0, 0.5
    entry.codec, entry.schema, entry.payload = "msgpack", b"\x01\x02", payload
    for name, change in changes.items():
        setattr(entry, name, change)
    return entry


def facts(entry: Entry) -> tuple[Any, ...]:
    """What bytes must bring back."""
    named = (entry.kind, entry.version, list(entry.tags.items()), entry.declared, entry.born)
    spans = (entry.ttl, entry.stale_while_revalidate, entry.stale_if_error, entry.load_time)
    return *named, *spans, entry.codec, entry.revision, entry.schema, entry.payload


def with_checksum(body: bytes) -> bytes:
    return body + struct.pack(">I", zlib.crc32(body))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(Kind))
    entry = Entry(kind, version=draw(VERSIONS), tags=draw(st.dictionaries(TEXT, VERSIONS)))
    entry.born = draw(st.floats(allow_nan=False, allow_infinity=False))
    if kind is Kind.VALUE:
        entry.ttl = draw(st.one_of(st.none(), st.floats(0, 1e12)))
        entry.load_time = draw(st.floats(0, 65_504, width=16))
        entry.stale_while_revalidate = draw(st.floats(0, 1e9))
        entry.stale_if_error = draw(st.floats(0, 1e9))
        entry.revision = draw(st.text(max_size=60))
        entry.codec = draw(st.text(st.characters(codec="ascii"), min_size=1, max_size=32))
        entry.schema = draw(st.binary(max_size=16))
        entry.payload = draw(st.binary())
    if entry.tags:
        entry.declared = draw(st.integers(0, len(entry.tags)))
    return entry


@given(TEXT, entries())
def test_any_entry_comes_back(key: str, entry: Entry) -> None:
    made = unpack(key, pack(key, entry), FakeClock())
    expected = facts(entry) if entry.kind is Kind.VALUE else (*facts(entry)[:-4], "", "", b"", None)
    assert facts(made) == expected
    assert (made.links is UNLINKED) == bool(entry.tags)


def test_it_is_as_fresh_as_it_was() -> None:
    clock = FakeClock(monotonic=100.0, time=1_700_000_010.0)
    made = unpack("k", pack("k", value()), clock)
    assert made.fresh_until == 150.0
    assert made.serves(149.9)
    assert not made.serves(150.0)


def test_without_a_ttl_it_stays_fresh() -> None:
    made = unpack("k", pack("k", value(ttl=None)), FakeClock())
    assert made.ttl is None
    assert made.serves(1e15)


def test_what_another_host_says_is_born_later_is_born_now() -> None:
    clock = FakeClock(monotonic=100.0, time=1_600_000_000.0)
    assert unpack("k", pack("k", value()), clock).fresh_until == 160.0


def test_stubs_passes_and_tag_records_serve_nobody() -> None:
    for kind in (Kind.STUB, Kind.PASS, Kind.TAG):
        entry = Entry(kind, version=5)
        entry.ttl, entry.load_time = 60.0, 1.0
        made = unpack("k", pack("k", entry), FakeClock())
        assert (made.kind, made.version, made.ttl, made.load_time) == (kind, 5, None, 0.0)
        assert not made.serves(0.0)


def test_the_version_is_where_scripts_compare_it() -> None:
    for tags in ({}, {"t:a": 1, "t:b": 2}):
        data = pack("k", value(tags=tags))
        assert data[VERSION_AT : VERSION_AT + 8] == bytes.fromhex("1122334455667788")


SEVERAL: list[tuple[str, Entry]] = [
    ("v:a", value()),
    ("v:b", value(b"", tags={"t:one": 7, "t:two": 2**63 - 1})),
    ("v:tagged", value(schema=b"", tags={"t:one": 7})),
    ("v:flags", value(tags={"t:one": 7}, declared=0, revision="2", stale_if_error=9.0)),
    ("v:c", value(bytes(range(256)), ttl=None, tags={"t:é": 0})),
    ("t:d", Entry(Kind.TAG, version=2**63 - 1)),
    ("v:e", Entry(Kind.STUB, version=0, tags={"t:one": 7})),
]


@pytest.mark.parametrize(("key", "entry"), SEVERAL)
def test_every_flipped_bit_is_noticed(key: str, entry: Entry) -> None:
    data = pack(key, entry)
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(UnreadableError, match=key):
                unpack(key, bytes(flipped), FakeClock())


@pytest.mark.parametrize(("key", "entry"), SEVERAL)
def test_every_truncation_is_noticed(key: str, entry: Entry) -> None:
    data = pack(key, entry)
    for end in range(len(data)):
        with pytest.raises(UnreadableError):
            unpack(key, data[:end], FakeClock())


@pytest.mark.parametrize(("key", "entry"), SEVERAL)
def test_a_truncation_with_a_right_checksum_is_noticed(key: str, entry: Entry) -> None:
    data = pack(key, entry)[:-4]
    for end in range(len(data)):
        if end >= len(data) - len(entry.payload or b"") and entry.payload:
            continue  # a shorter payload is for the serializer to notice
        with pytest.raises(UnreadableError):
            unpack(key, with_checksum(data[:end]), FakeClock())


@given(st.binary())
def test_garbage_is_unreadable(data: bytes) -> None:
    for garbage in (data, b"ck" + data, with_checksum(b"ck\x01\x01" + data)):
        with pytest.raises(UnreadableError):
            unpack("k", garbage, FakeClock())


@pytest.mark.parametrize("tags", [{}, {"t:one": 7}, {"t:one": 7, "t:two": 8}])
@given(data=st.data())
def test_damage_under_a_right_checksum_is_no_crash(tags: Any, data: st.DataObject) -> None:
    body = bytearray(pack("v:b", value(tags=tags))[:-4])
    for _ in range(3):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        made = unpack("v:b", with_checksum(bytes(body)), FakeClock())
    except UnreadableError:
        return
    assert made.fresh_until == made.fresh_until, "never fresh for ever by way of NaN"


@pytest.mark.parametrize("key", ["other", "", "K", "k "])
def test_another_keys_bytes_are_unreadable(key: str) -> None:
    with pytest.raises(UnreadableError, match="another key's"):
        unpack(key, pack("k", value()), FakeClock())


def test_a_key_that_runs_into_the_checksum_is_unreadable() -> None:
    torn = (with_checksum(pack(f"v:{number}????", value(b""))[:-8]) for number in range(1000))
    number, data = next(it for it in enumerate(torn) if it[1][-4:].isascii())
    with pytest.raises(UnreadableError, match="another key's"):
        unpack(f"v:{number}{data[-4:].decode()}", data, FakeClock())


def test_a_newer_format_shows_its_head_and_a_codec_that_nobody_has() -> None:
    head = pack("k", value(tags={"t:one": 7}))[:-4]
    newer = with_checksum(head[:2] + bytes([FORMAT + 1]) + head[3:43] + b"what the future brings")
    made = unpack("k", newer, FakeClock())
    assert (made.kind, made.version, made.born) == (Kind.VALUE, value().version, value().born)
    assert dict(made.tags) == {"t:one": 7}
    assert made.codec == "format 3, flags 4"


def test_a_head_that_runs_into_the_checksum_is_unreadable() -> None:
    """It is no newer format, though the checksum may look like a number of tags: none."""
    bodies = (b"ck\x09\x01" + bytes(10) + struct.pack(">Q", n) for n in count())
    torn = next(data for data in map(with_checksum, bodies) if data[22:24] == b"\0\0")
    with pytest.raises(UnreadableError, match="torn"):
        unpack("k", torn, FakeClock())


def test_an_unknown_flag_makes_an_entry_foreign() -> None:
    data = bytearray(pack("k", value())[:-4])
    data[VERSION_AT - 1] = 32
    made = unpack("k", with_checksum(bytes(data)), FakeClock())
    assert (made.codec, made.payload) == ("format 2, flags 20", None)
    assert made.payload is None
    assert not made.serves(0.0)


@pytest.mark.parametrize("born", [nan, inf, -inf])
def test_a_birth_at_no_time_is_unreadable(born: float) -> None:
    with pytest.raises(UnreadableError, match="born"):
        unpack("k", pack("k", value(born=born)), FakeClock())


def test_a_ttl_that_is_no_number_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="ttl"):
        unpack("k", pack("k", value(ttl=nan)), FakeClock())


@pytest.mark.parametrize("took", [nan, inf, -inf, -256.0])
@pytest.mark.parametrize("tags", [{}, {"t:a": 1}, {"t:a": 1, "t:b": 2}], ids=len)
def test_a_load_time_that_is_no_time_is_unreadable(tags: dict[str, int], took: float) -> None:
    """Early refreshes hang on it: such an entry would be served for ever, or loaded at each read.

    Only what others have written has one.
    """
    data = pack("k", value(tags=tags))[:-4]
    changed = data.replace(struct.pack(">de", 60.0, 0.5), struct.pack(">de", 60.0, took))
    assert changed != data
    with pytest.raises(UnreadableError, match="load time"):
        unpack("k", with_checksum(changed), FakeClock())


@pytest.mark.parametrize("took", [nan, inf, -inf, -256.0])
def test_a_load_time_of_format_1_that_is_no_time_is_unreadable(took: float) -> None:
    key, entry = GOLDEN["value"]
    data = (FOLDERS[1] / "value.bin").read_bytes()[:-4]
    start = data.index(struct.pack(">dddf", entry.ttl, 0.0, 0.0, entry.load_time)) + 24
    changed = data[:start] + struct.pack(">f", took) + data[start + 4 :]
    assert unpack(key, with_checksum(data), FakeClock()).load_time == entry.load_time
    with pytest.raises(UnreadableError, match="load time"):
        unpack(key, with_checksum(changed), FakeClock())


@pytest.mark.parametrize("name", ["stale_while_revalidate", "stale_if_error"])
@pytest.mark.parametrize("window", [nan, inf, -1.0])
def test_a_stale_window_that_is_no_time_is_unreadable(name: str, window: float) -> None:
    entry = value()
    setattr(entry, name, window)
    with pytest.raises(UnreadableError, match="stale window"):
        unpack("k", pack("k", entry), FakeClock())


def test_a_value_that_was_not_encoded_has_no_bytes() -> None:
    with pytest.raises(ValueError, match="'k' was not encoded"):
        pack("k", Entry(Kind.VALUE))


@pytest.mark.parametrize(
    "entry",
    [
        value(tags={"t:" + "a" * 65_536: 1}),
        value(tags={f"t:{number}": 1 for number in range(65_536)}),
        value(schema=b"a" * 256),
        value(codec="a" * 256),
        value(revision="a" * 256),
        value(version=2**64),
        value(version=-1),
    ],
    ids=["tag", "tags", "schema", "codec", "revision", "version", "negative"],
)
def test_what_has_no_room_is_an_error(entry: Entry) -> None:
    with pytest.raises(ValueError, match="'k' does not fit"):
        pack("k", entry)


def test_the_most_it_holds() -> None:
    tags = {"t:" + "a" * 65_533: 1, **{f"t:{number}": 1 for number in range(65_534)}}
    entry = value(b"x" * 1_000_000, tags=tags, schema=b"a" * 255)
    key = "v:" + "k" * 65_533
    assert facts(unpack(key, pack(key, entry), FakeClock())) == facts(entry)
