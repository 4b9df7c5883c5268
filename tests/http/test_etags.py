"""Entity tags (RFC 9110 8.8.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit import ConfigurationError
from cachekit.http.etags import ETag, etags_of, strong, weak
from tests.http.test_fields import HOSTILE

TAGS = st.builds(
    ETag,
    st.binary().map(lambda raw: bytes(b for b in raw if b > 32 and b != 34 and b != 127)),
    st.booleans(),
)


def test_a_tag_is_sent_in_quotes_and_a_weak_one_says_so() -> None:
    assert (bytes(ETag(b"a")), str(ETag(b"a"))) == (b'"a"', '"a"')
    assert (bytes(ETag(b"a", weak=True)), str(ETag(b"a", weak=True))) == (b'W/"a"', 'W/"a"')


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'"xyzzy"', ETag(b"xyzzy")),
        (b'W/"xyzzy"', ETag(b"xyzzy", weak=True)),
        (b'""', ETag(b"")),
        (b' "a,b\\" ', ETag(b"a,b\\")),
        (b'"\xe9"', ETag(b"\xe9")),
    ],
)
def test_a_tag_is_read(raw: bytes, expected: ETag) -> None:
    assert ETag.parse(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a",
        b'"a',
        b'a"',
        b"'a'",
        b'w/"a"',
        b'W "a"',
        b'W/ "a"',
        b"W/a",
        b'"a b"',
        b'"a"b"',
        b'"a", "b"',
        b"*",
        b'"a\x00"',
        b'"a\n"',
        b'"a"\n',
        b'"\x7f"',
        b'"a"x',
        b'"',
    ],
)
def test_what_is_no_tag_is_not_read(raw: bytes) -> None:
    assert ETag.parse(raw) is None


@pytest.mark.parametrize("value", [b'"a"', b"a b", b"a\r\nSet-Cookie: x", b"\0", b"\x7f"])
def test_what_cannot_be_sent_is_no_tag(value: bytes) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent: write visible ASCII"):
        ETag(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", ()),
        (b'"a"', (ETag(b"a"),)),
        (b'"a", W/"b" ,"c"', (ETag(b"a"), ETag(b"b", weak=True), ETag(b"c"))),
        (b'"a,b", "c"', (ETag(b"a,b"), ETag(b"c"))),
        (b', ,"a",,', (ETag(b"a"),)),
        (b'a, "b"', (ETag(b"b"),)),
        (b'"a" "b", "c"', (ETag(b"c"),)),
        (b'"a b", "c"', (ETag(b"c"),)),
        (b'"a", "b', (ETag(b"a"),)),
        (b'"a", *', (ETag(b"a"),)),
        (b"* *", ()),
    ],
)
def test_a_list_names_its_tags_and_what_is_none_is_skipped(
    value: bytes, expected: tuple[ETag, ...]
) -> None:
    assert etags_of(value) == expected


def test_a_star_names_any_state() -> None:
    assert etags_of(b"*") == etags_of(b" *\t") == "*"


@pytest.mark.parametrize(
    ("a", "b", "is_strong", "is_weak"),
    [
        (b'W/"1"', b'W/"1"', False, True),
        (b'W/"1"', b'W/"2"', False, False),
        (b'W/"1"', b'"1"', False, True),
        (b'"1"', b'W/"1"', False, True),
        (b'"1"', b'"1"', True, True),
        (b'"1"', b'"2"', False, False),
    ],
)
def test_the_table_of_strong_and_weak_comparison(
    a: bytes, b: bytes, is_strong: bool, is_weak: bool
) -> None:
    one, other = ETag.parse(a), ETag.parse(b)
    assert one is not None
    assert other is not None
    assert (strong(one, other), weak(one, other)) == (is_strong, is_weak)


@given(st.lists(TAGS))
def test_tags_that_are_sent_are_read_as_they_were(tags: list[ETag]) -> None:
    assert [ETag.parse(bytes(tag)) for tag in tags] == tags
    assert etags_of(b", ".join(map(bytes, tags))) == tuple(tags)


@given(HOSTILE)
def test_no_bytes_are_too_strange_for_tags(value: bytes) -> None:
    found = etags_of(value)
    assert found == "*" or all(bytes(tag) in value for tag in found if isinstance(tag, ETag))
    tag = ETag.parse(value)
    assert tag is None or bytes(tag) == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        b'"' * 200000,
        b'"a,' * 200000,
        b'"' + b"," * 500000,
        b'"a",' * 50000,
        b" " * 500000,
        b'"a"' + b" " * 500000 + b"x",
        b'W/"' * 200000,
        b"*," * 200000,
    ],
)
def test_long_lists_take_time_in_proportion(value: bytes) -> None:
    etags_of(value)
    ETag.parse(value)
