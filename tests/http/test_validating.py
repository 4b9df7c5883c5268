"""Asking whether what is stored is still good, and what the answer makes of it."""

import pytest

from cachekit.http.stored import Stored
from cachekit.http.validating import asking, confirms, merged, renewed, unconditional

DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"


def having(*headers: tuple[bytes, bytes]) -> Stored:
    return Stored(200, headers, b"body", 0.0, 7.0)


BOTH = having((b"etag", b'"1"'), (b"last-modified", DATE))
CLIENT = [
    (b"host", b"test"),
    (b"if-none-match", b'"0"'),
    (b"if-modified-since", b"x"),
    (b"a", b"1"),
]


def test_our_validators_take_the_place_of_the_clients() -> None:
    assert asking(CLIENT, BOTH) == [
        (b"host", b"test"),
        (b"a", b"1"),
        (b"if-none-match", b'"1"'),
        (b"if-modified-since", DATE),
    ]
    assert asking(CLIENT, having((b"etag", b'"1"')))[2:] == [(b"if-none-match", b'"1"')]


def test_nothing_is_asked_in_the_clients_name() -> None:
    assert unconditional(CLIENT) == [(b"host", b"test"), (b"a", b"1")]


CONFIRMING = [b'"1"', b'W/"1"', b"", b"nonsense"]


@pytest.mark.parametrize("tag", CONFIRMING)
def test_a_304_of_the_same_tag_or_of_none_confirms(tag: bytes) -> None:
    assert confirms([(b"etag", tag)], BOTH)
    assert confirms([], BOTH)


def test_a_304_of_another_tag_does_not() -> None:
    assert not confirms([(b"etag", b'"2"')], BOTH)
    assert confirms([(b"etag", b'"2"')], having((b"last-modified", DATE)))


def test_all_fields_of_the_304_replace_the_old_ones() -> None:
    old = having((b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"date", b"x"))
    told = [(b"A", b"4"), (b"a", b"5"), (b"c", b"6")]
    assert merged(old, told) == [(b"b", b"2"), *told]


def test_what_describes_the_body_stays() -> None:
    for name in (b"content-length", b"content-encoding", b"content-range"):
        assert merged(having((name, b"old")), [(name, b"new")]) == [(name, b"old")]


def test_the_old_date_goes_as_the_response_is_as_good_as_new() -> None:
    assert merged(having((b"date", b"old")), []) == []
    assert merged(having((b"date", b"old")), [(b"date", b"new")]) == [(b"date", b"new")]


def test_what_may_not_be_kept_is_as_good_as_new_for_its_client() -> None:
    found = renewed(BOTH, [(b"a", b"1")], 99.0)
    assert (found.headers, found.body, found.age_at(99.0)) == (((b"a", b"1"),), b"body", 0.0)
