"""Which paths a rule is for."""

from typing import Any

import pytest

from cachekit import ConfigurationError
from cachekit.http import CacheControl
from cachekit.http.rules import Rule, Rules

ALL = Rules([Rule(path="/*")])


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a/b.c", "/a/..b", "/.well-known/x"])
def test_a_rule_is_for_plain_paths(path: str) -> None:
    assert ALL.of(path) is not None


@pytest.mark.parametrize("path", ["//", "/a//b", "/a/.", "/a/..", "/../a", "/a;x.css", "/a\\b"])
def test_no_rule_is_for_a_path_that_others_may_read_as_another(path: str) -> None:
    assert ALL.of(path) is None


def test_the_first_rule_that_covers_a_path_counts() -> None:
    one, two = Rule(path="/a/*", tags=["one"]), Rule(path="/a/b", tags=["two"])
    assert Rules([one, two]).of("/a/b") is one
    assert Rules([two, one]).of("/a/b") is two
    assert Rules([two]).of("/a/c") is None


@pytest.mark.parametrize(
    ("path", "covered", "others"),
    [
        ("/a", ["/a"], ["/a/", "/A", "/ab", "/a/b"]),
        ("/a/*", ["/a/", "/a/b"], ["/a", "/A/b", "/ab"]),
        ("/a*", ["/a", "/ab", "/a/b"], ["/A", "/b"]),
    ],
)
def test_a_rule_covers_one_path_or_all_that_begin_so(
    path: str, covered: list[str], others: list[str]
) -> None:
    rules = Rules([Rule(path=path)])
    assert all(rules.of(each) for each in covered)
    assert not any(rules.of(each) for each in others)


@pytest.mark.parametrize("path", ["//private", "/x/../private", "/private;a.css", "/private/."])
def test_no_odd_spelling_takes_a_path_out_of_a_rule_that_keeps_it_out(path: str) -> None:
    found = Rules([Rule(path="/private", store=False), Rule(path="/*")]).of(path)
    assert found is not None
    assert not found.store
    assert (found.policy, found.cookies) == (None, None)


@pytest.mark.parametrize("path", ["a", "", "/a*b", "/*/a"])
def test_a_path_that_is_none_is_an_error(path: str) -> None:
    with pytest.raises(ConfigurationError, match="begins with '/'"):
        Rule(path=path)


def test_one_string_in_place_of_several_is_an_error() -> None:
    for name in ("cookies", "tags"):
        wrong: dict[str, Any] = {name: "lang"}
        with pytest.raises(ConfigurationError, match=rf"is one str: write {name}=\['lang'\]"):
            Rule(path="/a", **wrong)


def test_what_is_no_rule_is_an_error() -> None:
    wrong: Any = "/static"
    with pytest.raises(ConfigurationError, match="write Rule"):
        Rules([wrong])


def test_a_rule_without_lifetimes_has_no_policy() -> None:
    assert Rule(path="/a").policy is None
    policy = Rule(path="/a", browser=CacheControl(max_age=1)).policy
    assert policy is not None
    assert policy.server is None
