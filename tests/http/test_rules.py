"""Which paths a rule is for."""

import pytest

from cachekit.http.rules import Rule, Rules

ALL = Rules([Rule(path="/*")])


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a/b.c", "/a/..b", "/.well-known/x"])
def test_a_rule_is_for_plain_paths(path: str) -> None:
    assert ALL.of(path) is not None


@pytest.mark.parametrize("path", ["//", "/a//b", "/a/.", "/a/..", "/../a", "/a;x.css", "/a\\b"])
def test_no_rule_is_for_a_path_that_others_may_read_as_another(path: str) -> None:
    assert ALL.of(path) is None
