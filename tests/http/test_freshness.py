"""How long a response is fresh, and how old it is when it comes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http.cache_control import LONGEST
from cachekit.http.dates import format_date
from cachekit.http.fields import Headers
from cachekit.http.freshness import date_of, governing, heuristic, initial_age

NOW = 1_700_000_000.0
DATE = format_date(NOW)
LATER, EARLIER = format_date(NOW + 100), format_date(NOW - 100)
CDN = (b"cdn-cache-control",)


def lifetime(*headers: tuple[bytes, bytes], targets: tuple[bytes, ...] = ()) -> float | None:
    return governing(headers, targets).explicit(headers, NOW)


def cc(value: bytes) -> tuple[bytes, bytes]:
    return b"cache-control", value


EXPLICIT: list[tuple[Headers, float | None]] = [
    ([], None),
    ([cc(b"public")], None),
    ([cc(b"max-age=5")], 5),
    ([cc(b"max-age=5, s-maxage=7")], 7),
    ([cc(b"max-age=5"), cc(b"s-maxage=7")], 7),
    ([cc(b"max-age=5"), (b"expires", LATER)], 5),
    ([(b"expires", LATER)], 100),
    ([(b"expires", LATER), (b"date", LATER)], 0),
    ([(b"expires", LATER), (b"date", EARLIER)], 200),
    ([(b"expires", LATER), (b"date", b"nonsense")], 100),
    ([(b"expires", EARLIER)], 0),
    ([(b"expires", b"0")], 0),
    ([(b"expires", b"")], 0),
    ([(b"expires", LATER), (b"expires", EARLIER)], 100),
    ([(b"expires", b"Fri, 31 Dec 9999 23:59:59 GMT")], LONGEST),
    ([cc(b"max-age=x"), (b"expires", LATER)], 0),
    ([cc(b"max-age=-1")], 0),
    ([cc(b"max-age=99999999999999999999")], LONGEST),
    ([cc(b'x="max-age=5"')], None),
]


@pytest.mark.parametrize(("headers", "seconds"), EXPLICIT)
def test_a_response_says_how_long_it_is_fresh(headers: Headers, seconds: float | None) -> None:
    assert lifetime(*headers) == seconds


TARGETED: list[tuple[bytes, float | None]] = [
    (b"max-age=9", 9),
    (b"max-age=9;x=1", 9),
    (b"s-maxage=8, max-age=9", 8),
    (b'max-age="9"', None),
    (b"max-age=9.0", None),
    (b"max-age=-9", 0),
    (b"MAX-AGE=9", 5),
    (b"max-age =9", 5),
    (b"", 5),
    (b"?", 5),
]


@pytest.mark.parametrize(("value", "seconds"), TARGETED)
def test_a_targeted_field_counts_in_place_of_all_others(
    value: bytes, seconds: float | None
) -> None:
    others = (cc(b"max-age=5"), (b"expires", LATER))
    assert lifetime((b"cdn-cache-control", value), *others, targets=CDN) == seconds


def test_a_targeted_field_is_not_seen_unless_it_is_ours() -> None:
    assert lifetime((b"cdn-cache-control", b"max-age=9"), cc(b"max-age=5")) == 5


def test_the_first_target_that_says_something_counts() -> None:
    headers = ((b"cdn-cache-control", b"max-age=9"), (b"app-cache-control", b"max-age=7"))
    order = (b"app-cache-control", b"cdn-cache-control")
    assert lifetime(*headers, targets=order) == 7
    assert lifetime(headers[0], (b"app-cache-control", b"!"), targets=order) == 9


@pytest.mark.parametrize("value", [b"no-store", b'no-store="x"', b"no-store;a", b"no-store=1"])
def test_what_a_targeted_field_forbids_is_forbidden_whatever_it_has_for_arguments(
    value: bytes,
) -> None:
    assert "no-store" in governing([(b"cdn-cache-control", value)], CDN).directives


def test_a_targeted_field_can_say_that_it_does_not_forbid() -> None:
    said = governing([(b"cdn-cache-control", b"max-age=1, private=?0")], CDN).directives
    assert "private" not in said


AGES: list[tuple[Headers, float, float]] = [
    ([], 5, 0),
    ([(b"age", b"7")], 0, 7),
    ([(b"age", b"7")], 5, 12),
    ([(b"age", b"7, 9")], 0, 7),
    ([(b"age", b"7"), (b"age", b"9")], 0, 7),
    ([(b"age", b"-7")], 0, 0),
    ([(b"age", b"7.5")], 0, 0),
    ([(b"age", b"seven")], 0, 0),
    ([(b"age", b"")], 0, 0),
    ([(b"age", b"9" * 400)], 0, LONGEST),
    ([(b"date", DATE)], 0, 0),
    ([(b"date", EARLIER)], 0, 100),
    ([(b"date", EARLIER), (b"age", b"7")], 0, 100),
    ([(b"date", EARLIER), (b"age", b"300")], 5, 305),
    ([(b"date", LATER)], 0, 0),
    ([(b"date", b"nonsense")], 5, 5),
]


@pytest.mark.parametrize(("headers", "delay", "age"), AGES)
def test_a_response_may_be_old_when_it_comes(headers: Headers, delay: float, age: float) -> None:
    assert initial_age(headers, NOW - delay, NOW) == age


def test_a_clock_that_is_set_back_meanwhile_makes_nothing_younger() -> None:
    assert initial_age([(b"age", b"7")], NOW + 100, NOW) == 7


def test_a_response_without_a_date_was_made_when_it_came() -> None:
    assert date_of([], NOW) == NOW
    assert date_of([(b"date", b"0")], NOW) == NOW
    assert date_of([(b"date", EARLIER)], NOW) == NOW - 100


MODIFIED = (b"last-modified", EARLIER)


def guessed(status: int, *headers: tuple[bytes, bytes]) -> float | None:
    return heuristic(status, governing(headers, ()), headers, NOW)


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
def test_a_tenth_of_how_long_it_has_not_changed_may_be_guessed(status: int) -> None:
    assert guessed(status, MODIFIED) == 10


@pytest.mark.parametrize("status", [201, 202, 302, 403, 500, 502, 503, 504])
def test_nothing_is_guessed_of_other_statuses_unless_they_are_public(status: int) -> None:
    assert guessed(status, MODIFIED) is None
    assert guessed(status, MODIFIED, cc(b"public")) == 10


def test_what_has_not_changed_for_ages_is_fresh_for_a_day() -> None:
    assert guessed(200, (b"last-modified", b"Thu, 01 Jan 1970 00:00:00 GMT")) == 86400


@pytest.mark.parametrize("date", [b"nonsense", b"", LATER])
def test_nothing_is_guessed_from_what_is_no_past_date(date: bytes) -> None:
    assert not guessed(200, (b"last-modified", date))


NAMES = st.sampled_from(
    [b"cache-control", b"cdn-cache-control", b"age", b"date", b"expires", b"last-modified"]
)
VALUES = st.binary(max_size=20) | st.sampled_from(
    [DATE, LATER, EARLIER, b"max-age=1", b"s-maxage", b"7", b"Sun, 31 Dec 0001 00:00:00 GMT"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.integers(100, 599))
def test_no_bytes_in_a_response_raise(headers: list[tuple[bytes, bytes]], status: int) -> None:
    for targets in ((), CDN):
        seconds = governing(headers, targets).explicit(headers, NOW)
        assert seconds is None or 0 <= seconds <= LONGEST
    guess = heuristic(status, governing(headers, ()), headers, NOW)
    assert guess is None or 0 <= guess <= 86400
    assert initial_age(headers, NOW, NOW) >= 0
