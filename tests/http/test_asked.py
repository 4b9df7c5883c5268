"""What a request asks for: its key, and whether it is for the cache."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit.http.asked import Asked, ask, plain
from cachekit.http.rules import Rule
from cachekit.http.telltale import CREDENTIALS, OVERRIDES
from tests.http.helpers import scope_of

BYTES = st.binary(max_size=12)
APART = CREDENTIALS | (OVERRIDES - {b"forwarded"})
LINES = st.lists(
    st.tuples(
        st.sampled_from([*sorted(CREDENTIALS | OVERRIDES), b"cookie", b"pragma", b"host", b"x"])
        | BYTES,
        BYTES,
    ),
    max_size=6,
)


def asked(url: str = "/a", *headers: tuple[bytes, bytes], **more: Any) -> Asked:
    found = ask(scope_of(url, headers=headers, **more.pop("scope", {})), more.pop("rule", None))
    assert found is not None
    return found


def is_bypassed(*headers: tuple[bytes, bytes], rule: Rule | None = None, **more: Any) -> bool:
    return ask(scope_of("/a", headers=headers, **more), rule) is None


def key(url: str = "/a", *headers: tuple[bytes, bytes], **more: Any) -> str:
    return asked(url, *headers, **more).key


def test_the_key_is_the_url_as_it_was_sent() -> None:
    assert key("/a%2Fb;c?q=1&q=2") == "http://test/a%2Fb;c?q=1&q=2"


PATHS = ["/A", "//a", "/a/", "/%61", "/a%2f", "/./a", "/a;x.css", "/a?q", "/a?q=", "/a%3Fq", "/a?Q"]


def test_what_some_read_as_the_same_path_is_another_one() -> None:
    assert len({key(url) for url in ["/a", "/a?q=1", "/a?q=2&q=1", "/a?q=1&q=2", *PATHS]}) == 15


def test_hosts_and_schemes_are_apart() -> None:
    keys = {
        key(),
        key("/a", (b"host", b"other")),
        key("/a", (b"host", b"test:80")),
        key("/a", scope={"scheme": "https"}),
    }
    assert len(keys) == 4


def test_the_case_of_the_host_makes_no_difference() -> None:
    assert key("/a", (b"host", b"TeSt")) == key()


@pytest.mark.parametrize("host", [b"test/b", b"test?", b"test#", b"te st", b"a@test", b"te\\st"])
def test_a_host_that_reaches_into_the_path_is_bypassed(host: bytes) -> None:
    assert is_bypassed((b"host", host))


def test_two_hosts_or_none_are_bypassed() -> None:
    assert is_bypassed((b"host", b"a"), (b"host", b"b"))
    assert ask({**scope_of("/a"), "headers": []}, None) is None


@pytest.mark.parametrize("path", ["om/a", "http://other/a", "*", ""])
def test_a_target_that_is_no_path_is_bypassed(path: str) -> None:
    scope = {**scope_of("/"), "path": path, "raw_path": path.encode()}
    assert ask(scope, None) is None


def test_a_path_without_its_raw_form_is_not_taken_for_another_ones_query() -> None:
    scope = scope_of("/a%3Fb")
    del scope["raw_path"]
    found = ask(scope, None)
    assert found is not None
    assert found.resource != asked("/a?b?").resource
    assert found.resource == asked("/a%3Fb").resource


def test_a_path_that_was_rewritten_outside_is_part_of_the_key() -> None:
    one, two = (key("/a", scope={"path": path}) for path in ("/one", "/two"))
    assert len({one, two, key("/a")}) == 3
    assert asked("/a", scope={"path": "/one"}).resource == asked("/a").resource


def test_an_end_of_line_which_keys_have_a_meaning_for_is_bypassed() -> None:
    assert ask({**scope_of("/a"), "query_string": b"\nx"}, None) is None
    assert ask({**scope_of("/a"), "raw_path": b"/a\nx"}, None) is None
    assert ask({**scope_of("/a"), "path": "/a\nx", "raw_path": None}, None) is not None


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
def test_who_has_credentials_has_a_key_of_its_own(name: bytes) -> None:
    alice, bob = asked("/a", (name, b"alice")), asked("/a", (name, b"bob"))
    assert len({alice.key, bob.key, key()}) == 3
    assert alice.known_user
    assert "alice" not in alice.key
    assert alice.resource == asked("/a").resource


@pytest.mark.parametrize("name", sorted(OVERRIDES))
def test_fields_that_may_mislead_the_application_are_part_of_the_key(name: bytes) -> None:
    assert key("/a", (name, b"evil")) != key()
    assert not asked("/a", (name, b"evil")).known_user


def forwarded(value: bytes) -> str:
    return key("/a", (b"forwarded", value))


def test_the_address_of_a_client_makes_no_difference_and_what_it_is_led_to_does() -> None:
    plain = forwarded(b"for=192.0.2.1; proto=http;host=a")
    assert forwarded(b'For="[2001:db8::1]:80"; proto=http;host=a') == plain
    others = [
        b"for=192.0.2.1; proto=http;host=b",
        b'for="x;host=evil"; proto=http;host=a',
        b'for="x; proto=http;host=a',
        b"for=x host=evil; proto=http;host=a",
        b"xfor=192.0.2.1; proto=http;host=a",
    ]
    assert len({plain, *map(forwarded, others)}) == 6


def test_the_order_of_two_credentials_counts() -> None:
    alice, bob = (b"authorization", b"alice"), (b"authorization", b"bob")
    assert key("/a", alice, bob) != key("/a", bob, alice)


def test_the_order_of_different_fields_does_not_count() -> None:
    one, two = (b"authorization", b"alice"), (b"x-api-key", b"1")
    assert key("/a", one, two) == key("/a", two, one)


@pytest.mark.parametrize(
    "header",
    [
        (b"content-length", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"if-match", b'"a"'),
        (b"if-unmodified-since", b"x"),
        (b"upgrade", b"h2c"),
        (b"expect", b"100-continue"),
        (b"cookie", b"a=b"),
    ],
)
def test_what_is_not_for_the_cache_is_bypassed(header: tuple[bytes, bytes]) -> None:
    assert is_bypassed(header)


def test_a_request_with_an_empty_body_is_for_the_cache() -> None:
    assert key("/a", (b"content-length", b"0")) == key()


def test_a_rule_keeps_its_paths_out() -> None:
    assert is_bypassed(rule=Rule(path="/a", store=False))


def test_a_load_is_never_led_by_a_part_or_a_head() -> None:
    assert asked().loads
    assert not asked("/a", scope={"method": "HEAD"}).loads
    assert not asked("/a", (b"range", b"bytes=0-1")).loads
    assert not asked("/a", (b"cache-control", b"only-if-cached")).loads


def test_pragma_counts_only_without_cache_control() -> None:
    pragma = (b"pragma", b"x, no-cache")
    assert "no-cache" in asked("/a", pragma).directives
    assert "no-cache" not in asked("/a", pragma, (b"cache-control", b"max-age=1")).directives


def test_directives_of_clients_can_be_ignored() -> None:
    scope = scope_of("/a", headers=[(b"cache-control", b"no-cache"), (b"pragma", b"no-cache")])
    found = ask(scope, None, obeys=False)
    assert found is not None
    assert not found.directives


NONE = Rule(path="/a", cookies=[])
LANG = Rule(path="/a", cookies=["lang"])


@settings(deadline=None)
@given(LINES, BYTES, BYTES, st.sampled_from([None, NONE, LANG]))
def test_no_bytes_in_a_request_raise(
    lines: list[tuple[bytes, bytes]], path: bytes, query: bytes, rule: Rule | None
) -> None:
    text = path.decode("utf-8", "surrogateescape")
    scope = {
        **scope_of("/"),
        "headers": lines,
        "path": text,
        "raw_path": path,
        "query_string": query,
    }
    ask(scope, rule)
    ask({**scope, "path": "/" + text, "raw_path": None}, rule)


@settings(deadline=None)
@given(LINES, LINES, st.sampled_from([None, NONE, LANG]))
def test_requests_of_one_key_have_the_same_credentials(
    one: list[tuple[bytes, bytes]], two: list[tuple[bytes, bytes]], rule: Rule | None
) -> None:
    host = (b"host", b"test")
    asks = [ask({**scope_of("/"), "headers": [host, *lines]}, rule) for lines in (one, two)]
    if asks[0] is not None and asks[1] is not None and asks[0].key == asks[1].key:
        apart = [
            [[v for n, v in lines if n == name] for name in sorted(APART)] for lines in (one, two)
        ]
        assert apart[0] == apart[1]


@settings(deadline=None)
@given(LINES, BYTES, BYTES)
def test_what_is_plain_is_asked_for_by_the_same_key(
    headers: list[tuple[bytes, bytes]], path: bytes, query: bytes
) -> None:
    scope = {**scope_of("/", headers=headers), "raw_path": b"/" + path, "query_string": query}
    found = ask(scope, None)
    key = plain(scope)
    if key is not None:
        assert found is not None
        assert (key, key, True) == (found.key, found.resource, found.bare)
        assert not found.known_user


def test_plain_is_what_has_nothing_but_a_url_and_fields_that_make_no_difference() -> None:
    scopes = [
        scope_of("/a?b", headers=[(b"accept", b"*/*"), (b"user-agent", b"x")]),
        scope_of("/a?b", headers=[(b"accept", b"*/*"), (b"x-api-key", b"x")]),
        scope_of("/a?b", headers=[(b"cookie", b"a=b")]),
        {**scope_of("/a?b"), "headers": [(b"host", b"a"), (b"host", b"b")]},
        scope_of("/a?b", headers=[(b"if-none-match", b"*")]),
        {**scope_of("/a?b"), "raw_path": b"/a", "path": "/elsewhere"},
    ]
    for scope in scopes:
        ask(scope, None)  # a name is known once it was met
    assert [plain(scope) is not None for scope in scopes] == [True, *[False] * 5]
