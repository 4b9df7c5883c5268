"""Bytes that are no value are an error: no crash, no huge allocation, no class imported."""

import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import given

from cachekit.errors import UnreadableError
from cachekit_msgpack import MsgpackSerializer
from tests.entry.strategies import VALUES

SERIALIZER = MsgpackSerializer()


def refused(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"not the msgpack of a value: ."):
        SERIALIZER.loads(data)


@given(VALUES)
def test_every_truncation(value: Any) -> None:
    data = SERIALIZER.dumps(value)
    for end in range(len(data)):
        refused(data[:end])
    refused(data + b"\xc0")


DEEP = {
    "arrays": b"\x91",
    "maps": b"\x81\x01",
    "tuples": b"\x92\xd4\x01\x01",
    "arrays of 32 bits": b"\xdd\x00\x00\x00\x01",
}


@pytest.mark.parametrize("head", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_nested_too_deep(head: bytes, depth: int) -> None:
    with pytest.raises(UnreadableError, match="nested too deep"):
        SERIALIZER.loads(head * depth + b"\xc0")


CLAIMS = {
    "array": b"\xdd",
    "map": b"\xdf",
    "text": b"\xdb",
    "bytes": b"\xc6",
    "ext": b"\xc9",
}


@pytest.mark.parametrize("code", CLAIMS.values(), ids=CLAIMS)
@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
def test_a_length_of_gigabytes(code: bytes, size: bytes) -> None:
    tracemalloc.start()
    try:
        refused(code + size)
        refused(code + size + b"\x00" * 1000)
        refused(b"\x92\xd4\x01\x01" + code + size + b"\x00" * 1000)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


NO_VALUE = {
    "nothing": b"",
    "the code that is never used": b"\xc1",
    "two values": b"\x01\x02",
    "text that is not UTF-8": b"\xa1\xff",
    "a list as a key": b"\x81\x90\x01",
    "an unknown ext code": b"\xd4\x7f\x00",
    "a negative ext code": b"\xd4\x80\x00",
    "an unknown mark": b"\x91\xd4\x01\x7f",
    "a mark alone": b"\xd4\x01\x01",
    "a mark in second place": b"\x92\x01\xd4\x01\x01",
    "two marks": b"\x92\xd4\x01\x01\xd4\x01\x01",
    "a mark as a key": b"\x81\xd4\x01\x01\x01",
    "a mark as a value": b"\x81\x01\xd4\x01\x01",
    "a long mark": b"\x91\xd5\x01\x01\x01\x01",
    "a mark in another form": b"\x91\xc7\x01\x01\x01",
    "an empty mark": b"\x91\xc7\x00\x01",
    "a set of lists": b"\x92\xd4\x01\x02\x90",
    "a range of text": b"\x94\xd4\x01\x04\xa0\xa0\xa0",
    "a range without a step": b"\x93\xd4\x01\x04\x00\x01",
    "a range that stands still": b"\x94\xd4\x01\x04\x00\x01\x00",
    "a fraction by zero": b"\x93\xd4\x01\x05\x01\x00",
    "a deque without maxlen": b"\x91\xd4\x01\x06",
    "a deque of less than nothing": b"\x92\xd4\x01\x06\xff",
    "an ordered number": b"\x92\xd4\x01\x07\x01",
    "an unknown factory": b"\x93\xd4\x01\x08\xa4open\x80",
    "an unregistered class": b"\x93\xd4\x01\x0a\xa9os.system\xa2ls",
    "a tag that is a list": b"\x93\xd4\x01\x0a\x90\xa2ls",
    "no decimal": b"\xd4\x05x",
    "the 30th of February": b"\xd6\x06\x07\xe8\x02\x1e",
    "half a date": b"\xd5\x06\x07\xe8",
    "half a time": b"\xd4\x07\x01",
    "a time at 25": b"\xc7\x07\x07\x19\x00\x00\x00\x00\x00\x00",
    "half a datetime": b"\xd6\x08\x07\xe8\x02\x1d",
    "a timedelta that is too long": b"\xc7\x0c\x09\x7f\xff\xff\xff" + b"\xff" * 8,
    "a zone by path": b"\xc7\x0c\x0aZ../../etc/x",
    "a zone that is none": b"\xc7\x05\x0aZNone",
    "an offset of years": b"\xc7\x09\x0aO" + b"\x7f" * 8,
    "an unknown kind of zone": b"\xc7\x09\x0a?" + b"\x00" * 8,
    "a short UUID": b"\xd4\x0b\x00",
    "a path of no class": b"\xd5\x0c?a",
    "an address of no class": b"\xd5\x0d?1",
    "no address": b"\xd5\x0dax",
}


@pytest.mark.parametrize("data", NO_VALUE.values(), ids=NO_VALUE)
def test_what_is_no_value(data: bytes) -> None:
    refused(data)


def test_an_unknown_tag_is_named() -> None:
    with pytest.raises(UnreadableError, match=r"'Product'.*registered"):
        SERIALIZER.loads(b"\x93\xd4\x01\x0a\xa7Product\x80")


def test_the_mark_code_inside_other_bytes_is_harmless() -> None:
    for value in (
        b"\xd4\x01\x01",
        "\N{CYRILLIC SMALL LETTER ER}\u0501",
        [b"\xd4"],
        0xD40101,
        1e300,
    ):
        assert SERIALIZER.loads(SERIALIZER.dumps(value)) == value
    assert math.isnan(SERIALIZER.loads(b"\xcb\x7f\xf8\xd4\x01\x01\x00\x00\x00"))
