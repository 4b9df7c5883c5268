"""Structured fields (RFC 9651)."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit import ConfigurationError
from cachekit.http.structured import (
    Display,
    Moment,
    Token,
    dictionary,
    items,
    quoted,
    strings,
    token_or_string,
)

HOSTILE = st.binary() | st.text('a1="\\,;:@%?()*.- \t').map(str.encode)
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


def read(*values: bytes) -> Any:
    return dictionary([(b"F", value) for value in values], b"f")


def listed(*values: bytes) -> Any:
    return items([(b"f", value) for value in values], b"f")


def test_a_dictionary_has_a_value_under_each_key() -> None:
    assert read(b"max-age=60, no-store,x=?0") == {"max-age": 60, "no-store": True, "x": False}


def test_a_dictionary_may_have_several_lines_and_the_last_of_equal_keys_counts() -> None:
    assert read(b"a=1, b", b"a=2") == {"a": 2, "b": True}


def test_a_field_that_is_not_there_is_none_and_one_without_members_is_empty() -> None:
    assert read() is None
    assert (read(b""), read(b"  "), listed(b"")) == ({}, {}, [])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"0", 0),
        (b"-7", -7),
        (b"007", 7),
        (b"999999999999999", 999_999_999_999_999),
        (b"1.5", 1.5),
        (b"-0.125", -0.125),
        (b"123456789012.125", 123456789012.125),
        (b'"a b"', "a b"),
        (rb'"\"\\"', '"\\'),
        (b'""', ""),
        (b"abc", Token("abc")),
        (b"*a/b:c!", Token("*a/b:c!")),
        (b":aGk=:", b"hi"),
        (b":aGk:", b"hi"),
        (b"::", b""),
        (b"?1", True),
        (b"@1659578233", Moment(1659578233)),
        (b"@-1", Moment(-1)),
        (b'%"f%c3%bc"', Display("fü")),
        (b"()", ()),
        (b'( 1  "a" b;x )', (1, "a", Token("b"))),
    ],
)
def test_each_type_of_value_is_read_as_itself(raw: bytes, expected: Any) -> None:
    for found in (read(b"a=" + raw)["a"], *listed(raw), read(b"a=" + raw + b';p="x";q')["a"]):
        assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"-", b"1.", b".5", b"1.2345", b"1.2.3", b"--1", b"+1", b"1e3", b"1_0"),
        *(b"1000000000000000", b"1234567890123.1", b"9" * 100_000),
        *(b'"', b'"a', rb'"\a"', rb'"\"', b'"\x7f"', b'"\t"', b'"\xe9"', b"'a'"),
        *(b":a:", b":a=b=:", b":aGk=aGk=:", b":=:", b":aGk", b":a b:", b":===="),
        *(b"?2", b"?", b"?10", b"@", b"@1.5", b"@a", b"{}", b"[1]"),
        *(b'%"%C3%BC"', b'%"%ff"', b'%"%c"', b'%"', b'%"\xc3"', b"%a"),
        *(b"(", b"(1", b"(1,2)", b'(1"a")', b"((1))", b"(1)(2)", b"(1;)", b"(a\t)"),
        *(b"1;", b"1;A", b"1;a=", b"1;a=(1)", b"1 ;a", b"1;a;=", b"1;\ta"),
        *(b"1,", b"1,,", b", 1", b"1 2", b"1\n", b"1\0", b"a\0"),
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_a_malformed_value_leaves_nothing_of_the_field(raw: bytes) -> None:
    assert read(b"b=1, a=" + raw) is None
    assert raw == b"" or listed(b"1, " + raw) is None


@pytest.mark.parametrize(
    "raw", [b"A=1", b"a =1", b"a= 1", b"1=a", b"=1", b"a,", b",a", b"a,,b", b"a;b=", b"a;;", b"-a"]
)
def test_a_malformed_dictionary_is_none(raw: bytes) -> None:
    assert read(raw) is None


def test_space_stands_around_commas_and_at_both_ends() -> None:
    assert read(b"  a=1 \t,\t b \t") == {"a": 1, "b": True}
    assert read(b"\ta") is None


def test_parameters_of_a_key_without_a_value_are_left_out() -> None:
    assert read(b"a;x=1;y, b; z=?0") == {"a": True, "b": True}


def test_a_list_of_strings_has_nothing_else() -> None:
    def found(value: bytes) -> tuple[str, ...] | None:
        return strings([(b"cache-groups", value)], b"cache-groups")

    assert found(b'"a", "b c";x') == ("a", "b c")
    assert found(b"") == ()
    for other in (b'"a", b', b"1", b'("a")', b'%"a"', b":aGk=:", b'"a', b"?1"):
        assert found(other) is None
    assert strings([], b"cache-groups") is None


def test_what_is_sent_as_a_token_or_as_a_string() -> None:
    assert token_or_string("a/b") == "a/b"
    assert [token_or_string(text) for text in ("1a", "", "a b")] == ['"1a"', '""', '"a b"']
    assert quoted('a"\\') == r'"a\"\\"'


@pytest.mark.parametrize("text", ["é", "a\r\nSet-Cookie: x", "\0", "a\n", "\x7f"])
def test_what_is_no_printable_ascii_is_not_sent(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent in a field: write printable"):
        token_or_string(text)


@given(st.lists(PRINTABLE))
def test_strings_that_are_sent_are_read_as_they_were(texts: list[str]) -> None:
    value = ", ".join(map(quoted, texts)).encode()
    assert strings([(b"f", value)], b"f") == tuple(texts)


@given(PRINTABLE)
def test_a_token_or_string_is_read_as_one_of_them(text: str) -> None:
    assert listed(token_or_string(text).encode()) in ([text], [Token(text)])


@given(
    st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1), st.integers(-(10**15) + 1, 10**15 - 1)
    )
)
def test_numbers_that_are_sent_are_read_as_they_were(given: dict[str, int]) -> None:
    assert read(", ".join(f"{key}={value}" for key, value in given.items()).encode()) == given


@given(HOSTILE)
def test_no_bytes_are_too_strange_for_a_structured_field(value: bytes) -> None:
    read(value)
    found = listed(value)
    assert found is None or isinstance(found, list)


@pytest.mark.parametrize(
    "piece",
    [b'"', b'"\\"', b"a,", b"a;", b"a;b", b"(", b"(1 ", b"1 ", b":", b'%"', b" ", b"\t,"],
    ids=repr,
)
def test_long_fields_take_time_in_proportion(piece: bytes) -> None:
    read(b"a=" + piece * 100_000)
    listed(piece * 100_000)
