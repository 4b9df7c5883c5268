"""Dates in fields (RFC 9110 5.6.7)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.http.dates import format_date, parse_date

IMF = b"Sun, 06 Nov 1994 08:49:37 GMT"
MOMENT = 784111777.0


def at(year: int, month: int = 1, day: int = 1, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


NOW = at(2026, 6, 15, 12)


@pytest.mark.parametrize(
    "value",
    [
        IMF,
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Sun Nov 06 08:49:37 1994",
        b"\t Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_the_three_forms_of_dates_are_read_in_any_case(value: bytes) -> None:
    assert parse_date(value) == parse_date(value.upper()) == parse_date(value.lower()) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"0", b"-1", b"784111777", b"Thu, 01 Jan 1970"),
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 AEST",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 8:49:37 GMT",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 94 08:49:37 GMT",
        b"Sun, 06-Nov-1994 08:49:37 GMT",
        b"Sunday, 06-Nov-1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08.49.37 GMT",
        b"Sun, 06  Nov 1994 08:49:37 GMT",
        b"Sun,  06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT x",
        b"Sun, 06 Nov 1994 08:49:37 GMT\n",
        b"Sun, 06 November 1994 08:49:37 GMT",
        b"Xyz, 06 Nov 1994 08:49:37 GMT",
        b"Sun Nov 6 08:49:37 1994",
        b"Sun Nov  6 08:49:37 1994 GMT",
        b"1994-11-06T08:49:37Z",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
        b"Wed, 30 Feb 1994 08:49:37 GMT",
        b"Sun, 00 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT",
        b"Sun, 06 Nov 1994 08:60:37 GMT",
        b"Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT".encode(),
        b"Sun, 06 Nov 1994 08:49:37 GMT\0",
        IMF * 50_000,
    ],
)
def test_anything_else_is_no_date(value: bytes) -> None:
    assert parse_date(value) is None


def test_a_leap_second_is_the_first_of_the_next_minute() -> None:
    assert parse_date(b"Sat, 31 Dec 2016 23:59:60 GMT") == at(2017)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Sunday, 06-Nov-94 00:00:00 GMT", at(1994, 11, 6)),
        (b"Sunday, 01-Jan-27 00:00:00 GMT", at(2027)),
        (b"Sunday, 15-Jun-76 12:00:00 GMT", at(2076, 6, 15, 12)),
        (b"Sunday, 15-Jun-76 13:00:00 GMT", at(1976, 6, 15, 13)),
        (b"Sunday, 01-Jan-77 00:00:00 GMT", at(1977)),
        (b"Sunday, 01-Jan-00 00:00:00 GMT", at(2000)),
    ],
)
def test_a_year_of_two_digits_is_at_most_50_years_ahead(value: bytes, expected: float) -> None:
    assert parse_date(value, NOW) == expected


def test_a_date_is_sent_in_the_preferred_form() -> None:
    assert format_date(MOMENT) == format_date(MOMENT + 0.999) == IMF
    assert format_date(0) == b"Thu, 01 Jan 1970 00:00:00 GMT"
    assert format_date(-0.5) == b"Wed, 31 Dec 1969 23:59:59 GMT"


def test_a_date_out_of_range_is_the_nearest_that_there_is() -> None:
    assert format_date(1e300) == format_date(float("inf")) == b"Fri, 31 Dec 9999 23:59:59 GMT"
    assert format_date(-1e300) == b"Mon, 01 Jan 0001 00:00:00 GMT"


@given(st.integers(int(at(1)), int(at(9999))))
def test_what_is_sent_is_read_as_the_same_moment(seconds: int) -> None:
    assert parse_date(format_date(seconds)) == seconds


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_sent_is_what_others_call_that_moment(moment: datetime) -> None:
    year = f"{moment.year:04}"
    text = moment.strftime(f"%a, %d %b {year} %H:%M:%S GMT")
    assert format_date(moment.replace(microsecond=0).timestamp()) == text.encode()


@given(
    st.binary()
    | st.from_regex(
        rb"(?i)(Sun|Monday),? [0-9]{2}[ -](Feb|Nov)[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2}( GMT)?"
    )
)
def test_no_bytes_are_too_strange_for_a_date(value: bytes) -> None:
    seconds = parse_date(value, NOW)
    assert seconds is None or at(1) <= seconds <= at(9999) + 367 * 86400
