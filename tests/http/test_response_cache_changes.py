"""What makes the cache forget: changes, groups, tags, URLs."""

import asyncio

import pytest

from cachekit import Tag
from cachekit.http import Rule, Stored
from cachekit.http.exchange import Message, Scope
from tests.http.helpers import (
    Answers,
    Reply,
    Site,
    Sites,
    fresh,
    lines_of,
    reply,
    rest,
    scope_of,
    until,
)


async def is_gone(at: Site, url: str = "/") -> bool:
    """Whether the application is asked for it anew."""
    return (await at.ask(url)).cache.startswith("fwd=uri-miss")


def by_method(change: Reply) -> Answers:
    return lambda scope: fresh("one") if scope["method"] == "GET" else change


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "M-SEARCH", "PURGE"])
async def test_a_change_forgets_its_url(site: Sites, method: str) -> None:
    at = site(by_method(reply(204)))
    await at.ask()
    assert (await at.ask(method=method)).cache == "fwd=method"
    assert await is_gone(at)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "HEAD"])
async def test_a_safe_method_forgets_nothing(site: Sites, method: str) -> None:
    at = site(by_method(reply(200)))
    await at.ask()
    await at.ask(method=method)
    assert not await is_gone(at)


@pytest.mark.parametrize("status", [400, 404, 409, 412, 500, 503])
async def test_an_error_forgets_nothing(site: Sites, status: int) -> None:
    at = site(by_method(reply(status, location="/other")))
    await at.ask()
    await at.ask(method="POST")
    assert not await is_gone(at)


@pytest.mark.parametrize("field", ["location", "content_location"])
async def test_a_change_forgets_what_it_names_of_its_origin(site: Sites, field: str) -> None:
    named = lines_of({field: ["/other?x", "http://elsewhere/third"]})
    at = site(by_method(Reply(201, named)))
    for url in ("/other?x", "/third", "/untouched"):
        await at.ask(url)
    await at.ask("/", method="POST")
    assert await is_gone(at, "/other?x")
    assert not await is_gone(at, "/third")
    assert not await is_gone(at, "/untouched")


async def test_what_is_changed_is_forgotten_before_the_client_hears_of_it(site: Sites) -> None:
    at = site(by_method(reply(204)))
    await at.ask()
    gone: list[bool] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            gone.append(await is_gone(at))

    await at.cached(scope_of("/", "POST"), receive, send)
    assert gone == [True]


async def test_what_was_asked_before_a_change_is_not_stored_after_it(site: Sites) -> None:
    slow = fresh("before")
    slow.gate = asyncio.Event()
    at = site(slow, reply(204), fresh("after"))
    asking = asyncio.ensure_future(at.ask())
    await until(lambda: at.origin.calls == 1)
    await rest()
    await at.ask(method="POST")
    slow.gate.set()
    assert (await asking).body == b"before"
    assert (await at.ask()).body == b"after"


async def test_what_is_apart_by_credentials_is_forgotten_too(site: Sites) -> None:
    def answer(scope: Scope) -> Reply:
        return fresh("one", cache_control="public, max-age=60")

    at = site(answer)
    for _ in range(2):
        await at.ask(authorization="alice")
    assert at.origin.calls == 1
    await at.ask(method="POST")
    await at.ask(authorization="alice")
    assert at.origin.calls == 3


async def test_groups_are_forgotten_by_a_change_elsewhere(site: Sites) -> None:
    def answer(scope: Scope) -> Reply:
        if scope["method"] == "POST":
            return reply(204, cache_group_invalidation='"places"')
        return fresh("one", cache_groups='"places", "all"' if scope["path"] == "/a" else '"all"')

    at = site(answer)
    for url in ("/a", "/b", "/a", "/b"):
        await at.ask(url)
        await rest()
    await at.ask("/c", method="POST")
    assert await is_gone(at, "/a")
    assert not await is_gone(at, "/b")


async def test_a_safe_answer_forgets_no_group(site: Sites) -> None:
    def answer(scope: Scope) -> Reply:
        return fresh("one", cache_groups='"g"', cache_group_invalidation='"g"')

    at = site(answer)
    for _ in range(3):
        await at.ask()
        await rest()
    assert not await is_gone(at)


async def test_tags_of_a_rule_and_of_a_function_forget(site: Sites) -> None:
    def tags(scope: Scope, stored: Stored) -> list[str]:
        return [f"of:{stored.body.decode()}"]

    at = site(fresh("one"), rules=[Rule(path="/*", tags=["pages"])], tags_for=tags)
    for tag in ("pages", "of:one"):
        await at.ask()
        await rest()
        assert not await is_gone(at)
        await at.cache.invalidate(Tag(tag))
        assert await is_gone(at)
        await rest()


async def test_a_url_can_be_forgotten_by_hand(site: Sites) -> None:
    def answer(scope: Scope) -> Reply:
        return fresh("one", vary="Accept")

    at = site(answer)
    for accept in ("a", "b"):
        await at.ask("/%C3%BC?q", accept=accept)
    await at.cached.invalidate("http://TEST/ü?q")
    for accept in ("b", "a"):
        assert (await at.ask("/%C3%BC?q", accept=accept)).cache.startswith("fwd=")


async def test_what_is_no_url_cannot_be_forgotten(site: Sites) -> None:
    with pytest.raises(ValueError, match="write 'https://host/path'"):
        await site(fresh("one")).cached.invalidate("/path")
