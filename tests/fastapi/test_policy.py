"""Cache-Control by route: which policy a middleware finds when the response starts."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from cachekit import ConfigurationError
from cachekit.fastapi.policy import CachePolicy, cache_policy
from cachekit.http.cache_control import CacheControl
from cachekit.http.policy import Policy, policy_of
from tests.fastapi.asking import client_of


def lasting(seconds: int) -> CachePolicy:
    return cache_policy(browser=CacheControl(max_age=seconds))


class Noting:
    """A middleware that notes which policy there is when the response starts, as ours look."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.found: Policy | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["cachekit"] = {}

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.found = policy_of(scope)
            await send(message)

        await self.app(scope, receive, sent)


async def seconds_of(app: Any, path: str, method: str = "GET") -> int | None:
    """The max-age that the policy of a route says, if it has one."""
    noting = Noting(app)
    async with client_of(noting) as client:
        await client.request(method, path)
    browser = None if noting.found is None else noting.found.browser
    return None if browser is None else int(str(browser).removeprefix("max-age="))


def nested() -> FastAPI:
    app = FastAPI(dependencies=[lasting(1)])
    outer = APIRouter(prefix="/outer", dependencies=[lasting(2)])
    inner = APIRouter(prefix="/inner", dependencies=[lasting(3)])

    @app.get("/plain")
    @outer.get("/plain")
    @inner.get("/plain")
    async def plain() -> int:
        return 1

    @app.get("/marked")
    @outer.get("/marked")
    @inner.get("/marked")
    @lasting(5)
    def marked() -> int:
        return 1

    inner.get("/route", dependencies=[lasting(4)])(plain)
    inner.get("/both", dependencies=[lasting(4)])(marked)
    outer.include_router(inner)
    outer.include_router(inner, prefix="/again", dependencies=[lasting(6)])
    app.include_router(outer)
    return app


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("/plain", 1),
        ("/outer/plain", 2),
        ("/outer/inner/plain", 3),
        ("/outer/inner/route", 4),
        ("/outer/again/inner/plain", 3),
        ("/marked", 5),
        ("/outer/marked", 5),
        ("/outer/inner/marked", 5),
        ("/outer/inner/both", 5),
        ("/outer/again/inner/marked", 5),
    ],
)
async def test_the_closest_one_counts(path: str, seconds: int) -> None:
    assert await seconds_of(nested(), path) == seconds


async def test_one_that_is_given_twice_counts_where_it_is_given_last() -> None:
    one, other = lasting(1), lasting(2)
    app = FastAPI(dependencies=[one])
    router = APIRouter(dependencies=[other])

    @router.get("/", dependencies=[one])
    async def read() -> int:
        return 1

    app.include_router(router)
    assert await seconds_of(app, "/") == 1


async def test_routes_of_a_mounted_application_have_theirs() -> None:
    app, mounted = FastAPI(dependencies=[lasting(1)]), FastAPI()

    @mounted.get("/marked")
    @lasting(7)
    async def marked() -> int:
        return 1

    @mounted.get("/plain")
    async def plain() -> int:
        return 1

    app.mount("/sub", mounted)
    app.mount("/other", lambda scope, receive, send: Response()(scope, receive, send))
    assert await seconds_of(app, "/sub/marked") == 7
    assert await seconds_of(app, "/sub/plain") is None
    assert await seconds_of(app, "/other/x") is None
    assert await seconds_of(app, "/nowhere") is None


async def test_an_endpoint_wrapped_by_other_decorators_is_still_marked() -> None:
    def other(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def wrapper(*args: Any, **more: Any) -> Any:
            return await function(*args, **more)

        return wrapper

    app = FastAPI()

    @app.get("/wrapped")
    @other
    @lasting(8)
    async def wrapped(q: int = 1) -> int:
        return q

    @lasting(9)
    @app.get("/above")
    async def above() -> int:
        return 1

    app.get("/partial")(lasting(10)(partial(above)))
    paths = ["/wrapped", "/above", "/partial"]
    assert [await seconds_of(app, path) for path in paths] == [8, 9, 10]


async def test_what_the_endpoint_returns_itself_has_its_policy_too() -> None:
    app = FastAPI(dependencies=[lasting(1)])

    @app.get("/response")
    async def response() -> Response:
        return Response("text")

    @app.get("/stream")
    @lasting(2)
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    assert [await seconds_of(app, path) for path in ("/response", "/stream")] == [1, 2]


async def test_middlewares_in_between_do_not_hide_it() -> None:
    app = nested()

    async def passed_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passed_on)
    assert await seconds_of(app, "/outer/inner/plain") == 3
    assert await seconds_of(app, "/outer/marked") == 5


async def test_a_policy_without_a_middleware_does_no_harm() -> None:
    async with client_of(nested()) as client:
        assert (await client.get("/outer/inner/both")).json() == 1


async def test_websockets_of_a_router_pass() -> None:
    app = FastAPI(dependencies=[lasting(1)])

    @app.websocket("/ws")
    async def talk(socket: Any) -> None: ...

    assert app.routes


def test_the_docs_page_does_not_change() -> None:
    with_policy, without = FastAPI(), FastAPI()

    async def read(q: int = 1) -> int:
        return q

    without.get("/")(read)
    with_policy.get("/", dependencies=[lasting(1)])(lasting(2)(read))
    assert with_policy.openapi() == without.openapi()


def test_what_cannot_be_marked_is_an_error_that_says_where_to_write_it() -> None:
    class Shop:
        def read(self) -> int:
            return 1

    with pytest.raises(ConfigurationError, match=r"below @app\.get"):
        lasting(1)(Shop().read)


def test_a_policy_that_says_nothing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="says nothing"):
        cache_policy()
