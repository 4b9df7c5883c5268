"""What is JSON comes back as it was, and as orjson alone would write it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.errors import EncodeError, UnreadableError
from cachekit.testing.shapes import shape
from cachekit_orjson import OrjsonSerializer
from tests.entry.strategies import VALUES as ANYTHING
from tests.orjson.values import VALUES

SERIALIZER = OrjsonSerializer()


@given(VALUES)
def test_a_value_is_what_orjson_makes_of_it(value: Any) -> None:
    data = SERIALIZER.dumps(value)
    assert data == orjson.dumps(value)
    assert shape(SERIALIZER.loads(data)) == shape(value)


@given(st.one_of(ANYTHING, st.dictionaries(st.text(), st.lists(ANYTHING, max_size=3))))
def test_whatever_is_not_refused_comes_back_as_it_was(value: Any) -> None:
    with suppress(EncodeError):
        assert shape(SERIALIZER.loads(SERIALIZER.dumps(value))) == shape(value)


def test_one_object_in_two_places_comes_back_as_two() -> None:
    inner = [1]
    made = SERIALIZER.loads(SERIALIZER.dumps([inner, inner]))
    assert made == [[1], [1]]
    assert made[0] is not made[1]


WRAPS: list[Callable[[Any], Any]] = [lambda inner: [inner], lambda inner: {"a": inner}]


@pytest.mark.parametrize("wrap", WRAPS)
def test_what_is_written_can_be_read_however_deep_it_is(wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(254):
        value = wrap(value)
        assert SERIALIZER.loads(SERIALIZER.dumps(value)) == value
    for _ in range(1000):
        value = wrap(value)
        with pytest.raises(EncodeError, match="nested too deep"):
            SERIALIZER.dumps(value)


NO_VALUE = [
    *(b"", b" ", b"[", b"[1", b"[1,]", b"{1:2}", b'{"a"}', b"nul", b"NaN", b"Infinity", b"1 2"),
    *(b"'a'", b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b"\xef\xbb\xbf1", b"01", b"1\x00"),
    *(b"[" * 100_000, b"[" * 1025 + b"]" * 1025, b'{"a":' * 100_000),
]


@pytest.mark.parametrize("data", NO_VALUE, ids=lambda data: repr(data[:10]))
def test_what_is_no_json_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"not the JSON of a value: ."):
        SERIALIZER.loads(data)


@given(VALUES.filter(lambda value: isinstance(value, list | dict | str)))
def test_every_truncation_is_unreadable(value: Any) -> None:
    data = SERIALIZER.dumps(value)
    for end in range(len(data)):
        with pytest.raises(UnreadableError):
            SERIALIZER.loads(data[:end])
