"""Clients that go in the middle."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request as Asked
from starlette.responses import PlainTextResponse, StreamingResponse

from cachekit.http.exchange import Receive, Scope, Send
from tests.http.served.apps import FRESH, Origin, Request
from tests.http.served.serving import Serving, Site
from tests.servers.waiting import eventually

BIG = b"x" * 2**16


async def until_gone(site: Site, left: int = 0) -> None:
    """Until the server knows it."""
    await eventually(lambda: site.connected == left, "connections to be closed")


class Gate:
    """Tells when it is reached, and lets through when it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.open.wait()


async def test_others_get_what_the_client_that_asked_first_did_not_wait_for(
    serve: Serving,
) -> None:
    gate = Gate()

    async def handler(request: Request) -> None:
        await gate.pass_through()
        await request.say(b"hello")

    origin = Origin(handler)
    site = await serve.cached(origin)
    first, others = await site.wire(), [await site.wire() for _ in range(5)]
    first.ask("/")
    await gate.reached.wait()
    for other in others:
        other.ask("/")
    await eventually(lambda: site.running == 6, "six requests")
    first.cut()
    await until_gone(site, 5)
    gate.open.set()
    answers = [await other.answer() for other in others]
    assert [answer.body for answer in answers] == [b"hello"] * 5
    assert origin.runs == 1


async def test_others_get_all_of_what_the_first_left_in_the_middle(serve: Serving) -> None:
    gate = Gate()

    async def parts() -> AsyncIterator[bytes]:
        yield b"hel"
        await gate.pass_through()
        yield b"lo"

    async def handler(request: Request) -> None:  # it listens for its client to go
        app = StreamingResponse(parts(), headers={"cache-control": "max-age=60"})
        await app(request.scope, request.receive, request.send)

    origin = Origin(handler)
    site = await serve.cached(origin)
    first, other = await site.wire(), await site.wire()
    first.ask("/")
    await first.head()
    assert await first.chunk() == b"hel"
    other.ask("/")
    await eventually(lambda: site.running == 2, "two requests")
    first.cut()
    await until_gone(site, 1)
    gate.open.set()
    assert (await other.answer()).body == b"hello"
    assert origin.runs == 1


async def test_what_nobody_waits_for_any_longer_is_stored_all_the_same(serve: Serving) -> None:
    gate = Gate()

    async def handler(request: Request) -> None:
        await gate.pass_through()
        await request.say(b"hello")

    origin = Origin(handler)
    site = await serve.cached(origin)
    first = await site.wire()
    first.ask("/")
    await gate.reached.wait()
    first.cut()
    await until_gone(site)
    gate.open.set()
    await eventually(lambda: site.running == 0, "the request to end")
    assert (await site.get("/")).is_hit


async def test_an_answer_that_breaks_off_is_not_stored_and_breaks_off_for_its_client(
    serve: Serving,
) -> None:
    async def handler(request: Request) -> None:
        await request.start(length=10)
        await request.chunk(b"hel")
        raise ConnectionError("the database is gone")

    origin = Origin(handler)
    site = await serve.cached(origin)
    for _ in range(2):
        wire = await site.wire()
        wire.ask("/")
        assert (await wire.head()).status == 200
        assert await wire.reader.read() == b"hel"
    assert origin.runs == 2


# -- what is for one client alone


async def test_a_stream_without_end_is_ended_when_its_client_goes(serve: Serving) -> None:
    async def without_end() -> AsyncIterator[bytes]:
        while True:
            yield BIG

    app = StreamingResponse(without_end())
    origin = Origin(lambda request: app(request.scope, request.receive, request.send))
    site = await serve.cached(origin)
    wire = await site.wire()
    wire.ask("/")
    await wire.head()
    await wire.chunk()
    wire.cut()
    await eventually(lambda: bool(origin.ended), "the stream to be ended")
    await eventually(lambda: site.running == 0, "the request to end")


async def test_a_stream_that_says_it_is_fresh_is_ended_too_once_it_is_too_large(
    serve: Serving,
) -> None:
    async def without_end() -> AsyncIterator[bytes]:
        while True:
            yield BIG

    app = StreamingResponse(without_end(), headers={"cache-control": "max-age=60"})
    origin = Origin(lambda request: app(request.scope, request.receive, request.send))
    site = await serve.cached(origin)
    wire = await site.wire()
    wire.ask("/")
    await wire.head()
    wire.cut()
    await eventually(lambda: bool(origin.ended), "the stream to be ended")
    await eventually(lambda: site.running == 0, "the request to end")


async def test_an_application_hears_that_the_client_of_an_unstored_answer_has_gone(
    serve: Serving,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope, receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not await asked.is_disconnected():
            await send({"type": "http.response.body", "body": b"tick", "more_body": True})
            await asyncio.sleep(0)

    origin = Origin(lambda request: app(request.scope, request.receive, request.send))
    site = await serve.cached(origin)
    wire = await site.wire()
    wire.ask("/")
    await wire.head()
    assert await wire.chunk() == b"tick"
    wire.cut()
    await eventually(lambda: origin.ended == ["/"], "the application to hear of it")


async def test_before_it_is_known_whose_an_answer_is_nobody_has_gone(serve: Serving) -> None:
    """Others may wait for it."""
    gate = Gate()
    heard: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope, receive)
        await gate.pass_through()
        heard.extend([await asked.is_disconnected() for _ in range(3)])
        answer = PlainTextResponse("hello", headers={"cache-control": "max-age=60"})
        await answer(scope, receive, send)

    site = await serve.cached(app)
    first, other = await site.wire(), await site.wire()
    first.ask("/")
    await gate.reached.wait()
    other.ask("/")
    await eventually(lambda: site.running == 2, "two requests")
    first.cut()
    await until_gone(site, 1)
    gate.open.set()
    assert (await other.answer()).body == b"hello"
    assert heard == [False] * 3


async def test_whoever_waited_for_what_turns_out_private_asks_for_itself(serve: Serving) -> None:
    gate = Gate()

    async def handler(request: Request) -> None:
        await gate.pass_through()
        await request.say(request.field(b"x-who"), [(b"cache-control", b"private")])

    origin = Origin(handler)
    site = await serve.cached(origin)
    first, others = await site.wire(), [await site.wire() for _ in range(5)]
    first.ask("/", x_who="first")
    await gate.reached.wait()
    for number, other in enumerate(others):
        other.ask("/", x_who=f"other {number}")
    await eventually(lambda: site.running == 6, "six requests")
    first.cut()
    await until_gone(site, 5)
    gate.open.set()
    for number, other in enumerate(others):
        assert (await other.answer()).body == b"other %d" % number


async def test_a_client_that_reads_nothing_holds_up_nobody(serve: Serving) -> None:
    pieces = 200
    body = BIG * pieces

    async def handler(request: Request) -> None:
        await request.start(FRESH, length=len(body))
        for _ in range(pieces):
            await request.chunk(BIG)
        await request.last()

    origin = Origin(handler)
    site = await serve.cached(origin, max_body_bytes=2**24)
    idle = await site.wire()
    idle.ask("/")
    await idle.head()
    answers = [await site.get("/") for _ in range(3)]
    assert [answer.body == body for answer in answers] == [True] * 3
    assert (origin.runs, site.running) == (1, 1)
    assert await idle.exactly(len(body)) == body
