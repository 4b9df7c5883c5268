"""What is told to caches outside."""

from typing import Any

import pytest

from cachekit.http import CacheControl, CacheControlMiddleware, Rule
from cachekit.http.exchange import Message
from cachekit.http.rules import Rules
from cachekit.http.telling import SAFE, told
from tests.http.helpers import Client, Lines, Origin, Reply, reply, scope_of

PUBLIC = CacheControl(public=True, max_age=60)
RULE = Rule(path="/a", browser=PUBLIC)


def said(
    answer: Reply | None = None, rule: Rule | None = RULE, headers: Lines | None = None
) -> list[tuple[bytes, bytes]]:
    """The Cache-Control that is sent."""
    answer = reply() if answer is None else answer
    start: Message = {"type": "x", "status": answer.status, "headers": answer.headers}
    sent = told(scope_of("/a", headers=headers or []), rule, start, None)
    return [line for line in sent["headers"] if line[0] == b"cache-control"]


def line(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"cache-control", value.encode())]


def test_an_answer_gets_the_cache_control_of_its_rule() -> None:
    assert said() == line("public, max-age=60")
    assert said(rule=None) == []


@pytest.mark.parametrize("own", ["cache_control", "expires", "pragma"])
def test_an_answer_that_says_something_itself_is_left_as_it_is(own: str) -> None:
    answer = reply(200, "", **{own: "x"})
    assert said(answer) == [each for each in answer.headers if each[0] == b"cache-control"]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_what_is_no_success_gets_none(status: int) -> None:
    assert said(reply(status)) == []


def test_a_304_is_told_what_the_200_was() -> None:
    assert said(reply(304)) == line("public, max-age=60")


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"cookie", b"x-user-id"])
def test_nothing_is_called_public_that_may_be_for_one_user(name: bytes) -> None:
    assert said(headers=[(name, b"mine")]) == line("private, max-age=60")


def test_nothing_is_called_public_that_sets_a_cookie() -> None:
    assert said(reply(200, set_cookie="a=b")) == line("private, max-age=60")


def test_cookies_that_never_count_make_nobody_of_a_client() -> None:
    rule = Rule(path="/a", browser=PUBLIC, cookies=[])
    assert said(rule=rule, headers=[(b"cookie", b"a=b")]) == line("public, max-age=60")
    rule = Rule(path="/a", browser=PUBLIC, cookies=["lang"])
    assert said(rule=rule, headers=[(b"cookie", b"lang=de")]) == line("private, max-age=60")
    assert said(rule=rule) == line("private, max-age=60")


def test_what_is_for_shared_caches_alone_is_not_told_of_what_is_private() -> None:
    shared = CacheControl(max_age=1, s_maxage=60, proxy_revalidate=True)
    rule = Rule(path="/a", browser=shared)
    assert said(rule=rule, headers=[(b"authorization", b"me")]) == line("private, max-age=1")


def test_what_is_not_to_be_stored_stays_so() -> None:
    rule = Rule(path="/a", browser=CacheControl(no_store=True))
    assert said(rule=rule, headers=[(b"authorization", b"me")]) == line("no-store")


def middleware(**options: Any) -> Client:
    return Client(CacheControlMiddleware(Origin(reply(200, "one")), **options))


async def test_the_default_of_the_middleware_is_safe() -> None:
    assert (await middleware().ask("/a"))["cache-control"] == str(SAFE) == "private, no-cache"


async def test_the_middleware_goes_by_rules() -> None:
    for rules in ((RULE,), Rules([RULE])):
        client = middleware(rules=rules)
        assert (await client.ask("/a"))["cache-control"] == "public, max-age=60"
        assert (await client.ask("/b"))["cache-control"] == "private, no-cache"


async def test_the_middleware_can_have_no_default() -> None:
    assert (await middleware(default=None).ask("/a"))["cache-control"] is None


async def test_the_middleware_lets_other_protocols_pass() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await CacheControlMiddleware(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
