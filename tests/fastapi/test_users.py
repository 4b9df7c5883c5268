"""Two users of cached endpoints: no byte of what one gets reaches the other."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from cachekit import Cache
from cachekit.fastapi import cached
from tests.fastapi.asking import client_of

SECRETS = {"token-of-ada": "ada", "token-of-bob": "bob"}
bearer, api_key = HTTPBearer(), APIKeyHeader(name="x-api-key")


class User(BaseModel):
    name: str


def user_of(secret: str) -> User:
    if secret not in SECRETS:
        raise HTTPException(401)
    return User(name=SECRETS[secret])


async def by_bearer(token: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> User:
    return user_of(token.credentials)


Credentials = Annotated[HTTPAuthorizationCredentials, Depends(bearer)]
Given = Mapping[str, str]


class Case(NamedTuple):
    """An endpoint that tells who asks, and how a client says who it is."""

    endpoint: Callable[..., Any]
    says: Callable[[str], Given]
    vary_on: Any


def of(user: User, response: Response) -> dict[str, str]:
    """What an endpoint tells of one user, in the body and in the headers."""
    response.headers["x-user"] = user.name
    response.headers["etag"] = f'"{user.name}"'
    return {"user": user.name}


async def identity(user: Annotated[User, Depends(by_bearer)], response: Response) -> dict[str, str]:
    return of(user, response)


def plain(user: Annotated[User, Security(by_bearer)], response: Response) -> dict[str, str]:
    return of(user, response)


async def header(authorization: Annotated[str, Header()], response: Response) -> dict[str, str]:
    return of(user_of(authorization.removeprefix("Bearer ")), response)


async def request(request: Request, response: Response) -> dict[str, str]:
    return of(user_of(request.headers["authorization"].removeprefix("Bearer ")), response)


async def credentials(token: Credentials, response: Response) -> dict[str, str]:
    return of(user_of(token.credentials), response)


async def session(session: Annotated[str, Cookie()], response: Response) -> dict[str, str]:
    return of(user_of(session), response)


async def key(key: Annotated[str, Security(api_key)], response: Response) -> dict[str, str]:
    return of(user_of(key), response)


async def sets_cookie(token: Credentials, response: Response) -> dict[str, str]:
    """One whose author is wrong: it ignores who asks, and sets a session."""
    response.set_cookie("session", token.credentials)
    await asyncio.sleep(0)
    return of(user_of(token.credentials), response)


def by_authorization(secret: str) -> Given:
    return {"authorization": f"Bearer {secret}"}


def by_cookie(secret: str) -> Given:
    return {"cookie": f"session={secret}"}


def by_key(secret: str) -> Given:
    return {"x-api-key": secret}


def authorization_of(request: Request) -> str | None:
    return request.headers.get("authorization")


CASES = {
    "identity": Case(identity, by_authorization, ["user"]),
    "a part of it": Case(identity, by_authorization, {"user": lambda user: user.name}),
    "plain def": Case(plain, by_authorization, ["user"]),
    "Authorization": Case(header, by_authorization, ["authorization"]),
    "request": Case(request, by_authorization, {"request": authorization_of}),
    "credentials": Case(credentials, by_authorization, ["token"]),
    "Cookie": Case(session, by_cookie, ["session"]),
    "X-API-Key": Case(key, by_key, ["key"]),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def app_of(case: Case, **options: Any) -> FastAPI:
    app = FastAPI()
    app.get("/me")(cached(Cache(), **options)(case.endpoint))
    return app


def whole(answer: Any) -> str:
    """All that a client gets."""
    return f"{answer.status_code} {answer.headers.raw} {answer.content}"


@cases
async def test_each_user_gets_what_is_their_own(case: Case) -> None:
    app = app_of(case, vary_on=case.vary_on)
    async with client_of(app) as client:
        secrets = ["token-of-ada", "token-of-bob"] * 20
        asked = (client.get("/me", headers=case.says(secret)) for secret in secrets)
        answers = [*await asyncio.gather(*asked)]
        answers += [await client.get("/me", headers=case.says(secret)) for secret in secrets[:2]]
    for secret, answer in zip([*secrets, *secrets[:2]], answers, strict=True):
        me, other = SECRETS[secret], ({*SECRETS.values()} - {SECRETS[secret]}).pop()
        assert answer.json() == {"user": me}
        assert (answer.headers["x-user"], answer.headers["etag"]) == (me, f'"{me}"')
        assert other not in whole(answer)


@cases
async def test_what_one_user_has_cached_no_stranger_gets(case: Case) -> None:
    async with client_of(app_of(case, vary_on=case.vary_on)) as client:
        await client.get("/me", headers=case.says("token-of-ada"))
        for strange in (case.says("token-of-eve"), {}):
            answer = await client.get("/me", headers=strange)
            assert answer.status_code >= 400
            assert "ada" not in whole(answer)


@cases
async def test_each_user_has_hits(case: Case) -> None:
    runs = list[str]()

    def counting(response: Response) -> None:
        runs.append("")

    app = FastAPI()
    function = cached(cache := Cache(), vary_on=case.vary_on)(case.endpoint)
    app.get("/me", dependencies=[Depends(counting)])(function)
    async with client_of(app) as client:
        for secret in [*SECRETS] * 3:
            await client.get("/me", headers=case.says(secret))
    assert (cache.stats().loads, len(runs)) == (2, 6)


async def test_who_is_refused_is_refused_though_the_answer_is_cached() -> None:
    app = FastAPI()

    @app.get("/all", dependencies=[Depends(by_bearer)])
    @cached(Cache(), name="all")
    async def everything() -> str:
        return "for all who may come in"

    async with client_of(app) as client:
        ok = [await client.get("/all", headers=by_authorization(secret)) for secret in SECRETS]
        assert [answer.status_code for answer in ok] == [200, 200]
        for strange in (by_authorization("token-of-eve"), {}):
            answer = await client.get("/all", headers=strange)
            assert answer.status_code == 401
            assert "come in" not in answer.text


async def test_a_session_that_is_set_reaches_nobody_else_even_where_users_are_ignored() -> None:
    app = app_of(Case(sets_cookie, by_authorization, None), ignore=["token"])
    async with client_of(app) as client:
        secrets = [*SECRETS] * 20
        asked = (client.get("/me", headers=by_authorization(secret)) for secret in secrets)
        answers = await asyncio.gather(*asked)
    for secret, answer in zip(secrets, answers, strict=True):
        assert answer.cookies["session"] == secret
        assert answer.json() == {"user": SECRETS[secret]}


async def test_what_a_dependency_says_in_the_response_is_never_kept() -> None:
    app, cache = FastAPI(), Cache()

    def login(response: Response, x_user: Annotated[str, Header()]) -> None:
        response.set_cookie("session", x_user)
        response.headers["x-user"] = x_user

    @app.get("/", dependencies=[Depends(login)])
    @cached(cache, name="news")
    async def read(response: Response) -> list[str]:
        response.headers["x-seen"] = "news"
        return [*response.headers]

    async with client_of(app) as client:
        for name in ("ada", "bob"):
            answer = await client.get("/", headers={"x-user": name})
            assert answer.json() == ["x-seen"]
            assert (answer.cookies["session"], answer.headers["x-user"]) == (name, name)
            assert answer.headers.get_list("set-cookie") == [
                f"session={name}; Path=/; SameSite=lax"
            ]
    assert cache.stats().loads == 1
