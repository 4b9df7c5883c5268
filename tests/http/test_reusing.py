"""Whether a stored response may answer a request, at what age."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http.asked import Asked, ask
from cachekit.http.reusing import Use, is_refused, may_serve_failure, use
from cachekit.http.stored import Stored
from tests.http.helpers import scope_of

MINUTE = Stored(200, (), b"", 0.0, lifetime=60.0)
WINDOWS = replace(MINUTE, while_revalidate=10.0, if_error=20.0)
STRICT = replace(MINUTE, strict=True)


def saying(directives: str = "") -> Asked:
    headers = [(b"cache-control", directives.encode())] if directives else []
    asked = ask(scope_of("/", headers=headers), None)
    assert asked is not None
    return asked


def used(stored: Stored, now: float, directives: str = "") -> Use:
    return use(saying(directives), stored, stored.age_at(now))


def test_what_is_fresh_is_served_until_it_is_as_old_as_its_lifetime() -> None:
    assert used(MINUTE, 59.9) is Use.SERVE
    assert used(MINUTE, 60) is Use.LOAD
    assert used(replace(MINUTE, age=30.0), 30) is Use.LOAD


def test_within_the_window_it_is_served_and_refreshed() -> None:
    assert used(WINDOWS, 60) is Use.REFRESH
    assert used(WINDOWS, 69.9) is Use.REFRESH
    assert used(WINDOWS, 70) is Use.LOAD


def test_what_is_to_be_validated_is_never_served_unasked() -> None:
    assert used(replace(MINUTE, validate=True), 0) is Use.LOAD
    assert used(replace(MINUTE, validate=True), 0, "max-stale") is Use.LOAD


SAID = [
    ("max-age=10", 10, Use.SERVE),
    ("max-age=10", 10.1, Use.LOAD),
    ("max-age=0", 0, Use.SERVE),
    ("max-age=0", 1, Use.LOAD),
    ("max-age=x", 1, Use.LOAD),
    ("min-fresh=10", 50, Use.SERVE),
    ("min-fresh=10", 51, Use.LOAD),
    ("no-cache", 0, Use.LOAD),
    ("no-cache=x", 0, Use.LOAD),
    ("no-store", 0, Use.SERVE),
    ("only-if-cached", 0, Use.SERVE),
    ("unheard-of", 0, Use.SERVE),
    ("max-stale", 10_000, Use.SERVE),
    ("max-stale=5", 65, Use.SERVE),
    ("max-stale=5", 66, Use.LOAD),
    ("max-stale=x", 66, Use.LOAD),
    ("max-stale, max-age=70", 71, Use.LOAD),
    ("max-stale, min-fresh=1", 61, Use.LOAD),
]


@pytest.mark.parametrize(("said", "age", "expected"), SAID)
def test_clients_have_limits_of_their_own(said: str, age: float, expected: Use) -> None:
    assert used(MINUTE, age, said) is expected


@pytest.mark.parametrize("said", ["", "max-stale", "max-stale=1000", "stale-if-error=1000"])
def test_what_must_be_validated_is_never_served_stale(said: str) -> None:
    assert used(STRICT, 59, said) is Use.SERVE
    assert used(STRICT, 60, said) is Use.LOAD
    assert not may_serve_failure(saying(said), STRICT, 60)


def test_an_old_one_may_stand_for_an_error_as_long_as_either_side_says() -> None:
    assert may_serve_failure(saying(), WINDOWS, 79.9)
    assert not may_serve_failure(saying(), WINDOWS, 80)
    assert may_serve_failure(saying("stale-if-error=30"), WINDOWS, 89.9)
    assert not may_serve_failure(saying("stale-if-error=30"), WINDOWS, 90)
    assert not may_serve_failure(saying(), MINUTE, 60)


def test_what_may_be_served_while_it_is_revalidated_may_be_if_that_fails() -> None:
    assert may_serve_failure(saying(), replace(MINUTE, while_revalidate=10.0), 69)


def test_a_clock_that_was_set_back_makes_nothing_younger() -> None:
    later = replace(MINUTE, received=1000.0, age=60.0)
    assert used(later, 0) is Use.LOAD


def test_whether_it_is_refused_does_not_depend_on_whether_it_is_fresh() -> None:
    assert not is_refused(saying(), MINUTE, 1000)
    assert is_refused(saying("no-cache"), MINUTE, 0)
    assert is_refused(saying("max-age=1"), MINUTE, 2)


@settings(deadline=None)
@given(
    st.text(max_size=20) | st.sampled_from(["max-stale", "max-stale=9", "min-fresh=9"]),
    st.floats(0, 200),
    st.booleans(),
    st.booleans(),
)
def test_no_directives_raise_and_none_revives_what_must_be_validated(
    said: str, age: float, strict: bool, validate: bool
) -> None:
    headers = [(b"cache-control", said.encode("utf-8", "replace"))]
    asked = ask(scope_of("/", headers=headers), None)
    assert asked is not None
    stored = replace(WINDOWS, strict=strict, validate=validate)
    found = use(asked, stored, age)
    if validate or (strict and age >= 60):
        assert found is Use.LOAD
