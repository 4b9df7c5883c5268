"""Conditional requests (RFC 9110 13), and what a cache does about them (RFC 9111 4.3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit.http.conditions import (
    Validators,
    Verdict,
    evaluate,
    headers_of_304,
    if_range_holds,
    not_modified,
)
from cachekit.http.dates import format_date
from cachekit.http.etags import ETag
from cachekit.http.fields import Headers
from tests.http.test_fields import HOSTILE

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED

MOMENT = 784111777.0
THEN, BEFORE, AFTER = (format_date(MOMENT + step) for step in (0, -1, 1))
CURRENT = Validators(ETag(b"v1"), MOMENT + 0.9)
WEAK = Validators(ETag(b"v1", weak=True))
DATED = Validators(None, MOMENT)
NOTHING = Validators()


def verdict(method: str, current: Validators | None, *lines: tuple[bytes, bytes]) -> Verdict:
    return evaluate(method, lines, current)


def match(value: bytes) -> tuple[bytes, bytes]:
    return b"if-match", value


def none_match(value: bytes) -> tuple[bytes, bytes]:
    return b"if-none-match", value


def modified(value: bytes) -> tuple[bytes, bytes]:
    return b"if-modified-since", value


def unmodified(value: bytes) -> tuple[bytes, bytes]:
    return b"if-unmodified-since", value


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PURGE"])
@pytest.mark.parametrize("current", [CURRENT, NOTHING, None])
def test_a_request_without_conditions_proceeds(method: str, current: Validators | None) -> None:
    assert verdict(method, current) is PROCEED


def test_if_match_compares_strongly() -> None:
    assert verdict("PUT", CURRENT, match(b'"v0", "v1"')) is PROCEED
    assert verdict("PUT", CURRENT, match(b'W/"v1"')) is FAILED
    assert verdict("PUT", WEAK, match(b'W/"v1"')) is FAILED
    assert verdict("PUT", WEAK, match(b'"v1"')) is FAILED


def test_if_match_fails_if_no_tag_of_it_is_the_current_one() -> None:
    for value in (b'"v2"', b"", b"v1", b'"v1', b"\0"):
        assert verdict("PUT", CURRENT, match(value)) is FAILED
        assert verdict("GET", CURRENT, match(value)) is FAILED
    assert verdict("PUT", DATED, match(b'"v1"')) is FAILED


def test_if_match_star_asks_that_there_is_something() -> None:
    assert verdict("PUT", NOTHING, match(b"*")) is PROCEED
    assert verdict("PUT", None, match(b"*")) is FAILED
    assert verdict("PUT", None, match(b'"v1"')) is FAILED


def test_if_unmodified_since_fails_if_it_was_modified_later() -> None:
    assert verdict("PUT", CURRENT, unmodified(THEN)) is PROCEED
    assert verdict("PUT", CURRENT, unmodified(AFTER)) is PROCEED
    assert verdict("PUT", CURRENT, unmodified(BEFORE)) is FAILED
    assert verdict("GET", CURRENT, unmodified(BEFORE)) is FAILED


@pytest.mark.parametrize("value", [b"", b"0", b"yesterday", BEFORE + b", " + BEFORE])
def test_if_unmodified_since_is_ignored_if_it_is_no_date(value: bytes) -> None:
    assert verdict("PUT", CURRENT, unmodified(value)) is PROCEED


def test_if_unmodified_since_is_ignored_without_a_modification_date() -> None:
    assert verdict("PUT", WEAK, unmodified(BEFORE)) is PROCEED
    assert verdict("PUT", None, unmodified(BEFORE)) is PROCEED


def test_if_unmodified_since_is_ignored_beside_if_match() -> None:
    assert verdict("PUT", CURRENT, unmodified(BEFORE), match(b'"v1"')) is PROCEED
    assert verdict("PUT", CURRENT, unmodified(AFTER), match(b'"v2"')) is FAILED


@pytest.mark.parametrize("value", [b'"v1"', b'W/"v1"', b'"v0", W/"v1"', b'x, "v1"', b"*"])
def test_if_none_match_compares_weakly_and_answers_get_and_head_with_304(value: bytes) -> None:
    for current in (CURRENT, WEAK):
        assert verdict("GET", current, none_match(value)) is NOT_MODIFIED
        assert verdict("HEAD", current, none_match(value)) is NOT_MODIFIED


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "PURGE", "get"])
def test_if_none_match_fails_other_methods(method: str) -> None:
    assert verdict(method, CURRENT, none_match(b'W/"v1"')) is FAILED
    assert verdict(method, CURRENT, none_match(b"*")) is FAILED


def test_if_none_match_lets_pass_what_it_does_not_name() -> None:
    for value in (b'"v2"', b"", b"v1", b"\0", b"**"):
        assert verdict("GET", CURRENT, none_match(value)) is PROCEED
        assert verdict("PUT", CURRENT, none_match(value)) is PROCEED
    assert verdict("GET", DATED, none_match(b'"v1"')) is PROCEED


def test_if_none_match_star_asks_that_there_is_nothing() -> None:
    assert verdict("PUT", None, none_match(b"*")) is PROCEED
    assert verdict("PUT", NOTHING, none_match(b"*")) is FAILED


def test_the_lines_of_if_none_match_are_one_list() -> None:
    lines = (none_match(b'"v0"'), none_match(b'"v1"'))
    assert verdict("GET", CURRENT, *lines) is NOT_MODIFIED


def test_if_modified_since_answers_304_to_what_was_not_modified_since() -> None:
    assert verdict("GET", CURRENT, modified(THEN)) is NOT_MODIFIED
    assert verdict("HEAD", CURRENT, modified(AFTER)) is NOT_MODIFIED
    assert verdict("GET", CURRENT, modified(BEFORE)) is PROCEED


def test_if_modified_since_is_ignored_beside_if_none_match() -> None:
    assert verdict("GET", CURRENT, modified(THEN), none_match(b'"v2"')) is PROCEED
    assert verdict("GET", CURRENT, modified(THEN), none_match(b"nonsense")) is PROCEED
    assert verdict("GET", CURRENT, modified(BEFORE), none_match(b'"v1"')) is NOT_MODIFIED


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PURGE"])
def test_if_modified_since_is_ignored_for_other_methods(method: str) -> None:
    assert verdict(method, CURRENT, modified(THEN)) is PROCEED


@pytest.mark.parametrize("value", [b"", b"0", b"now", THEN + b", " + THEN, THEN[:-3] + b"UTC"])
def test_if_modified_since_is_ignored_if_it_is_no_date(value: bytes) -> None:
    assert verdict("GET", CURRENT, modified(value)) is PROCEED


def test_if_modified_since_is_ignored_without_a_modification_date() -> None:
    assert verdict("GET", WEAK, modified(AFTER)) is PROCEED
    assert verdict("GET", None, modified(AFTER)) is PROCEED


def test_what_must_match_is_evaluated_before_what_must_not() -> None:
    assert verdict("GET", CURRENT, none_match(b'"v1"'), match(b'"v2"')) is FAILED
    assert verdict("GET", CURRENT, none_match(b'"v1"'), match(b'"v1"')) is NOT_MODIFIED
    assert verdict("GET", CURRENT, modified(THEN), unmodified(BEFORE)) is FAILED
    assert verdict("GET", CURRENT, modified(THEN), unmodified(THEN)) is NOT_MODIFIED


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT"])
def test_conditions_are_ignored_by_methods_that_select_nothing(method: str) -> None:
    lines = (match(b'"v2"'), none_match(b"*"), unmodified(BEFORE))
    assert verdict(method, CURRENT, *lines) is PROCEED


def test_a_cache_leaves_what_must_match_to_the_origin() -> None:
    lines = (match(b'"v2"'), unmodified(BEFORE))
    assert not not_modified(lines, CURRENT)
    assert not_modified((*lines, none_match(b'"v1"')), CURRENT)


def test_a_cache_takes_the_date_of_an_answer_for_a_missing_modification_date() -> None:
    assert not_modified([modified(THEN)], WEAK.or_date(MOMENT))
    assert not not_modified([modified(THEN)], WEAK.or_date(MOMENT + 1))
    assert not not_modified([modified(THEN)], Validators(None, MOMENT + 1).or_date(MOMENT))


def test_what_is_no_success_is_never_not_modified() -> None:
    for line in (none_match(b"*"), none_match(b'"v1"'), modified(AFTER)):
        assert not_modified([line], CURRENT)
        assert not not_modified([line], CURRENT, is_404_like=True)


def if_range(value: bytes, current: Validators, date: float | None) -> bool:
    return if_range_holds([(b"if-range", value)], current, date)


def test_a_range_without_if_range_counts() -> None:
    assert if_range_holds([], NOTHING, None)


def test_if_range_compares_tags_strongly() -> None:
    assert if_range(b'"v1"', CURRENT, None)
    assert not if_range(b'"v2"', CURRENT, None)
    assert not if_range(b'W/"v1"', CURRENT, None)
    assert not if_range(b'W/"v1"', WEAK, None)
    assert not if_range(b'"v1"', WEAK, None)
    assert not if_range(b'"v1"', DATED, None)


def test_if_range_takes_a_date_only_if_it_is_the_same() -> None:
    assert if_range(THEN, CURRENT, MOMENT + 60)
    assert not if_range(BEFORE, CURRENT, MOMENT + 60)
    assert not if_range(AFTER, CURRENT, MOMENT + 60)
    assert not if_range(THEN, WEAK, MOMENT + 60)


def test_if_range_takes_a_date_only_if_it_is_a_strong_validator() -> None:
    assert if_range(THEN, DATED, MOMENT + 1)
    assert not if_range(THEN, DATED, MOMENT + 0.5)
    assert not if_range(THEN, DATED, MOMENT)
    assert not if_range(THEN, DATED, None)


@pytest.mark.parametrize("value", [b"", b"*", b"v1", b'"v1", "v1"', b'"v1', b"0"])
def test_if_range_with_anything_else_does_not_hold(value: bytes) -> None:
    assert not if_range(value, CURRENT, MOMENT + 60)


def test_validators_are_those_that_an_answer_has() -> None:
    assert Validators.of([(b"etag", b'W/"v1"')]) == WEAK
    assert Validators.of([(b"Last-Modified", THEN), (b"ETag", b"v1")]) == DATED
    assert Validators.of([(b"last-modified", b"0")]) == NOTHING


def test_a_304_has_the_fields_that_guide_caches_and_none_that_describe_a_body() -> None:
    kept: Headers = [
        (b"Date", THEN),
        (b"etag", b'"v1"'),
        (b"cache-control", b"max-age=60"),
        (b"content-location", b"/x"),
        (b"expires", AFTER),
        (b"vary", b"accept"),
        (b"vary", b"origin"),
        (b"access-control-allow-origin", b"*"),
        (b"content-security-policy", b"default-src 'self'"),
        (b"x-unknown", b"1"),
    ]
    body: Headers = [
        (b"Content-Type", b"text/html"),
        (b"content-length", b"5"),
        (b"content-encoding", b"gzip"),
        (b"content-language", b"en"),
        (b"content-range", b"bytes 0-4/5"),
        (b"accept-ranges", b"bytes"),
        (b"repr-digest", b"sha-256=:AA==:"),
        (b"transfer-encoding", b"chunked"),
    ]
    assert headers_of_304([*body, *kept]) == kept


def test_a_304_has_the_modification_date_only_without_an_etag() -> None:
    dated = (b"last-modified", THEN)
    assert headers_of_304([dated]) == [dated]
    assert headers_of_304([dated, (b"etag", b'"v1"')]) == [(b"etag", b'"v1"')]


NAMES = st.sampled_from(
    [b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"]
)
LINES = st.lists(st.tuples(NAMES, HOSTILE | st.sampled_from([b"*", b'"v1"', b'W/"v1"', THEN])))
METHODS = st.sampled_from(["GET", "HEAD", "PUT", "OPTIONS", ""])
STATES = st.sampled_from([CURRENT, WEAK, DATED, NOTHING, None])


@given(METHODS, LINES, STATES)
def test_no_bytes_are_too_strange_for_conditions(
    method: str, headers: Headers, current: Validators | None
) -> None:
    found = evaluate(method, headers, current)
    assert found is not NOT_MODIFIED or (method in ("GET", "HEAD") and current is not None)
    if current is not None:
        if_range_holds(headers, current, MOMENT)


@given(LINES, STATES.filter(lambda current: current is not None))
def test_a_cache_finds_what_the_origin_would_if_that_is_all_that_is_asked(
    headers: Headers, current: Validators
) -> None:
    asked = [line for line in headers if line[0] in (b"if-none-match", b"if-modified-since")]
    assert not_modified(headers, current) == (evaluate("GET", asked, current) is NOT_MODIFIED)


@given(st.lists(st.tuples(st.binary(), st.binary())))
def test_no_headers_are_too_strange_for_a_304(headers: Headers) -> None:
    assert all(line in headers for line in headers_of_304(headers))
    Validators.of(headers)
