"""What applications send besides a head and a body, and what becomes of them after their answer."""

import asyncio
import gc
import logging
import weakref

import pytest

from cachekit.http import ResponseCache
from cachekit.http.exchange import Message, Receive, Scope, Send
from tests.http.helpers import Client, Reply, Sites, chunk, fresh, rest, scope_of, start, until

FRESH = [(b"cache-control", b"max-age=60")]


def sends(*messages: Message) -> Reply:
    return Reply(parts=list(messages))


@pytest.mark.timeout(10)
async def test_hints_before_the_head_hold_up_nothing(site: Sites) -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]}
    it = site(sends(hint, start(200, FRESH), chunk(b"hello", more=False)))
    for _ in range(2):
        answer = await it.ask()
        assert [message["type"] for message in answer.messages] == [
            "http.response.early_hint",
            "http.response.start",
            "http.response.body",
        ]
        assert "stored" not in answer.cache
    assert it.origin.calls == 2


@pytest.mark.timeout(10)
async def test_what_a_template_tells_a_test_client_makes_no_difference(site: Sites) -> None:
    debug = {"type": "http.response.debug", "info": {"template": "page"}}
    it = site(sends(debug, start(200, FRESH), chunk(b"hello", more=False)))
    first, second = await it.ask(), await it.ask()
    assert first.messages[0] is debug
    assert second.body == b"hello"
    assert it.origin.calls == 1


async def test_fields_in_upper_case_are_seen(site: Sites) -> None:
    head = [(b"Cache-Control", b"max-age=60"), (b"Set-Cookie", b"session=of-ada")]
    it = site(sends(start(200, head), chunk(b"hello", more=False)))
    assert [(await it.ask())["set-cookie"] for _ in range(2)] == ["session=of-ada"] * 2
    assert it.origin.calls == 2


async def test_fields_that_can_be_read_once_only_reach_the_client(site: Sites) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        head = ([name, value] for name, value in [(b"x-it", b"there"), *FRESH])
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": memoryview(b"hello")})

    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    answers = [await client.ask() for _ in range(2)]
    assert [answer["x-it"] for answer in answers] == ["there"] * 2
    assert answers[1].body == b"hello"


async def test_a_buffer_that_is_used_again_for_the_next_piece_reaches_the_client(
    site: Sites,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, FRESH))
        buffer = bytearray(2)
        for part in (b"ab", b"cd", b"ef"):
            buffer[:] = part
            body = memoryview(buffer)
            await send({"type": "http.response.body", "body": body, "more_body": part != b"ef"})

    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    assert [(await client.ask()).body for _ in range(2)] == [b"abcdef"] * 2


async def test_what_says_that_it_is_too_large_is_not_begun_to_be_kept(site: Sites) -> None:
    it = site(fresh(b"hello", content_length="5"), max_body_bytes=4)
    for _ in range(2):
        answer = await it.ask()
        assert (answer.body, answer.cache) == (b"hello", "fwd=uri-miss")


# -- after the answer


class Late:
    """An application that goes on after its answer, until it may end: then it raises."""

    def __init__(self, lifetime: bytes) -> None:
        self.head = start(200, [(b"cache-control", lifetime)])
        self.runs = self.ended = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.runs += 1
        await send(self.head)
        await send(chunk(b"hello", more=False))
        try:
            await self.may_end.wait()
            raise LookupError("late")
        finally:
            self.ended += 1


async def test_what_still_runs_after_a_refresh_is_not_collected_as_garbage(site: Sites) -> None:
    waits_for: list[weakref.ref[asyncio.Future[None]]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, [(b"cache-control", b"max-age=10, stale-while-revalidate=60")]))
        await send(chunk(b"hello", more=False))
        if site.cache.stats().fills:
            forever = asyncio.get_running_loop().create_future()
            waits_for.append(weakref.ref(forever))
            await forever

    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    await client.ask()
    site.clock.advance(20)
    await client.ask()
    await until(lambda: site.cache.stats().fills == 2)
    gc.collect()
    [ref] = waits_for
    forever = ref()
    assert forever is not None
    forever.set_result(None)


async def test_an_application_hears_that_it_is_over_however_slow_its_client_is(
    site: Sites,
) -> None:
    heard: list[Message] = []
    takes = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, FRESH))
        await send(chunk(b"hello", more=False))
        heard.extend([await receive(), await receive()])

    async def receive() -> Message:
        raise AssertionError("the client itself was asked")

    async def send(message: Message) -> None:
        await takes.wait()

    cached = ResponseCache(app, site.cache, clock=site.clock)
    asking = asyncio.create_task(cached(scope_of(), receive, send))
    await until(lambda: len(heard) == 2)
    assert heard[1]["type"] == "http.disconnect"
    assert not asking.done()
    takes.set()
    await asking


async def test_what_is_for_a_client_that_is_cancelled_is_cancelled(site: Sites) -> None:
    ended: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, [(b"cache-control", b"private")]))
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            ended.append(error)
            raise

    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    asking = asyncio.create_task(client.ask())
    await rest()
    asking.cancel()
    await until(lambda: bool(ended))
    assert isinstance(ended[0], asyncio.CancelledError)


@pytest.mark.parametrize("lifetime", [b"max-age=60", b"private"])
async def test_who_asked_first_is_told_what_is_raised_after_the_answer(
    site: Sites, lifetime: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    app = Late(lifetime)
    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    asking = asyncio.create_task(client.ask())
    await rest()
    app.may_end.set()
    with pytest.raises(LookupError, match="late"):
        await asking
    await rest()
    assert not caplog.records  # it is told once
    assert app.runs == 1


async def test_what_a_refresh_raises_after_its_answer_is_logged(
    site: Sites, caplog: pytest.LogCaptureFixture
) -> None:
    app = Late(b"max-age=10, stale-while-revalidate=60")
    app.may_end.set()
    client = Client(ResponseCache(app, site.cache, clock=site.clock))
    with pytest.raises(LookupError):
        await client.ask()
    app.may_end.clear()
    site.clock.advance(20)
    assert (await client.ask()).body == b"hello"
    await until(lambda: site.cache.stats().fills == 2)
    gc.collect()  # nobody but us holds what still runs
    assert app.ended == 1
    app.may_end.set()
    await until(lambda: app.ended == 2)
    await until(lambda: bool(caplog.records))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("cachekit", logging.ERROR)
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)
