"""Two users of one FastAPI application that calls everything public, through the response cache.

It knows them in every way that Starlette and FastAPI have; some endpoints are cached besides.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from httpx import AsyncClient
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    BaseUser,
    SimpleUser,
    UnauthenticatedUser,
)
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from cachekit import Cache
from cachekit.fastapi import CacheControl, ResponseCache, Rule, cached
from tests.fastapi.asking import App, client_of

PUBLIC = "public, max-age=60, stale-while-revalidate=60"
WHO: ContextVar[str] = ContextVar("WHO", default="nobody")
RULES = [
    Rule(
        path="/*",
        browser=CacheControl(public=True, max_age=60),
        server=CacheControl(max_age=60, stale_while_revalidate=60),
    )
]
Given = Mapping[str, str]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
ApiKey = Annotated[str | None, Depends(APIKeyHeader(name="x-api-key", auto_error=False))]


class ByBadge(AuthenticationBackend):
    """Knows users by a field whose name tells nobody."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser]:
        badge = conn.headers.get("x-badge")
        user = SimpleUser(badge) if badge else UnauthenticatedUser()
        return AuthCredentials(["authenticated"] if badge else []), user


async def knowing(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Says who asks in the state and in a context variable, and calls everything public."""
    await asyncio.sleep(0)
    request.state.user = request.headers.get("x-acme-session", "nobody")
    WHO.set(request.cookies.get("sid") or request.headers.get("authorization", "nobody"))
    answer = await call_next(request)
    answer.headers["cache-control"] = PUBLIC
    return answer


def of(user: Any, response: Response) -> str:
    response.headers["x-user"] = response.headers["etag"] = f'"{user}"'
    return f"hello {user}"


def make(cache: Cache) -> FastAPI:
    app = FastAPI()

    @app.get("/bearer")
    async def bearer(token: Bearer, response: Response) -> str:
        return of(token and token.credentials, response)

    @app.get("/bearer/cached")
    @cached(cache, name="bearer", vary_on=["token"])
    async def bearer_cached(token: Bearer, response: Response) -> str:
        return of(token and token.credentials, response)

    @app.get("/key")
    def key(key: ApiKey, response: Response) -> str:
        return of(key, response)

    @app.get("/key/cached")
    @cached(cache, name="key", vary_on=["key"])
    def key_cached(key: ApiKey, response: Response) -> str:
        return of(key, response)

    @app.get("/session")
    async def session(response: Response, sid: Annotated[str, Cookie()] = "nobody") -> str:
        return of(sid, response)

    @app.get("/login")
    async def login(response: Response, badge: Annotated[str, Header(alias="x-badge")] = "") -> str:
        response.set_cookie("sid", badge)
        return of(badge, response)

    @app.get("/state")
    async def state(request: Request, response: Response) -> str:
        return of(request.state.user, response)

    @app.get("/context")
    async def context(response: Response) -> str:
        return of(WHO.get(), response)

    @app.get("/user")
    async def user(request: Request, response: Response) -> str:
        return of(request.user.display_name, response)

    @app.get("/vary")
    async def vary(response: Response, x_badge: Annotated[str, Header()] = "") -> str:
        response.headers["vary"] = "X-Badge"
        return of(x_badge, response)

    @app.get("/redirect")
    async def redirect(token: Bearer) -> RedirectResponse:
        return RedirectResponse(f"/in?token={token and token.credentials}")

    @app.get("/error")
    async def error(token: Bearer) -> str:
        raise HTTPException(404, f"not for {token and token.credentials}")

    return app


def by_bearer(user: str) -> Given:
    return {"authorization": f"Bearer {user}"}


def by(name: str, prefix: str = "") -> Callable[[str], Given]:
    return lambda user: {name: prefix + user}


WAYS: dict[str, Callable[[str], Given]] = {
    "/bearer": by_bearer,
    "/bearer/cached": by_bearer,
    "/key": by("x-api-key"),
    "/key/cached": by("x-api-key"),
    "/session": by("cookie", "sid="),
    "/login": by("x-badge"),
    "/state": by("x-acme-session"),
    "/context": by_bearer,
    "/user": by("x-badge"),
    "/vary": by("x-badge"),
    "/redirect": by_bearer,
    "/error": by_bearer,
}


def known(app: FastAPI) -> FastAPI:
    app.add_middleware(AuthenticationMiddleware, backend=ByBadge())
    app.add_middleware(BaseHTTPMiddleware, dispatch=knowing)
    return app


def outermost(app: FastAPI, cache: Cache, rules: list[Rule]) -> App:
    return ResponseCache(known(app), cache, rules=rules)


def innermost(app: FastAPI, cache: Cache, rules: list[Rule]) -> App:
    """What knows the users is in front of the cache, in the same request."""
    app.add_middleware(ResponseCache, cache=cache, rules=rules)
    return known(app)


def between(app: FastAPI, cache: Cache, rules: list[Rule]) -> App:
    app.add_middleware(BaseHTTPMiddleware, dispatch=knowing)
    app.add_middleware(ResponseCache, cache=cache, rules=rules)
    app.add_middleware(AuthenticationMiddleware, backend=ByBadge())
    return app


def whole(answer: Any) -> str:
    return f"{answer.status_code} {answer.headers.raw} {answer.content}"


def check(answer: Any, user: str) -> None:
    for other in {"ada-s3cret", "bob-s3cret"} - {user}:
        assert other not in whole(answer)


@pytest.mark.parametrize("wrap", [outermost, between, innermost])
@pytest.mark.parametrize("rules", [[], RULES], ids=["no rules", "rules for all"])
async def test_no_byte_of_one_user_reaches_the_other(
    wrap: Callable[[FastAPI, Cache, list[Rule]], App], rules: list[Rule]
) -> None:
    async with Cache() as cache:
        app = wrap(make(cache), cache, rules)
        async with client_of(app) as client:
            for path, says in WAYS.items():
                await converse(client, path, says)


async def converse(client: AsyncClient, path: str, says: Callable[[str], Given]) -> None:
    """One after the other, at once, by each other's tags, and from nobody."""
    users = ["ada-s3cret", "bob-s3cret"]
    crowd = users * 2
    answers = await asyncio.gather(*(client.get(path, headers=says(user)) for user in crowd))
    for user, answer in zip(crowd, answers, strict=True):
        check(answer, user)
        assert user in whole(answer)
    for user, other in (users, users[::-1]):
        tag = {"if-none-match": f'"{other}"'}
        for more in ({}, tag, {"cache-control": "max-stale"}, {"range": "bytes=0-20"}):
            check(await client.get(path, headers={**says(user), **more}), user)
        check(await client.head(path, headers=says(user)), user)
    for more in ({}, {"if-none-match": '"ada-s3cret"'}, {"cache-control": "only-if-cached"}):
        check(await client.get(path, headers=more), "nobody")


async def test_cors_is_right_though_it_does_not_say_vary_to_who_has_no_origin() -> None:
    app = FastAPI()

    @app.get("/")
    async def read(response: Response) -> str:
        response.headers["cache-control"] = "public, max-age=60"
        return "all"

    sites = ["https://one.test", "https://two.test"]
    app.add_middleware(CORSMiddleware, allow_origins=sites, allow_credentials=True)
    async with Cache() as cache, client_of(ResponseCache(app, cache)) as client:
        for _ in range(2):
            assert "access-control-allow-origin" not in (await client.get("/")).headers
            for site in sites:
                answer = await client.get("/", headers={"origin": site})
                assert answer.headers["access-control-allow-origin"] == site
        preflight = {"origin": sites[0], "access-control-request-method": "PUT"}
        assert (await client.options("/", headers=preflight)).headers["cache-status"] == (
            "cachekit; fwd=method"
        )


@pytest.mark.parametrize(
    "path", ["/me", "/me%0A", "http://test//me", "/x/..%2fme", "/me%3bx.css", "/%6de"]
)
async def test_no_spelling_of_a_path_that_is_kept_out_is_stored(path: str) -> None:
    app, runs = FastAPI(), list[str]()

    async def public(request: Request, call_next: RequestResponseEndpoint) -> Response:
        runs.append(request.url.path)
        answer = await call_next(request)
        answer.headers["cache-control"] = PUBLIC
        return answer

    app.get("/me")(lambda: "mine")
    app.add_middleware(BaseHTTPMiddleware, dispatch=public)
    rules = [Rule(path="/me", store=False)]
    async with Cache() as cache, client_of(ResponseCache(app, cache, rules=rules)) as client:
        for _ in range(3):
            await client.get(path)
    assert len(runs) == 3
