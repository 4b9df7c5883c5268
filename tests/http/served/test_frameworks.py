"""FastAPI and Starlette's middlewares, around the response cache and inside of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

from cachekit.http.exchange import App
from cachekit.http.response_cache import ResponseCache
from tests.http.served.serving import Serving
from tests.servers.waiting import eventually


class Teapot(Exception):
    pass


class Places:
    """A FastAPI application, with what its endpoints were asked for."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked: list[str] = []
        self.done: list[str] = []
        self.may_end = asyncio.Event()
        self._add_routes()

    def _add_routes(self) -> None:
        for path in ("/place/{id}", "/sync/{id}"):
            endpoint = self.place if path.startswith("/place") else self.blocking
            self.app.get(path)(endpoint)
        self.app.get("/late")(self.late)
        self.app.get("/late-failure")(self.late_failure)
        self.app.get("/stream")(self.stream)
        self.app.get("/fails/{how}")(self.fails)
        self.app.exception_handler(Teapot)(self.handle)

    def _note(self, request: Request, response: Response) -> None:
        self.asked.append(request.url.path)
        response.headers["cache-control"] = "max-age=60"

    async def place(self, id: int, request: Request, response: Response) -> dict[str, int]:
        self._note(request, response)
        return {"id": id}

    def blocking(self, id: int, request: Request, response: Response) -> dict[str, int]:
        self._note(request, response)
        return {"id": id}

    async def late(self, request: Request, response: Response, tasks: BackgroundTasks) -> str:
        self._note(request, response)
        tasks.add_task(self._later)
        return "hello"

    async def _later(self) -> None:
        await self.may_end.wait()
        self.done.append("later")

    async def late_failure(
        self, request: Request, tasks: BackgroundTasks, response: Response
    ) -> str:
        self._note(request, response)
        tasks.add_task(self._fail_later)
        return "hello"

    async def _fail_later(self) -> None:
        raise LookupError("in the background")

    async def stream(self, request: Request) -> StreamingResponse:
        self.asked.append(request.url.path)

        async def parts() -> AsyncIterator[str]:
            for part in ("hel", "lo"):
                yield part

        return StreamingResponse(parts(), headers={"cache-control": "max-age=60"})

    async def fails(self, how: str, request: Request) -> None:
        self.asked.append(request.url.path)
        if how == "teapot":
            raise Teapot
        if how == "unknown":
            raise HTTPException(404, headers={"cache-control": "max-age=60"})
        raise ZeroDivisionError

    async def handle(self, request: Request, error: Exception) -> Response:
        return JSONResponse({"is": "a teapot"}, 418, headers={"cache-control": "max-age=60"})


def plain(places: Places, serve: Serving) -> App:
    return ResponseCache(places.app, serve.cache)


def by_add_middleware(places: Places, serve: Serving) -> App:
    places.app.add_middleware(ResponseCache, cache=serve.cache, name="cachekit")
    return places.app


async def timing(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["x-timed"] = "yes"
    return response


def around_a_base_middleware(places: Places, serve: Serving) -> App:
    places.app.add_middleware(BaseHTTPMiddleware, dispatch=timing)
    return ResponseCache(places.app, serve.cache)


def inside_of_a_base_middleware(places: Places, serve: Serving) -> App:
    places.app.add_middleware(ResponseCache, cache=serve.cache)
    places.app.add_middleware(BaseHTTPMiddleware, dispatch=timing)
    return places.app


def around_a_mount(places: Places, serve: Serving) -> App:
    return ResponseCache(_mounted(places.app), serve.cache)


def inside_of_a_mount(places: Places, serve: Serving) -> App:
    return _mounted(ResponseCache(places.app, serve.cache))


def _mounted(app: App) -> App:
    outer: Any = FastAPI()
    outer.mount("/", app)
    wrapped: App = outer
    return wrapped


WAYS = [
    plain,
    by_add_middleware,
    around_a_base_middleware,
    inside_of_a_base_middleware,
    around_a_mount,
    inside_of_a_mount,
]
Way = Callable[[Places, Serving], App]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@ways
async def test_endpoints_are_answered_from_the_cache(serve: Serving, way: Way) -> None:
    places = Places()
    site = await serve(way(places, serve))
    for path in ("/place/1", "/sync/1", "/stream", "/place/2"):
        first, second = await site.get(path), await site.get(path)
        assert (first.status, first.is_hit, second.is_hit) == (200, False, True)
        assert second.body == first.body
        assert ("x-timed" in second) is ("base" in way.__name__)
    assert places.asked == ["/place/1", "/sync/1", "/stream", "/place/2"]


@ways
async def test_what_handlers_make_of_errors_is_an_answer_as_any(serve: Serving, way: Way) -> None:
    places = Places()
    site = await serve(way(places, serve))
    for how, status in [("teapot", 418), ("unknown", 404)]:
        for _ in range(2):
            assert (await site.get(f"/fails/{how}")).status == status
    assert places.asked == ["/fails/teapot", "/fails/unknown"]
    assert (await site.get("/place/none")).status == 422


@ways
async def test_an_application_that_raises_is_a_500_each_time(
    serve: Serving, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places()
    site = await serve(way(places, serve))
    for _ in range(2):
        assert (await site.get("/fails/badly")).status == 500
    assert len(places.asked) == 2
    logged = [r for r in caplog.records if r.exc_info and r.exc_info[0] is ZeroDivisionError]
    assert [record.name for record in logged] == ["uvicorn.error"] * 2


@ways
async def test_nobody_waits_for_what_is_done_after_an_answer(serve: Serving, way: Way) -> None:
    places = Places()
    site = await serve(way(places, serve))
    wire = await site.wire()
    for _ in range(3):
        assert (await wire.get("/late")).body == b'"hello"'
    assert places.done == []
    places.may_end.set()
    await eventually(lambda: bool(places.done), "the task in the background")
    assert (places.done, places.asked) == (["later"], ["/late"])


@ways
async def test_what_fails_after_an_answer_is_logged(
    serve: Serving, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    places = Places()
    site = await serve(way(places, serve))
    for _ in range(2):
        assert (await site.get("/late-failure")).body == b'"hello"'
    await eventually(lambda: site.running == 0, "the requests to end")
    logged = [r for r in caplog.records if r.exc_info and r.exc_info[0] is LookupError]
    assert [record.name for record in logged] == ["uvicorn.error"]


async def test_the_client_gone_what_is_to_be_done_after_its_answer_is_done(serve: Serving) -> None:
    places = Places()
    site = await serve(plain(places, serve))
    wire = await site.wire()
    await wire.get("/late")
    wire.cut()
    await eventually(lambda: site.connected == 0, "the connection to be closed")
    places.may_end.set()
    await eventually(lambda: bool(places.done), "the task in the background")
