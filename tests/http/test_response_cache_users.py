"""Nothing of one user reaches another, and nothing that is not keyed changes what others get."""

import pytest

from cachekit.http import CacheControl, Rule
from cachekit.http.exchange import Scope
from cachekit.http.telltale import CREDENTIALS, OVERRIDES
from tests.http.helpers import Answers, Reply, Sites, fresh, lines_of, reply, scope_of

SHARED = "public, max-age=60"


def echo(name: str, **fields: str) -> Answers:
    """An application that answers with what a field says, and has not thought of caches."""

    def answer(scope: Scope) -> Reply:
        said = [value for key, value in scope["headers"] if key == name.encode()]
        return Reply(200, lines_of({"cache_control": SHARED, **fields}), b",".join(said))

    return answer


@pytest.mark.parametrize("name", [each.decode() for each in sorted(CREDENTIALS | OVERRIDES)])
async def test_answers_by_credentials_and_by_overrides_are_apart(site: Sites, name: str) -> None:
    at = site(echo(name))
    for _ in range(2):
        for user in ("alice", "bob"):
            scope = scope_of("/", headers=[(name.encode(), user.encode())])
            assert (await at.client.send(scope)).body == user.encode()
        assert (await at.ask()).body == b""
    assert at.origin.calls == 3


@pytest.mark.parametrize("said", ["max-age=60", "private", "no-store", "max-age=60, private"])
async def test_an_answer_to_credentials_that_does_not_say_it_may_is_not_stored(
    site: Sites, said: str
) -> None:
    at = site(reply(200, "mine", cache_control=said))
    for _ in range(2):
        await at.ask(authorization="Bearer alice")
    assert at.origin.calls == 2


async def test_a_request_with_cookies_is_neither_answered_nor_stored(site: Sites) -> None:
    at = site(echo("cookie"))
    for cookie in ("s=alice", "s=bob"):
        got = await at.ask(cookie=cookie)
        assert (got.body, got.cache) == (cookie.encode(), "fwd=bypass")
    assert (await at.ask()).body == b""
    assert (await at.ask(cookie="s=alice")).body == b"s=alice"


async def test_cookies_that_a_rule_names_are_apart(site: Sites) -> None:
    at = site(echo("cookie"), rules=[Rule(path="/", cookies=["lang"])])
    asks = ["lang=de", "lang=en", "lang=de; s=1"]
    got = [(await at.ask(cookie=each)).body for each in asks]
    assert got == [b"lang=de", b"lang=en", b"lang=de"]


async def test_cookies_that_a_rule_ignores_share_an_answer(site: Sites) -> None:
    at = site(fresh("one"), rules=[Rule(path="/*", cookies=[])])
    for cookie in ("s=alice", "s=bob"):
        assert (await at.ask(cookie=cookie)).body == b"one"
    assert at.origin.calls == 1


async def test_no_rule_stores_what_sets_a_cookie(site: Sites) -> None:
    rule = Rule(path="/", cookies=[], server=CacheControl(max_age=60))
    at = site(fresh("one", set_cookie="s=alice"), fresh("two"), rules=[rule])
    assert (await at.ask())["set-cookie"] == "s=alice"
    got = await at.ask()
    assert (got.body, got["set-cookie"]) == (b"two", None)


async def test_a_rule_keeps_a_path_out(site: Sites) -> None:
    at = site(fresh("one"), rules=[Rule(path="/me", store=False)])
    for url in ("/me", "//me", "/me;x.css", "/x/../me"):
        await at.ask(url)
        assert (await at.ask(url)).cache == "fwd=bypass"
    assert at.origin.calls == 8


async def test_a_rule_tells_browsers_less_than_it_keeps_itself(site: Sites) -> None:
    rule = Rule(path="/", browser=CacheControl(max_age=5), server=CacheControl(max_age=60))
    at = site(reply(200, "one"), rules=[rule])
    for _ in range(2):
        assert (await at.ask())["cache-control"] == "max-age=5"
    assert (await at.ask()).cache == "hit; ttl=60"


PATHS = ["/a", "//a", "/a/", "/A", "/%61", "/a%2f", "/a;x.css", "/a/.", "/a?", "/a?x", "/a?x&x"]


async def test_paths_that_some_read_as_the_same_are_apart(site: Sites) -> None:
    def answer(scope: Scope) -> Reply:
        return fresh(scope["raw_path"] + b"?" + scope["query_string"])

    at = site(answer)
    for _ in range(2):
        for url in PATHS:
            expected = url if "?" in url else url + "?"
            assert (await at.ask(url)).body == expected.encode()


async def test_a_get_with_a_body_is_bypassed_and_nobody_elses_is_seen(site: Sites) -> None:
    at = site(fresh("fat"), fresh("thin"))
    got = await at.ask("/", body=b"evil", content_length="4")
    assert (got.body, got.cache) == (b"fat", "fwd=bypass")
    assert (await at.ask()).body == b"thin"


@pytest.mark.parametrize("host", [b"test/b", b"test?x", b"test#", b"evil@test"])
async def test_a_host_that_reaches_into_the_path_poisons_nothing(site: Sites, host: bytes) -> None:
    at = site(fresh("evil"), fresh("good"))
    scope = scope_of("/c", headers=[(b"host", host)])
    assert (await at.client.send(scope)).cache == "fwd=bypass"
    for url in ("/b/c", "/c", "/c?x/c", "/?x/c"):
        assert (await at.ask(url)).body == b"good"


async def test_a_range_or_a_head_poisons_nothing(site: Sites) -> None:
    at = site(reply(206, "n", cache_control=SHARED, content_range="bytes 1-1/3"), fresh("one"))
    await at.ask(range="bytes=1-1")
    assert (await at.ask()).body == b"one"
    at = site(fresh(""), fresh("two"))
    await at.ask("/head", method="HEAD")
    assert (await at.ask("/head")).body == b"two"


async def test_a_validator_never_answers_for_other_credentials(site: Sites) -> None:
    at = site(echo("authorization", etag='"1"'))
    await at.ask(authorization="alice")
    calls = at.origin.calls
    got = await at.ask(authorization="bob", if_none_match='"0"')
    assert (got.body, at.origin.calls) == (b"bob", calls + 1)
    assert (await at.ask(authorization="bob", if_none_match='"1"')).status == 304
    assert at.origin.calls == calls + 1
