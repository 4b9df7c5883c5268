"""What is told of what the cache did (RFC 9211)."""

import pytest

from cachekit.http import status
from cachekit.http.asked import ask
from cachekit.http.stored import Stored
from cachekit.http.structured import items
from tests.http.helpers import scope_of

AGE = (b"age", b"7")
LINES = [
    (status.hit(b"c", 7, 59), [AGE], b"c; hit; ttl=59"),
    (status.hit(b"c", 7, -1), [AGE], b"c; hit; ttl=-1"),
    (status.made(b"c", 7, shared=True), [AGE], b"c; fwd=uri-miss; collapsed"),
    (status.made(b"c", 7, shared=False), [AGE], b"c; fwd=stale; fwd-status=304"),
    (status.forwarded(b"c", "bypass"), [], b"c; fwd=bypass"),
    (status.forwarded(b"c", "uri-miss", stored=True), [], b"c; fwd=uri-miss; stored"),
]


@pytest.mark.parametrize(("lines", "age", "value"), LINES)
def test_a_line_is_a_structured_field(
    lines: status.Lines, age: list[tuple[bytes, bytes]], value: bytes
) -> None:
    assert lines == (*age, (b"cache-status", value))
    assert items(lines, b"cache-status") is not None


def test_a_cache_without_a_name_tells_nothing() -> None:
    told = [
        status.hit(None, 7, 1),
        status.made(None, 7, shared=True),
        status.forwarded(None, "miss"),
    ]
    assert told == [(AGE,), (AGE,), ()]


def test_it_tells_why_a_request_was_passed_on() -> None:
    old = Stored(200, (), b"", 0.0)
    plain = ask(scope_of("/"), None)
    no_cache = ask(scope_of("/", headers=[(b"cache-control", b"no-cache")]), None)
    assert plain is not None
    assert no_cache is not None
    assert status.why_forwarded(plain, None, variant=False) == "uri-miss"
    assert status.why_forwarded(plain, None, variant=True) == "vary-miss"
    assert status.why_forwarded(plain, old, variant=False) == "stale"
    assert status.why_forwarded(no_cache, old, variant=False) == "request"
