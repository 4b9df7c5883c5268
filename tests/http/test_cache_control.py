"""The Cache-Control field, read and written (RFC 9111 5.2)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit import ConfigurationError
from cachekit.http.cache_control import LONGEST, CacheControl, Directives
from tests.http.test_fields import HOSTILE

NAMES = ("max-age", "no-store", "no-cache", "private", "s-maxage", "x", "")


def said(*values: bytes) -> Directives:
    return Directives.of([(b"Cache-Control", value) for value in values])


def test_names_of_directives_are_compared_without_case() -> None:
    assert "no-store" in said(b"a, No-STORE")
    assert said(b"MAX-age=7").seconds("max-age") == 7


def test_all_lines_of_the_field_count() -> None:
    directives = said(b"max-age=7", b"private, x")
    assert "private" in directives
    assert directives.seconds("max-age") == 7


def test_unknown_directives_are_ignored() -> None:
    assert said(b"unknown, x=y, max-age=7").seconds("max-age") == 7


def test_what_is_not_said_is_none() -> None:
    assert said().seconds("max-age") is None
    assert "no-store" not in said(b"")
    assert not said(b" , ")
    assert said(b"x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"0", 0),
        (b"3600", 3600),
        (b"007", 7),
        (b"00000000000000000000007", 7),
        (b'"60"', 60),
        (b"2147483648", LONGEST),
        (b"2147483649", LONGEST),
        (b"99999999999", LONGEST),
        (b"9" * 100_000, LONGEST),
        (b"0" * 100_000, 0),
    ],
)
def test_seconds_are_digits_and_too_many_of_them_are_the_longest(
    value: bytes, expected: int
) -> None:
    assert said(b"max-age=" + value).seconds("max-age") == expected


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"=", b"=-1", b"=1.5", b"=a60", b"=60a", b"= 60", b" =60", b"='60'", b'="6', b'=""'),
        *("=\u0666".encode(), b"=\xb2", b"=+6", b"=6_0", b"=0x10", b"=1e3", b"=6\0"),
    ],
)
def test_a_max_age_that_is_no_number_is_stale(value: bytes) -> None:
    assert said(b"max-age" + value).seconds("max-age") == 0


def test_the_first_of_two_max_ages_counts() -> None:
    assert said(b"max-age=1, max-age=60").seconds("max-age") == 1
    assert said(b"max-age=60", b"max-age=1").seconds("max-age") == 60
    assert said(b"max-age=a, max-age=60").seconds("max-age") == 0


def test_what_is_in_a_quoted_string_is_no_directive() -> None:
    directives = said(b'x="a, max-age=60, \\", no-store", max-age=1')
    assert directives.seconds("max-age") == 1
    assert "no-store" not in directives


def test_a_quote_that_is_not_closed_hides_no_directive() -> None:
    assert "no-store" in said(b'x="a, no-store')
    assert "no-store" in said(b'x="a', b'no-store, y="b"')


def test_space_beside_the_equals_sign_does_not_undo_a_prohibition() -> None:
    assert "no-store" in said(b"no-store =x")
    assert said(b'private ="a"').bare("private")


def test_no_cache_and_private_may_be_limited_to_fields() -> None:
    directives = said(b'no-cache="Set-Cookie, x-A", private=y')
    assert directives.fields("no-cache") == {b"set-cookie", b"x-a"}
    assert directives.fields("private") == {b"y"}
    assert not directives.bare("no-cache")
    assert not directives.bare("private")


def test_fields_of_several_directives_add_up_and_one_without_is_not_limited() -> None:
    assert said(b'private="a", private="b"').fields("private") == {b"a", b"b"}
    assert said(b'private="a", private').bare("private")
    assert said(b'private, private="a"').fields("private") == frozenset()


@pytest.mark.parametrize("argument", [b"", b"=", b'=""', b'=" "', b'="a b"', b'="a, @"', b'="a'])
def test_private_with_what_is_no_list_of_fields_is_not_limited(argument: bytes) -> None:
    assert said(b"private" + argument).bare("private")


def test_another_field_is_read_in_the_same_way() -> None:
    assert "no-store" in Directives.of([(b"x-control", b"no-store")], b"x-control")


@given(st.lists(HOSTILE), st.sampled_from(NAMES))
def test_no_bytes_are_too_strange_for_directives(values: list[bytes], name: str) -> None:
    directives = said(*values)
    seconds = directives.seconds(name)
    assert (seconds is None) == (name not in directives)
    assert seconds is None or 0 <= seconds <= LONGEST
    assert directives.bare(name) == (name in directives and not directives.fields(name))


@given(st.sampled_from(NAMES[:5]), HOSTILE)
def test_a_directive_is_there_whatever_it_is_given(name: str, value: bytes) -> None:
    assert name in said(name.encode() + b"=" + value)


@given(HOSTILE.filter(lambda value: b'"' not in value and b"\\" not in value))
def test_nothing_in_quotes_is_ever_a_directive(value: bytes) -> None:
    assert said(b'x="' + value + b', max-age=60"').arguments.keys() == {"x"}


def test_a_long_field_takes_time_in_proportion() -> None:
    said(b"max-age=1," * 100_000).seconds("max-age")
    said(b'no-cache="' + b"a," * 100_000 + b'"').fields("no-cache")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"no_store": True}, "no-store"),
        ({"public": True, "max_age": 60}, "public, max-age=60"),
        ({"max_age": 0, "s_maxage": timedelta(minutes=1)}, "max-age=0, s-maxage=60"),
        ({"max_age": 59.9}, "max-age=59"),
        (
            {"no_cache": True, "no_store": True, "must_revalidate": True, "max_age": 0},
            "no-cache, no-store, max-age=0, must-revalidate",
        ),
        (
            {"max_age": 9, "stale_while_revalidate": 1, "stale_if_error": 2, "immutable": True},
            "max-age=9, stale-while-revalidate=1, stale-if-error=2, immutable",
        ),
        (
            {"must_understand": True, "no_store": True, "max_age": 9, "no_transform": True},
            "no-store, max-age=9, no-transform, must-understand",
        ),
        ({"s_maxage": 1, "proxy_revalidate": True}, "s-maxage=1, proxy-revalidate"),
        ({"private": True, "max_age": 2**31}, "private, max-age=2147483648"),
    ],
)
def test_what_is_sent(options: dict[str, Any], expected: str) -> None:
    control = CacheControl(**options)
    assert (str(control), bytes(control)) == (expected, expected.encode())


def test_spans_that_say_the_same_are_equal() -> None:
    assert CacheControl(max_age=60.5) == CacheControl(max_age=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"says nothing: .* no_store=True"),
        ({"public": True, "private": True}, "public=True and private=True: write private=True"),
        ({"private": True, "s_maxage": 60}, "private=True and s_maxage=60: .* write max_age="),
        ({"private": True, "proxy_revalidate": True}, "proxy_revalidate=True"),
        ({"no_store": True, "max_age": 60}, "no_store=True and max_age=60: .* alone"),
        ({"no_store": True, "public": True}, "no_store=True and public=True"),
        ({"no_cache": True, "s_maxage": 60}, "no_cache=True and s_maxage=60: .* max_age=0 with"),
        ({"must_revalidate": True, "stale_if_error": 60}, "must_revalidate=True and stale_if_err"),
        ({"max_age": -1}, "max_age must be from 0 to 2147483648 seconds, not -1"),
        ({"max_age": float("nan")}, "max_age must be from 0 .* not nan"),
        ({"s_maxage": float("inf")}, "s_maxage must be from 0 .* not inf"),
        ({"max_age": "60"}, "max_age must be seconds or a timedelta, not '60'"),
        ({"max_age": True}, "max_age must be seconds or a timedelta, not True"),
        ({"stale_if_error": timedelta(days=-1)}, "stale_if_error must be from 0"),
        ({"no_cache": "set-cookie"}, "no_cache must be True or False, not 'set-cookie'"),
    ],
)
def test_what_makes_no_sense_is_an_error_that_says_what_to_write(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CacheControl(**options)


SPANS = st.none() | st.integers(0, LONGEST) | st.floats(0, LONGEST) | st.timedeltas()


@given(SPANS, SPANS, st.booleans(), st.booleans(), st.booleans())
def test_what_is_sent_is_read_as_it_was_meant(
    max_age: Any, s_maxage: Any, public: bool, no_store: bool, must_revalidate: bool
) -> None:
    try:
        control = CacheControl(
            max_age=max_age,
            s_maxage=s_maxage,
            public=public,
            no_store=no_store,
            must_revalidate=must_revalidate,
        )
    except ConfigurationError:
        return
    directives = said(bytes(control))
    assert directives.seconds("max-age") == control.max_age
    assert directives.seconds("s-maxage") == control.s_maxage
    assert [name in directives for name in ("public", "no-store", "must-revalidate")] == [
        *(public, no_store, must_revalidate)
    ]
