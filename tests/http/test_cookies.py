"""Which cookies make another request of one."""

import pytest

from cachekit.http.asked import ask
from cachekit.http.rules import Rule
from tests.http.helpers import scope_of

NONE = Rule(path="/a", cookies=[])
LANG = Rule(path="/a", cookies=["lang"])


def key(url: str = "/a", *headers: tuple[bytes, bytes], rule: Rule | None = None) -> str:
    found = ask(scope_of(url, headers=headers), rule)
    assert found is not None
    return found.key


def test_cookies_that_never_count_make_no_difference() -> None:
    assert key("/a", (b"cookie", b"session=1"), rule=NONE) == key()


def test_the_cookies_that_count_are_part_of_the_key() -> None:
    keys = {
        key("/a", (b"cookie", cookies), rule=LANG) for cookies in (b"lang=de", b"lang=en", b"x=y")
    }
    assert len(keys) == 3
    same = key("/a", (b"cookie", b"x=1; lang=de; y=2"), rule=LANG)
    assert same == key("/a", (b"cookie", b"lang=de"), rule=LANG)


@pytest.mark.parametrize(
    "cookies",
    [
        b"lang =de",
        b"lang\xa0=de",
        b"\x0blang=de",
        b'lang="a;b"',
        b"x=1,lang=de",
        b"lang=de,x",
        b"lang",
        b'x="; lang=de; y="',
    ],
)
def test_cookies_that_are_read_in_several_ways_count_as_a_whole(cookies: bytes) -> None:
    odd = key("/a", (b"cookie", cookies), rule=LANG)
    plain = {key("/a", rule=LANG), key("/a", (b"cookie", b"x=1"), rule=LANG)}
    also = key("/a", (b"cookie", cookies + b"; z=1"), rule=LANG)
    assert odd not in plain | {key("/a", (b"cookie", b"lang=de"), rule=LANG), also}


def test_which_of_two_cookies_comes_first_counts() -> None:
    one = key("/a", (b"cookie", b"lang=de; lang=en"), rule=LANG)
    assert one != key("/a", (b"cookie", b"lang=en; lang=de"), rule=LANG)


def test_two_lines_of_cookies_count_as_a_whole() -> None:
    plain, other = (b"cookie", b"x=1"), (b"cookie", b"lang=de")
    assert key("/a", plain, other, rule=LANG) != key("/a", other, rule=LANG)
