"""A stored response, and its bytes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import CacheError
from cachekit.http.stored import Stored, StoredSerializer

DAMAGED = (CacheError, ValueError, TypeError, AttributeError)
SERIALIZER = StoredSerializer()
PLAIN = Stored(200, ((b"a", b"1"),), b"body\n\nof it", 1_700_000_000.25, 1.5, 60.0)
SECONDS = st.floats(0, 2**33)
TEXT = st.binary(max_size=10).filter(lambda value: not {10, 13} & set(value))
LINES = st.lists(st.tuples(TEXT.filter(lambda v: v and 58 not in v), TEXT), max_size=5).map(tuple)
VARY = st.lists(st.tuples(TEXT, st.none() | st.binary(max_size=10)), max_size=3)
RESPONSES = st.builds(
    Stored,
    st.integers(200, 599),
    LINES,
    st.binary(max_size=50),
    SECONDS,
    SECONDS,
    SECONDS,
    SECONDS,
    SECONDS,
    st.booleans(),
    st.booleans(),
)


def varying(stored: Stored, pairs: list[tuple[bytes, bytes | None]]) -> Stored:
    names, said = tuple(name for name, _ in pairs), tuple(value for _, value in pairs)
    return replace(stored, vary=names, selected=said)


@settings(max_examples=50, deadline=None)
@given(RESPONSES, VARY)
def test_what_was_stored_is_what_is_read(
    stored: Stored, pairs: list[tuple[bytes, bytes | None]]
) -> None:
    whole = varying(stored, pairs)
    assert SERIALIZER.loads(SERIALIZER.dumps(whole)) == whole


def test_no_part_of_it_passes_for_all_of_it() -> None:
    data = SERIALIZER.dumps(varying(PLAIN, [(b"x", b"1"), (b"y", None)]))
    for size in range(len(data)):
        with pytest.raises(DAMAGED):
            SERIALIZER.loads(data[:size])


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_what_is_none_raises(data: bytes) -> None:
    with pytest.raises(DAMAGED):
        SERIALIZER.loads(data)


def test_its_age_goes_on_from_what_it_was() -> None:
    assert PLAIN.age_at(PLAIN.received) == 1.5
    assert PLAIN.age_at(PLAIN.received + 10) == 11.5
    assert PLAIN.age_at(PLAIN.received - 10) == 1.5


@pytest.mark.parametrize(
    ("headers", "can"),
    [
        ((), False),
        (((b"etag", b'"1"'),), True),
        (((b"last-modified", b"Sun, 06 Nov 1994 08:49:37 GMT"),), True),
        (((b"last-modified", b"nonsense"),), False),
    ],
)
def test_some_have_something_to_ask_by(headers: tuple[tuple[bytes, bytes], ...], can: bool) -> None:
    assert replace(PLAIN, headers=headers).can_be_validated is can
