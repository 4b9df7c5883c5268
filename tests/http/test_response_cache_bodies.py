"""What is whole is stored; everything else passes."""

import asyncio

import pytest

from cachekit.http import ResponseCache
from cachekit.http.exchange import Message, Receive, Scope, Send
from tests.http.helpers import (
    Client,
    Lines,
    Reply,
    Sites,
    chunk,
    fresh,
    reply,
    rest,
    scope_of,
    start,
    until,
)

FRESH = (b"cache-control", b"max-age=60")


def parts(*messages: Message, headers: Lines | None = None) -> Reply:
    """An answer in several messages."""
    return Reply(parts=[start(200, [FRESH, *(headers or [])]), *messages])


async def test_an_answer_in_parts_is_stored_as_one(site: Sites) -> None:
    at = site(parts(chunk(b"o", more=True), chunk(b"n", more=True), chunk(b"e", more=False)))
    first, second = await at.ask(), await at.ask()
    assert (first.body, second.body) == (b"one", b"one")
    assert [m.get("body") for m in first.messages[1:]] == [b"o", b"n", b"e"]
    assert (first["content-length"], second["content-length"]) == (None, "3")


@pytest.mark.parametrize(("size", "calls"), [(10, 1), (11, 2)])
async def test_what_is_too_large_passes_and_is_not_stored(
    site: Sites, size: int, calls: int
) -> None:
    answer = parts(chunk(b"x" * 6, more=True), chunk(b"x" * (size - 6), more=False))
    at = site(answer, max_body_bytes=10)
    for _ in range(2):
        assert len((await at.ask()).body) == size
    assert at.origin.calls == calls


async def test_an_application_that_fails_in_the_middle_leaves_nothing(site: Sites) -> None:
    broken = parts(chunk(b"on", more=True))
    broken.error = ValueError("broken")
    at = site(broken, fresh("two"))
    with pytest.raises(ValueError, match="broken"):
        await at.ask()
    assert (await at.ask()).body == b"two"


async def test_an_application_that_stops_in_the_middle_leaves_nothing(site: Sites) -> None:
    at = site(parts(chunk(b"on", more=True)), fresh("two"))
    assert (await at.ask()).body == b"on"
    assert (await at.ask()).body == b"two"


@pytest.mark.parametrize("length", [b"2", b"4", b"x", b"-3"])
async def test_a_body_that_is_not_as_long_as_it_says_is_not_stored(
    site: Sites, length: bytes
) -> None:
    answer = parts(chunk(b"one", more=False), headers=[(b"content-length", length)])
    at = site(answer, fresh("two"))
    assert (await at.ask()).body == b"one"
    assert (await at.ask()).body == b"two"


SENT_PAST_US: list[Message] = [
    {"type": "http.response.pathsend", "path": "/x"},
    {"type": "http.response.zerocopysend", "file": 1},
    {"type": "http.response.trailers", "headers": [], "more_trailers": False},
    {"type": "unheard.of"},
]


@pytest.mark.parametrize("message", SENT_PAST_US, ids=lambda message: message["type"])
async def test_what_is_sent_in_another_way_passes_and_is_not_stored(
    site: Sites, message: Message
) -> None:
    at = site(parts(message, chunk(b"one", more=False)), fresh("two"))
    got = await at.ask()
    assert [each["type"] for each in got.messages[1:]] == [message["type"], "http.response.body"]
    assert (await at.ask()).body == b"two"


async def test_a_hint_before_the_answer_passes_at_once(site: Sites) -> None:
    hint: Message = {"type": "http.response.early_hint", "links": [b"x"]}
    answer = Reply(parts=[hint, *fresh("one").messages()], pause=asyncio.Event())
    at = site(answer)
    got: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        got.append(message)

    asking = asyncio.ensure_future(at.cached(scope_of("/"), receive, send))
    await until(lambda: len(got) == 2)
    assert got[0] == hint
    assert answer.pause is not None
    answer.pause.set()
    await asking
    assert b"".join(each.get("body", b"") for each in got) == b"one"


async def test_events_arrive_one_by_one(site: Sites) -> None:
    kind = (b"content-type", b"text/event-stream")
    answer = parts(chunk(b"1", more=True), chunk(b"2", more=False), headers=[kind])
    answer.pause = asyncio.Event()
    at = site(answer, fresh("two"))
    got: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        got.append(message)

    asking = asyncio.ensure_future(at.cached(scope_of("/"), receive, send))
    await until(lambda: len(got) == 2)
    assert got[1]["body"] == b"1"
    answer.pause.set()
    await asking
    assert (await at.ask()).body == b"two"


async def test_the_last_byte_waits_until_it_is_stored() -> None:
    sites = Sites("far")
    answer = parts(chunk(b"on", more=True), chunk(b"e", more=False))
    answer.pause = asyncio.Event()
    at, store = sites(answer), sites.store
    got: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        got.append(message)

    assert store is not None
    async with sites.cache:
        asking = asyncio.ensure_future(at.cached(scope_of("/"), receive, send))
        await until(lambda: len(got) == 2)
        store.hang()
        answer.pause.set()
        await rest()
        assert len(got) == 2
        store.resume()
        await asking
        assert got[2]["body"] == b"e"


async def test_the_client_does_not_wait_for_what_comes_after_its_answer(site: Sites) -> None:
    released = asyncio.Event()
    done: list[str] = []

    at = site(fresh("one"))
    inner = at.origin

    async def with_task(scope: Scope, receive: Receive, send: Send) -> None:
        await inner(scope, receive, send)
        await released.wait()
        done.append("background")

    client = Client(ResponseCache(with_task, at.cache, clock=at.clock))
    asking = asyncio.ensure_future(client.ask())
    await until(lambda: inner.ended == 1)
    await rest()
    assert (await at.ask()).cache == "hit; ttl=60"
    assert not asking.done()
    released.set()
    assert (await asking).body == b"one"
    assert done == ["background"]


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "unheard.of"])
async def test_other_protocols_pass(site: Sites, kind: str) -> None:
    at = site(reply())
    seen: list[object] = []

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        seen.append(message["type"])

    await at.cached({"type": kind, "headers": []}, nothing, send)
    assert seen == ["http.response.start", "http.response.body"]
