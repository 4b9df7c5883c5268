"""Single ranges of bytes (RFC 9110 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.http.ranges import (
    UNSATISFIABLE,
    Unsatisfiable,
    content_range,
    single_range,
    unsatisfied_range,
)

HOSTILE = st.binary() | st.text("bytes=0129-, \t").map(str.encode)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"bytes=0-499", (0, 499)),
        (b"bytes=500-999", (500, 999)),
        (b"Bytes=0-0", (0, 0)),
        (b"bytes=9999-", (9999, 9999)),
        (b"bytes= 5-6 ", (5, 6)),
        (b"bytes=0005-06", (5, 6)),
    ],
)
def test_a_range_has_its_first_and_its_last_byte(value: bytes, expected: tuple[int, int]) -> None:
    assert single_range(value, 10_000) == expected


def test_a_range_ends_where_the_bytes_end() -> None:
    assert single_range(b"bytes=2-", 10) == (2, 9)
    assert single_range(b"bytes=2-99", 10) == (2, 9)
    assert single_range(b"bytes=2-" + b"9" * 10_000, 10) == (2, 9)


def test_a_suffix_is_the_last_bytes_or_all() -> None:
    assert single_range(b"bytes=-3", 10) == (7, 9)
    assert single_range(b"bytes=-99", 10) == (0, 9)
    assert single_range(b"bytes=-" + b"9" * 10_000, 10) == (0, 9)


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (b"bytes=10-", 10),
        (b"bytes=10-12", 10),
        (b"bytes=-0", 10),
        (b"bytes=0-", 0),
        (b"bytes=" + b"9" * 10000 + b"-", 10),
        (b"bytes=0-0", 0),
    ],
)
def test_a_range_without_a_byte_that_is_there_is_unsatisfiable(value: bytes, length: int) -> None:
    assert single_range(value, length) is UNSATISFIABLE


@pytest.mark.parametrize("value", [b"seconds=0-1", b"items=0-1", b"x=-"])
def test_a_range_of_another_unit_is_ignored(value: bytes) -> None:
    assert single_range(value, 10) is None


@pytest.mark.parametrize("value", [b"bytes=0-1,3-4", b"bytes=0-1,", b"bytes=0-1, -1"])
def test_several_ranges_are_ignored(value: bytes) -> None:
    assert single_range(value, 10) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=-",
        b"bytes=a-b",
        b"bytes=5-4",
        b"bytes=1",
        b"bytes=--1",
        b"bytes =0-1",
        b"bytes=0 - 1",
        b"bytes=+0-1",
        b"bytes=0-1\x00",
        b"bytes=0-1\n",
        b"0-1",
        b"bytes=0x0-1",
        "bytes=\u0661-\u0662".encode(),
        b"bytes 0-1/10",
        b"bytes=0-1-2",
        b"bytes=9-8",
    ],
)
def test_a_malformed_range_is_ignored(value: bytes) -> None:
    assert single_range(value, 10) is None


def test_a_suffix_of_nothing_is_satisfiable_and_answered_with_all_of_it() -> None:
    assert single_range(b"bytes=-1", 0) is None


def test_the_content_range_of_a_part_and_of_a_416() -> None:
    assert content_range(42, 1233, 1234) == b"bytes 42-1233/1234"
    assert unsatisfied_range(1234) == b"bytes */1234"


@given(HOSTILE, st.integers(0, 200))
def test_no_bytes_are_too_strange_for_a_range(value: bytes, length: int) -> None:
    assert sensible(single_range(value, length), length)


@given(st.integers(0), st.none() | st.integers(0), st.integers(0, 200))
def test_a_range_is_what_a_slice_would_be(first: int, last: int | None, length: int) -> None:
    value = b"bytes=%d-%b" % (first, b"" if last is None else b"%d" % last)
    found = single_range(value, length)
    whole = range(length)[first : None if last is None else last + 1]
    if last is not None and last < first:
        assert found is None
    else:
        assert found == ((whole[0], whole[-1]) if whole else UNSATISFIABLE)


def sensible(found: tuple[int, int] | Unsatisfiable | None, length: int) -> bool:
    """Whether what was found lies inside of `length` bytes."""
    return not isinstance(found, tuple) or 0 <= found[0] <= found[1] < length
