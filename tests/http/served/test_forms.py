"""One response in its forms: its head alone, a part of it, compressed, for another origin."""

import gzip

import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from cachekit.http.exchange import App
from cachekit.http.response_cache import ResponseCache
from tests.http.served.apps import FRESH, Origin, Request
from tests.http.served.serving import Serving
from tests.http.served.wire import Answer

TEXT = b"hello, world; " * 200
TAGGED = [*FRESH, (b"etag", b'"1"'), (b"content-type", b"text/plain")]


async def text(request: Request) -> None:
    """Answers HEAD as well."""
    head = request.scope["method"] == "HEAD"
    await request.start(TAGGED, length=len(TEXT))
    await request.last(b"" if head else TEXT)


async def test_the_head_of_what_is_stored_is_told(serve: Serving) -> None:
    origin = Origin(text)
    wire = await (await serve.cached(origin)).wire()
    whole = await wire.get("/")
    for _ in range(2):  # on the same connection: no byte of a body may come
        head = await wire.get("/", "HEAD")
        assert head.is_hit
        assert [head[name] for name in ("content-length", "etag")] == [str(len(TEXT)), '"1"']
    assert (await wire.get("/", "HEAD", if_none_match='"1"')).status == 304
    assert (await wire.get("/")).body == whole.body
    assert origin.runs == 1


async def test_a_head_of_nothing_is_the_applications_and_stores_nothing(serve: Serving) -> None:
    origin = Origin(text)
    wire = await (await serve.cached(origin)).wire()
    for _ in range(2):
        head = await wire.get("/", "HEAD")
        assert (head.status, head["content-length"]) == (200, str(len(TEXT)))
    assert (await wire.get("/")).body == TEXT
    assert origin.runs == 3


async def test_parts_come_from_the_whole(serve: Serving) -> None:
    origin = Origin(text)
    wire = await (await serve.cached(origin)).wire()
    assert (await wire.get("/", range="bytes=0-4")).body == TEXT  # the application knows no ranges
    await wire.get("/")
    size = len(TEXT)
    for said, begin, end in [("0-4", 0, 5), ("-5", size - 5, size), ("2790-", 2790, size)]:
        part = await wire.get("/", range=f"bytes={said}")
        assert (part.status, part.body) == (206, TEXT[begin:end])
        assert part["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    beyond = await wire.get("/", range=f"bytes={size}-")
    assert (beyond.status, beyond["content-range"]) == (416, f"bytes */{size}")
    assert (await wire.get("/", range="bytes=0-4", if_range='"2"')).body == TEXT
    assert origin.runs == 2


async def test_a_304_carries_no_body_and_leaves_the_connection_usable(serve: Serving) -> None:
    wire = await (await serve.cached(Origin(text))).wire()
    await wire.get("/")
    for _ in range(3):
        answer = await wire.get("/", if_none_match='W/"1", "2"')
        assert (answer.status, answer["etag"], "content-length" in answer) == (304, '"1"', False)


async def test_there_is_one_date(serve: Serving) -> None:
    wire = await (await serve.cached(Origin(text))).wire()
    for _ in range(3):
        assert len((await wire.get("/")).all("date")) == 1


# -- compressed


def opened(answer: Answer, *, takes_gzip: bool) -> bytes:
    """The text, if the answer is consistent and what its client can read."""
    assert "accept-encoding" in answer["vary"].lower()
    assert ("content-encoding" in answer) is takes_gzip
    if "content-length" in answer:
        assert int(answer["content-length"]) == len(answer.body)
    return gzip.decompress(answer.body) if takes_gzip else answer.body


def inside(origin: App, serve: Serving) -> App:
    return ResponseCache(GZipMiddleware(origin), serve.cache)


def outside(origin: App, serve: Serving) -> App:
    return GZipMiddleware(ResponseCache(origin, serve.cache))


@pytest.mark.parametrize("first", [True, False], ids=["gzip first", "plain first"])
@pytest.mark.parametrize(("around", "runs"), [(inside, 2), (outside, 1)])
async def test_who_takes_no_gzip_never_gets_it(
    serve: Serving, around: object, runs: int, first: bool
) -> None:
    origin = Origin(text)
    assert callable(around)
    wire = await (await serve(around(origin, serve))).wire()
    for takes_gzip in (first, not first, first, not first, True, False):
        said = {"accept_encoding": "gzip"} if takes_gzip else {}
        assert opened(await wire.get("/", **said), takes_gzip=takes_gzip) == TEXT
        head = await wire.get("/", "HEAD", **said)
        assert head.status == 200
        assert (await wire.get("/", if_none_match='"1"', **said)).status == 304
    assert origin.paths.count("/") >= runs
    assert (await wire.get("/", accept_encoding="gzip")).is_hit


@pytest.mark.parametrize("around", [inside, outside])
async def test_a_part_is_never_compressed_by_itself(serve: Serving, around: object) -> None:
    assert callable(around)
    wire = await (await serve(around(Origin(text), serve))).wire()
    whole = await wire.get("/", accept_encoding="gzip")
    part = await wire.get("/", range="bytes=0-999", accept_encoding="gzip")
    stored = whole.body if around is inside else TEXT
    assert (part.status, part.body) == (206, stored[:1000])
    assert ("content-encoding" in part) is (around is inside)


# -- other origins


def cors(app: App, *origins: str) -> App:
    return CORSMiddleware(app, allow_origins=origins, allow_credentials=True)


@pytest.mark.parametrize("is_inside", [True, False], ids=["inside", "outside"])
async def test_each_origin_is_told_that_it_may_read(serve: Serving, is_inside: bool) -> None:
    names = ["http://a.test", "http://b.test"]
    origin = Origin(text)
    app: App = (
        ResponseCache(cors(origin, *names), serve.cache)
        if is_inside
        else cors(ResponseCache(origin, serve.cache), *names)
    )
    wire = await (await serve(app)).wire()
    for name in [*names, None, "http://evil.test", *reversed(names)]:
        said = {} if name is None else {"origin": name}
        answer = await wire.get("/", **said)
        assert answer.body == TEXT
        expected = [name] if name in names else []
        assert answer.all("access-control-allow-origin") == expected
    pre = await wire.get("/", "OPTIONS", origin=names[0], access_control_request_method="GET")
    assert pre["access-control-allow-origin"] == names[0]
