"""Entity tags of things that know their version."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import ConfigurationError
from cachekit.fastapi.tagging import Part, etag_of
from cachekit.http.etags import ETag

parts = st.one_of(
    st.integers(), st.text(), st.binary(), st.none(), st.uuids(), st.datetimes(), st.floats()
)


@settings(deadline=None)
@given(st.text(), st.lists(parts, min_size=1), st.booleans())
def test_every_tag_can_be_sent_and_read(name: str, version: list[Part], weak: bool) -> None:
    tag = etag_of(name, *version, weak=weak)
    assert ETag.parse(bytes(tag)) == tag
    assert tag == etag_of(name, *version, weak=weak)


@settings(deadline=None)
@given(
    st.text(), st.text(), st.lists(parts, min_size=1), st.lists(parts, min_size=1), st.booleans()
)
def test_another_name_or_another_version_is_another_tag(
    name: str, other: str, version: list[Part], later: list[Part], weak: bool
) -> None:
    same = name == other and repr(version) == repr(later)
    assert (etag_of(name, *version).value == etag_of(other, *later, weak=weak).value) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        ((1,), ("1",)),
        (("1",), (b"1",)),
        ((None,), ("",)),
        ((1,), (1, None)),
        (("s1:a",), ("s", "a")),
        ((10**5000,), (10**5000 + 1,)),
    ],
)
def test_what_only_looks_the_same_is_another_version(one: Any, other: Any) -> None:
    assert etag_of("n", *one) != etag_of("n", *other)


def test_one_moment_is_the_same_in_every_zone() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=5)))
    assert etag_of("n", moment) == etag_of("n", elsewhere)
    assert etag_of("n", moment) != etag_of("n", moment + timedelta(microseconds=1))


def test_tags_stay_the_same_from_release_to_release() -> None:
    version = (3, 1.5, "a", b"b", None, UUID(int=7), datetime(2026, 1, 1, tzinfo=UTC))
    assert str(etag_of("place:7", *version)) == '"0e67baa201e66f032e2d81ae3a3a285b"'


def test_without_a_version_there_is_no_tag() -> None:
    with pytest.raises(ConfigurationError, match="without a version"):
        etag_of("place:7")


@pytest.mark.parametrize("part", [[1], {"a": 1}, object(), (1,)])
def test_what_has_no_bytes_of_its_own_is_an_error(part: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be made of"):
        etag_of("place:7", part)
