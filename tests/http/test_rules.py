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


ODD = [
    *("//private", "/x/../private", "/private;a.css", "/private/.", "/private\n", "/private\0"),
    *("/private ", "/x/%2e%2e/private", "/%70rivate", "\\private", "/\tprivate"),
]


@pytest.mark.parametrize("path", ODD)
def test_no_odd_spelling_takes_a_path_out_of_a_rule_that_keeps_it_out(path: str) -> None:
    found = Rules([Rule(path="/private", store=False), Rule(path="/*")]).of(path)
    assert found is not None
    assert not found.store
    assert (found.policy, found.cookies) == (None, None)


MOUNTED = [
    ("/api/me", "/api", True),
    ("/api/me", "/api/", True),
    ("/me", "/api", True),
    ("/api", "/api", False),
    ("/apime", "/api", False),
    ("/api/me", "", False),
]


@pytest.mark.parametrize(("path", "root", "kept_out"), MOUNTED)
def test_rules_are_for_paths_as_routes_have_them(path: str, root: str, kept_out: bool) -> None:
    found = Rules([Rule(path="/me", store=False), Rule(path="/", tags=["home"])]).of(path, root)
    assert (found is not None and not found.store) == kept_out
    assert (found is not None and found.store) == (path == root)


def test_a_whole_path_that_is_to_be_kept_out_is_kept_out_below_a_root_too() -> None:
    rules = Rules([Rule(path="/m*", cookies=[]), Rule(path="/api/me", store=False)])
    found = rules.of("/api/me", "/api")
    assert found is not None
    assert not found.store
    assert rules.of("/api/my", "/api") is not None


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
