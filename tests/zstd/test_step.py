"""What is compressed, what is refused, and what the bytes are."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import ConfigurationError, UnreadableError
from cachekit_zstd import ZstdCompression
from tests.zstd.frames import PACKED, frame

STEP = ZstdCompression()
TEXT = b'{"id": 1, "name": "a"}, ' * 100
NOISE = Random(0).randbytes(5000)


def decode(data: bytes, limit: int = 1_000_000) -> bytes:
    return STEP.decode(data, b"", limit)


def refused(data: bytes, why: str) -> None:
    """It is, and no memory is taken for it."""
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match=why):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_its_name() -> None:
    assert STEP.id == "zstd"


# -- what is compressed


def test_what_gets_smaller_is_stored_as_one_frame() -> None:
    stored = STEP.encode(TEXT, b"context")
    assert stored[:5] == b"\1\x28\xb5\x2f\xfd"
    assert len(stored) < 100
    assert zstandard.get_frame_parameters(stored[1:]).content_size == len(TEXT)


def test_what_does_not_get_smaller_is_stored_as_it_is() -> None:
    assert STEP.encode(NOISE, b"") == b"\0" + NOISE


def test_what_is_below_the_threshold_is_stored_as_it_is() -> None:
    assert STEP.encode(bytes(1023), b"") == b"\0" + bytes(1023)
    assert STEP.encode(bytes(1024), b"")[:1] == b"\1"
    assert ZstdCompression(threshold=20).encode(bytes(20), b"")[:1] == b"\1"
    assert ZstdCompression(threshold=0).encode(b"", b"") == b"\0"


@pytest.mark.parametrize("level", [1, 3, 22])
@given(data=st.binary(max_size=50), times=st.integers(0, 100))
def test_any_step_reads_what_any_other_wrote(level: int, data: bytes, times: int) -> None:
    stored = ZstdCompression(level, 0).encode(data * times, b"")
    assert STEP.decode(stored, b"", len(data) * times) == data * times


@pytest.mark.parametrize("level", [1, 3, 22])
def test_no_frame_has_a_window_that_is_larger_than_its_content(level: int) -> None:
    for size in (30, 1000, 2**20 + 1, 5 * 2**20):
        stored = ZstdCompression(level, 0).encode(bytes(size), b"")
        assert zstandard.get_frame_parameters(stored[1:]).window_size <= size
        assert decode(stored, size) == bytes(size)


def test_a_higher_level_makes_it_smaller() -> None:
    mixed = b"".join(Random(number).randbytes(3) + TEXT[:40] for number in range(500))
    sizes = [len(ZstdCompression(level).encode(mixed, b"")) for level in (1, 19)]
    assert sizes[0] > sizes[1]


# -- what is refused

NO_FRAMES = {
    "no bytes": (b"", "there are no bytes"),
    "an unknown marker": (b"\2" + TEXT, "no marker of zstd: 02"),
    "a frame without a marker": (STEP.encode(TEXT, b"")[1:], "no marker of zstd: 28"),
    "a marker alone": (PACKED, "not one whole frame"),
    "no frame": (PACKED + TEXT, "not one whole frame"),
    "a truncated frame": (STEP.encode(TEXT, b"")[:-1], "not one whole frame"),
    "a byte after the frame": (STEP.encode(TEXT, b"") + b"\0", "not one whole frame"),
    "two frames": (STEP.encode(TEXT, b"") + STEP.encode(TEXT, b"")[1:], "not one whole frame"),
    "a frame to skip": (PACKED + b"\x50\x2a\x4d\x18\4\0\0\0abcd", "not one whole frame"),
    "a frame to skip first": (
        PACKED + b"\x50\x2a\x4d\x18\4\0\0\0abcd" + STEP.encode(TEXT, b"")[1:],
        "not one whole frame",
    ),
    "a frame to skip at the end": (
        STEP.encode(TEXT, b"") + b"\x50\x2a\x4d\x18\4\0\0\0abcd",
        "not one whole frame",
    ),
    "a frame of an older format": (PACKED + b"\x27\xb5\x2f\xfd" + bytes(20), "not one whole frame"),
    "an empty frame": (PACKED + frame(0, declared=0), "does not say how much"),
    "a frame that declares to be empty": (PACKED + frame(2**30, declared=0), "does not say"),
    "no declared size": (PACKED + frame(100, declared=None, window=17), "does not say"),
    "1 GiB, not declared": (PACKED + frame(2**30, declared=None, window=17), "does not say"),
    "1 GiB": (PACKED + frame(2**30, declared=2**30), "1073741824 bytes, and 1000000 is the"),
    "1 GiB that claims to be 100 bytes": (PACKED + frame(2**30, declared=100), "not one whole"),
    "100 bytes that claim to be 2**63": (PACKED + frame(100, declared=2**63), "is the limit"),
    "100 bytes that claim to be 200": (PACKED + frame(100, declared=200), "not one whole frame"),
    "a byte over the limit": (PACKED + frame(1_000_001, declared=1_000_001), "is the limit"),
    "a byte over the limit, stored": (bytes(1_000_002), "1000001 bytes, and 1000000 is the limit"),
    "a window of 2 GiB": (PACKED + frame(5000, declared=5000, window=31), "a window of 2147483648"),
    "a window of 8 KiB": (PACKED + frame(5000, declared=5000, window=13), "a window of 8192 bytes"),
    "a dictionary": (PACKED + frame(5000, declared=5000, dictionary=7), "for dictionary 7"),
}


@pytest.mark.parametrize(("data", "why"), NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_encode_did_not_make(data: bytes, why: str) -> None:
    refused(data, why)


def test_what_is_as_large_as_the_limit_is_read() -> None:
    assert decode(PACKED + frame(1_000_000, declared=1_000_000)) == bytes(1_000_000)
    assert decode(bytes(1_000_001)) == bytes(1_000_000)
    assert STEP.decode(b"\0", b"", 0) == b""


def test_bytes_of_a_compressor_with_a_dictionary_are_refused() -> None:
    dictionary = zstandard.ZstdCompressionDict(TEXT)
    data = zstandard.ZstdCompressor(dict_data=dictionary).compress(TEXT)
    refused(PACKED + data, r"not one whole frame|for dictionary")


# -- arguments

LEVEL = "level=) takes a whole number from 1 to 22, not"
THRESHOLD = "threshold=) takes a whole number of 0 or more, not"
ANY: Any = ZstdCompression
WRONG: list[tuple[str, Callable[[], Any]]] = [
    (f"{LEVEL} 0", lambda: ZstdCompression(0)),
    (f"{LEVEL} 23", lambda: ZstdCompression(23)),
    (f"{LEVEL} True", lambda: ZstdCompression(True)),
    (f"{LEVEL} 3.0", lambda: ANY(3.0)),
    (f"{LEVEL} str", lambda: ANY("a")),
    (f"{THRESHOLD} -1", lambda: ZstdCompression(3, -1)),
    (f"{THRESHOLD} NoneType", lambda: ANY(3, None)),
]


@pytest.mark.parametrize(("why", "make"), WRONG, ids=[why for why, _ in WRONG])
def test_an_argument_that_cannot_be(why: str, make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert why in str(raised.value)


def test_a_key_in_the_place_of_a_level_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"not bytes$"):
        ANY(b"secret")


# -- threads


def test_one_step_serves_threads_at_once() -> None:
    values = [bytes((number,)) * 300_000 + TEXT * number for number in range(16)]

    def comes_back(data: bytes) -> bool:
        return all(decode(STEP.encode(data, b"")) == data for _ in range(10))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(comes_back, values * 2))


# -- the wire format

GOLDEN: list[tuple[bytes, str]] = [
    (b"", "00"),
    (b"a", "00 61"),
    (b"\1", "00 01"),
    (bytes(2000), "01 28b52ffd 60d006 4d000010000001 00cbff000b"),
    (
        TEXT,
        "01 28b52ffd 606008 050100c07b226964223a20312c20226e616d65223a202261227d2c2001001465fd3906",
    ),
]


@pytest.mark.parametrize(("data", "stored"), GOLDEN, ids=lambda part: f"{part[:10]!r}")
def test_what_was_written_once_is_read_for_ever(data: bytes, stored: str) -> None:
    """It need not be written alike: another version of the library may pack it better."""
    assert decode(bytes.fromhex(stored)) == data
