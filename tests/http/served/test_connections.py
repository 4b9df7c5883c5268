"""What goes on between a server and its clients besides one request and its answer."""

from typing import Any

import pytest
from starlette.websockets import WebSocket

from cachekit.http.exchange import Receive, Scope, Send
from cachekit.http.response_cache import ResponseCache
from tests.http.served.apps import Origin, Request
from tests.http.served.serving import Serving


async def echo(request: Request) -> None:
    """Answers with the path; what is below /private is for nobody else."""
    private = request.path.startswith("/private")
    control = b"private" if private else b"max-age=60"
    await request.say(request.path.encode(), [(b"cache-control", control)])


async def test_a_connection_serves_one_request_after_the_other(serve: Serving) -> None:
    origin = Origin(echo)
    wire = await (await serve.cached(origin)).wire()
    for path in ("/a", "/b", "/a", "/private", "/b", "/private", "/a"):
        assert (await wire.get(path)).body == path.encode()
    assert origin.paths == ["/a", "/b", "/private", "/private"]


async def test_requests_that_are_sent_at_once_are_answered_in_order(serve: Serving) -> None:
    origin = Origin(echo)
    wire = await (await serve.cached(origin)).wire()
    paths = ["/a", "/b", "/a", "/private", "/b", "/private", "/a"]
    for path in paths:
        wire.ask(path)
    assert [(await wire.answer()).body.decode() for _ in paths] == paths
    assert origin.paths == ["/a", "/b", "/private", "/private"]


async def test_the_last_request_of_a_connection_says_so(serve: Serving) -> None:
    site = await serve.cached(Origin(echo))
    for _ in range(2):
        wire = await site.wire()
        answer = await wire.get("/a", connection="close")
        assert answer["connection"] == "close"
        assert await wire.reader.read() == b""


async def test_http_1_0_gets_answers_too(serve: Serving) -> None:
    site = await serve.cached(Origin(echo))
    for _ in range(2):
        wire = await site.wire()
        wire.write(b"GET /a HTTP/1.0\r\nhost: test\r\n\r\n")
        assert (await wire.answer()).body == b"/a"
        assert await wire.reader.read() == b""


async def test_who_waits_for_leave_to_send_its_body_gets_it(serve: Serving) -> None:
    async def handler(request: Request) -> None:
        body = b""
        while (message := await request.receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        await request.say(body)

    origin = Origin(handler)
    wire = await (await serve.cached(origin)).wire()
    for method in ("POST", "GET"):
        wire.ask("/", method, content_length="5", expect="100-continue")
        assert (await wire.head()).status == 100
        wire.write(b"hello")
        assert (await wire.answer()).body == b"hello"
    assert origin.runs == 2


async def test_a_body_in_pieces_reaches_the_application(serve: Serving) -> None:
    async def handler(request: Request) -> None:
        size, more = 0, True
        while more:
            message = await request.receive()
            size, more = size + len(message["body"]), message["more_body"]
        await request.say(b"%d" % size)

    wire = await (await serve.cached(Origin(handler))).wire()
    wire.ask("/", "POST", content_length="1000000")
    for _ in range(100):
        wire.write(b"x" * 10_000)
    assert (await wire.answer()).body == b"1000000"


# -- websockets


async def speak(scope: Scope, receive: Receive, send: Send) -> None:
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()


async def test_a_websocket_and_a_lifespan_pass_as_they_are(serve: Serving) -> None:
    seen: list[Any] = []

    async def app(*call: Any) -> None:
        seen.append(call)

    cached = ResponseCache(app, serve.cache)
    for kind in ("websocket", "lifespan"):
        call: Any = ({"type": kind}, object(), object())
        await cached(*call)
        assert all(ours is theirs for ours, theirs in zip(seen.pop(), call, strict=True))


async def test_a_websocket_speaks_through_it(serve: Serving) -> None:
    pytest.importorskip("websockets", reason="uvicorn has websockets with this only")
    wire = await (await serve.cached(speak)).wire()
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    wire.ask(
        "/",
        connection="Upgrade",
        upgrade="websocket",
        sec_websocket_version="13",
        sec_websocket_key=key,
    )
    assert (await wire.head()).status == 101
    mask = b"abcd"
    text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(b"hello"))
    wire.write(bytes([0x81, 0x80 | len(text)]) + mask + text)
    assert await wire.exactly(7) == bytes([0x81, 5]) + b"HELLO"
