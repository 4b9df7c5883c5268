"""Streams: event by event, and with no more in memory than a buffer or two."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import FileResponse, StreamingResponse

from cachekit.http.exchange import Message, Receive, Scope, Send
from cachekit.http.response_cache import ResponseCache
from tests.http.served.apps import FRESH, Lines, Origin, Request
from tests.http.served.serving import Serving, Site
from tests.http.served.wire import Wire

PIECE = bytes(range(256)) * 2**8
MB = 2**20


@pytest.mark.parametrize("control", ["no-cache", "max-age=60", ""])
async def test_events_arrive_one_by_one_and_are_not_stored(serve: Serving, control: str) -> None:
    taken = asyncio.Event()

    async def events() -> AsyncIterator[str]:
        for number in range(5):
            yield f"data: {number}\n\n"
            await taken.wait()  # for ever, if it does not arrive before the next is made
            taken.clear()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"cache-control": control} if control else {}
        await StreamingResponse(events(), headers=headers, media_type="text/event-stream")(
            scope, receive, send
        )

    site = await serve.cached(app)
    for _ in range(2):
        wire = await site.wire()
        wire.ask("/", accept="text/event-stream")
        head = await wire.head()
        assert not head.is_hit
        for number in range(5):
            assert await wire.chunk() == b"data: %d\n\n" % number
            taken.set()
        assert await wire.chunk() == b""


async def test_a_stream_that_is_to_be_stored_arrives_piece_by_piece_too(serve: Serving) -> None:
    taken = asyncio.Event()

    async def handler(request: Request) -> None:
        await request.start()
        for number in range(5):
            await request.chunk(b"%d" % number)
            await taken.wait()
            taken.clear()
        await request.last()

    site = await serve.cached(Origin(handler))
    wire = await site.wire()
    wire.ask("/")
    await wire.head()
    for number in range(5):
        assert await wire.chunk() == b"%d" % number
        taken.set()
    assert await wire.chunk() == b""
    assert (await site.get("/")).body == b"01234"


# -- 100 MB


class Large:
    """An application that sends so many MB, and notes how far it is."""

    def __init__(self, size: int, lines: Lines, *, tells: bool) -> None:
        self.size = size
        self.sent = 0
        self.origin = Origin(self._answer)
        self._lines = lines
        self._tells = tells

    async def _answer(self, request: Request) -> None:
        self.sent = 0
        await request.start(self._lines, length=self.size if self._tells else -1)
        while self.sent < self.size:
            self.sent += len(PIECE)
            await request.chunk(PIECE)
        await request.last()


async def read(wire: Wire, size: int, *, in_chunks: bool) -> int:
    """How much of so much is as it was sent."""
    good = 0
    while good < size:
        piece = await (wire.chunk() if in_chunks else wire.exactly(len(PIECE)))
        assert piece == PIECE
        good += len(piece)
    return good


KINDS = {
    "not to be stored": ([(b"cache-control", b"no-store")], True),
    "silent": ([], False),
    "said to be too large": (FRESH, True),
    "found to be too large": (FRESH, False),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
async def test_a_hundred_megabytes_pass_through(serve: Serving, kind: str) -> None:
    lines, tells = KINDS[kind]
    large = Large(100 * MB, lines, tells=tells)
    site = await serve.cached(large.origin)
    wire = await site.wire()
    tracemalloc.start()
    try:
        wire.ask("/")
        await wire.head()
        assert await read(wire, large.size, in_chunks=not tells) == large.size
        assert tracemalloc.get_traced_memory()[1] < 4 * MB
    finally:
        tracemalloc.stop()


@kinds
async def test_the_application_waits_for_a_slow_client(serve: Serving, kind: str) -> None:
    lines, tells = KINDS[kind]
    large = Large(32 * MB, lines, tells=tells)
    site = await serve.cached(large.origin)
    wire = await site.wire()
    wire.ask("/")
    await wire.head()
    before = -1
    while before != large.sent:  # until it stands still
        before = large.sent
        for _ in range(100):
            await asyncio.sleep(0)
    assert large.sent < large.size // 2
    assert await read(wire, large.size, in_chunks=not tells) == large.size


# -- files


async def test_a_file_is_stored(serve: Serving, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(PIECE * 2)

    async def handler(request: Request) -> None:
        response = FileResponse(path, headers={"cache-control": "max-age=60"})
        await response(request.scope, request.receive, request.send)

    origin = Origin(handler)
    site = await serve.cached(origin)
    first, second = await site.get("/"), await site.get("/")
    assert first.body == second.body == PIECE * 2
    assert second.is_hit
    assert second["etag"] == first["etag"]
    changed = await site.get("/", if_none_match=first["etag"])
    part = await site.get("/", range="bytes=10-19", if_range=first["etag"])
    assert (changed.status, part.status, part.body) == (304, 206, PIECE[10:20])
    assert origin.runs == 1


def content(path: str) -> bytes:
    return Path(path).read_bytes()


class PathSending:
    """A server that sends files itself, in front of an application."""

    def __init__(self, app: ResponseCache) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.pathsend":
                message = {"type": "http.response.body", "body": content(message["path"])}
            await send(message)

        await self.app({**scope, "extensions": {"http.response.pathsend": {}}}, receive, sending)


async def test_a_file_that_the_server_sends_itself_passes_and_is_not_stored(
    serve: Serving, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(PIECE)

    async def handler(request: Request) -> None:
        response = FileResponse(path, headers={"cache-control": "max-age=60"})
        await response(request.scope, request.receive, request.send)

    origin = Origin(handler)
    site: Site = await serve(PathSending(ResponseCache(origin, serve.cache)))
    for _ in range(2):
        answer = await site.get("/")
        assert (answer.status, answer.body, answer.is_hit) == (200, PIECE, False)
    assert (await site.get("/", "HEAD")).status == 200
    assert origin.runs == 3
