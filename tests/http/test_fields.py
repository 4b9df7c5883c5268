"""Fields, their lines and their members (RFC 9110 5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.http.fields import (
    Headers,
    combined,
    first,
    is_token,
    lines,
    members,
    replaced,
    unquoted,
    without,
)

VARIED: Headers = [(b"Vary", b"a"), (b"date", b"d"), (b"vary", b"b, c")]
NAMES = st.sampled_from([b"a", b"A", b"b", b"vary", b"Vary"])
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=8)))
HOSTILE = st.one_of(st.binary(), st.text('",\\ \t=a\0').map(str.encode))


def test_names_of_fields_are_compared_without_case() -> None:
    assert lines(VARIED, b"vary") == [b"a", b"b, c"]
    assert first(VARIED, b"vary") == b"a"
    assert without(VARIED, {b"vary"}) == [(b"date", b"d")]


def test_lines_of_a_field_are_joined_by_commas() -> None:
    assert combined(VARIED, b"vary") == b"a, b, c"


def test_a_field_that_is_not_there_is_none_and_an_empty_one_is_not() -> None:
    assert (first(VARIED, b"age"), combined(VARIED, b"age"), lines(VARIED, b"age")) == (
        *(None, None),
        [],
    )
    assert combined([(b"age", b"")], b"age") == b""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b" , ,\t,", []),
        (b"a,b", [b"a", b"b"]),
        (b"\ta , b c ", [b"a", b"b c"]),
        (b'a="1, 2", b', [b'a="1, 2"', b"b"]),
        (rb'a="\", b", c', [rb'a="\", b"', b"c"]),
        (rb'a="\\", b", c', [rb'a="\\"', b'b"', b"c"]),
    ],
)
def test_members_of_a_list_part_at_commas_outside_of_quoted_strings(
    value: bytes, expected: list[bytes]
) -> None:
    assert members(value) == expected


def test_a_quote_that_is_never_closed_hides_nothing() -> None:
    assert members(b'x="1, no-store') == [b'x="1', b"no-store"]
    assert members(rb'x="1\", no-store\\\"') == [rb'x="1\"', rb"no-store\\\""]
    assert members(b'a="1, 2", "b, no-store, \\') == [b'a="1, 2"', b'"b', b"no-store", b"\\"]


def test_a_replaced_field_stands_where_its_first_line_was() -> None:
    assert replaced(VARIED, b"vary", b"x") == [(b"vary", b"x"), (b"date", b"d")]
    assert replaced(VARIED, b"age", b"1") == [*VARIED, (b"age", b"1")]


def test_a_quoted_string_says_what_is_in_it() -> None:
    assert unquoted(rb'"a\"b\\"') == rb'a"b' + b"\\"
    assert [unquoted(raw) for raw in (b"a", b'"', b"", b'"a')] == [b"a", b'"', b"", b'"a']


def test_a_token_has_at_least_one_character_and_no_separator() -> None:
    assert is_token(b"x-Y_1")
    assert not any(map(is_token, [b"", b"a b", b'"a"', b"a\n", "é".encode(), b"a,b", b"a\0"]))


@given(HEADERS, NAMES.map(bytes.lower), st.binary(max_size=4))
def test_replaced_leaves_one_line_of_the_field_and_the_others_as_they_were(
    headers: Headers, name: bytes, value: bytes
) -> None:
    made = replaced(headers, name, value)
    assert lines(made, name) == [value]
    assert without(made, {name}) == without(headers, {name})


@given(HOSTILE)
def test_no_bytes_are_too_strange_for_a_list(value: bytes) -> None:
    found = members(value)
    assert all(member and member.strip(b" \t") == member for member in found)
    assert b"".join(found).translate(None, b", \t") == value.translate(None, b", \t")
    unquoted(value)
    is_token(value)


@given(st.lists(st.from_regex(rb'[a-z=]+(="([^"\\]|\\.)*")?', fullmatch=True)))
def test_members_that_are_joined_come_apart_again(parts: list[bytes]) -> None:
    assert members(b" , ".join(parts)) == parts


@pytest.mark.parametrize("piece", [b'"', b'"\\', b'\\"', b",", b'",', b"a", b'"\\",'])
def test_long_values_take_time_in_proportion(piece: bytes) -> None:
    """Not a measurement: a quadratic walk through this would take minutes."""
    members(piece * 200_000)
