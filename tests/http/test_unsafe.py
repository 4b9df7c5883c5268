"""What an answer to a change makes the cache forget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import Key, Tag
from cachekit.http.unsafe import forgotten_by, groups, located, versions_of, written

HERE = "http://test/a/b?q"


def forgotten(*headers: tuple[bytes, bytes], status: int = 200) -> set[str]:
    """The resources that go."""
    return {
        target.text for target in forgotten_by(HERE, status, headers) if isinstance(target, Key)
    }


def test_the_target_goes_with_all_its_versions() -> None:
    assert forgotten_by(HERE, 200, []) == [Key(HERE), Tag(HERE)]


@pytest.mark.parametrize("status", [200, 201, 204, 299, 301, 303, 399])
def test_it_goes_if_there_is_no_error(status: int) -> None:
    assert forgotten(status=status) == {HERE}


@pytest.mark.parametrize("status", [100, 400, 404, 412, 500, 503])
def test_nothing_goes_if_there_is_one(status: int) -> None:
    headers = [(b"location", b"/c"), (b"cache-group-invalidation", b'"g"')]
    assert forgotten_by(HERE, status, headers) == []


NAMED = [
    (b"/c", "http://test/c?"),
    (b"c", "http://test/a/c?"),
    (b"/c?x=%20", "http://test/c?x=%20"),
    (b"?x", "http://test/a/b?x"),
    (b" /c#part ", "http://test/c?"),
    (b"http://TEST/c", "http://test/c?"),
    (b"//test/c", "http://test/c?"),
    (b"http://test", "http://test/?"),
]


@pytest.mark.parametrize("name", [b"location", b"content-location", b"Location"])
@pytest.mark.parametrize(("value", "resource"), NAMED)
def test_what_the_answer_names_of_the_same_origin_goes_too(
    name: bytes, value: bytes, resource: str
) -> None:
    assert forgotten((name, value)) == {HERE, resource}


@pytest.mark.parametrize(
    "value",
    [
        b"http://other/a/b?q",
        b"https://test/c",
        b"http://test:81/c",
        b"http://me@test/c",
        b"mailto:a@b",
        b"http://[",
        b"http://test.other/c",
        b"\\\\test\\c:\x00",
    ],
)
def test_nothing_goes_of_another_origin(value: bytes) -> None:
    assert all(each.startswith("http://test/") for each in forgotten((b"location", value)) | {HERE})


def test_groups_are_of_one_origin() -> None:
    named = [(b"cache-group-invalidation", b'"a", "b"')]
    gone = forgotten_by(HERE, 200, named)
    assert gone == [Key(HERE), Tag(HERE), Tag("group:http://test:a"), Tag("group:http://test:b")]
    assert groups("https://test/", named, b"cache-group-invalidation")[0] == "group:https://test:a"


@pytest.mark.parametrize("value", [b"a", b'"a", b', b'"a"; "b"', b"", b'("a")'])
def test_what_is_no_list_of_strings_names_no_groups(value: bytes) -> None:
    assert groups(HERE, [(b"cache-groups", value)], b"cache-groups") == []


def test_many_long_groups_are_understood() -> None:
    value = ", ".join(f'"{number:032}"' for number in range(64)).encode()
    assert len(groups(HERE, [(b"cache-groups", value)], b"cache-groups")) == 64


def test_a_url_is_written_as_it_is_asked_for() -> None:
    assert located("https://Test:8000/a%2F?b") == "https://test:8000/a%2F?b"
    assert versions_of(located("http://test")) == [Key("http://test/?"), Tag("http://test/?")]


@pytest.mark.parametrize("url", ["/a", "test/a", "ftp://test/a", "http:///a", ""])
def test_what_is_no_url_is_an_error_that_says_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="write 'https://host/path'"):
        located(url)


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
def test_no_bytes_raise_and_none_reach_another_origin(location: bytes, named: bytes) -> None:
    headers = [(b"location", location), (b"cache-group-invalidation", named)]
    assert all(each.startswith("http://test/") for each in forgotten(*headers))


def test_a_url_may_be_written_as_people_read_it() -> None:
    assert written("http://test/ü b?q=%C3%BC&é") == "http://test/%C3%BC%20b?q=%C3%BC&%C3%A9"
