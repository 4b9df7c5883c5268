"""From what is stored to what is sent."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http.answering import Answer, answer
from cachekit.http.asked import ask
from cachekit.http.dates import format_date
from cachekit.http.stored import Stored
from tests.http.helpers import scope_of

NOW = 1_700_000_000.0
THEN = format_date(NOW - 1000)
FIELDS = (
    (b"content-type", b"text/plain"),
    (b"etag", b'"1"'),
    (b"last-modified", THEN),
    (b"date", format_date(NOW)),
    (b"cache-control", b"max-age=60"),
    (b"content-length", b"10"),
    (b"vary", b"accept"),
)
TEXT = Stored(200, FIELDS, b"0123456789", NOW)


def answered(*headers: tuple[bytes, bytes], stored: Stored = TEXT, method: str = "GET") -> Answer:
    asked = ask(scope_of("/", method, headers), None)
    assert asked is not None
    return answer(asked, stored)


def test_a_plain_request_gets_all_of_it() -> None:
    assert answered() == Answer(200, FIELDS, b"0123456789")


def test_head_gets_the_fields_alone() -> None:
    assert answered(method="HEAD") == Answer(200, FIELDS, b"")


CONDITIONS: list[tuple[list[tuple[bytes, bytes]], int]] = [
    ([(b"if-none-match", b'"1"')], 304),
    ([(b"if-none-match", b'W/"1"')], 304),
    ([(b"if-none-match", b'"0", "1"')], 304),
    ([(b"if-none-match", b'"0"'), (b"if-none-match", b'"1"')], 304),
    ([(b"if-none-match", b"*")], 304),
    ([(b"if-none-match", b'"0"')], 200),
    ([(b"if-none-match", b"1")], 200),
    ([(b"if-modified-since", THEN)], 304),
    ([(b"if-modified-since", format_date(NOW))], 304),
    ([(b"if-modified-since", format_date(NOW - 1001))], 200),
    ([(b"if-modified-since", b"nonsense")], 200),
    ([(b"if-modified-since", THEN), (b"if-none-match", b'"0"')], 200),
]


@pytest.mark.parametrize(("headers", "status"), CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_are_evaluated(
    headers: list[tuple[bytes, bytes]], status: int, method: str
) -> None:
    assert answered(*headers, method=method).status == status


def test_a_304_has_the_fields_that_are_of_use() -> None:
    names = {name for name, _ in answered((b"if-none-match", b'"1"')).headers}
    assert names == {b"etag", b"date", b"cache-control", b"vary"}


def test_the_date_stands_for_a_modification_date_that_is_not_there() -> None:
    undated = replace(TEXT, headers=(FIELDS[0],))
    assert answered((b"if-modified-since", format_date(NOW)), stored=undated).status == 304
    assert answered((b"if-modified-since", THEN), stored=undated).status == 200


@pytest.mark.parametrize("status", [301, 404, 500])
def test_what_is_no_success_takes_no_conditions_and_no_ranges(status: int) -> None:
    failed = replace(TEXT, status=status)
    for header in ((b"if-none-match", b"*"), (b"range", b"bytes=0-1")):
        assert answered(header, stored=failed) == Answer(status, FIELDS, b"0123456789")


RANGES: list[tuple[bytes, int, bytes]] = [
    (b"bytes=2-4", 206, b"234"),
    (b"bytes=8-", 206, b"89"),
    (b"bytes=-3", 206, b"789"),
    (b"bytes=0-99", 206, b"0123456789"),
    (b"bytes=10-", 416, b""),
    (b"bytes=-0", 416, b""),
    (b"bytes=0-1, 3-4", 200, b"0123456789"),
    (b"bytes=4-2", 200, b"0123456789"),
    (b"lines=0-1", 200, b"0123456789"),
    (b"nonsense", 200, b"0123456789"),
]


@pytest.mark.parametrize(("ranges", "status", "body"), RANGES)
def test_a_single_range_is_cut_out(ranges: bytes, status: int, body: bytes) -> None:
    got = answered((b"range", ranges))
    assert (got.status, got.body) == (status, body)
    assert (b"content-length", b"%d" % len(body)) in got.headers


def test_a_part_says_which_one_it_is() -> None:
    assert (b"content-range", b"bytes 2-4/10") in answered((b"range", b"bytes=2-4")).headers


def test_what_has_no_such_part_says_how_long_it_is_and_is_not_to_be_kept() -> None:
    names = dict(answered((b"range", b"bytes=10-")).headers)
    assert names[b"content-range"] == b"bytes */10"
    assert names.keys() & {b"cache-control", b"etag", b"content-type", b"expires"} == set()


IF_RANGE = [
    (b'"1"', 206),
    (b'"0"', 200),
    (b'W/"1"', 200),
    (THEN, 206),
    (format_date(NOW), 200),
    (b"nonsense", 200),
]


@pytest.mark.parametrize(("value", "status"), IF_RANGE)
def test_a_range_may_be_of_one_state_only(value: bytes, status: int) -> None:
    assert answered((b"range", b"bytes=2-4"), (b"if-range", value)).status == status


def test_a_condition_goes_before_a_range() -> None:
    assert answered((b"range", b"bytes=2-4"), (b"if-none-match", b'"1"')).status == 304


def test_head_has_no_ranges() -> None:
    assert answered((b"range", b"bytes=2-4"), method="HEAD").status == 200


NAMES = st.sampled_from(
    [b"if-none-match", b"if-modified-since", b"range", b"if-range", b"cache-control"]
)
VALUES = st.binary(max_size=16) | st.sampled_from([b'"1"', b"*", b"bytes=0-", THEN])


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=4), st.sampled_from([200, 204, 404]))
def test_no_bytes_in_a_request_raise(lines: list[tuple[bytes, bytes]], status: int) -> None:
    for etag in (b'"1"', b"bad", b""):
        stored = replace(TEXT, status=status, headers=((b"etag", etag), *FIELDS[2:]))
        got = answered(*lines, stored=stored)
        assert got.status in (status, 206, 304, 416)
        assert got.body in TEXT.body
