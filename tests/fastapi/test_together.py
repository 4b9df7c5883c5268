"""Policies, conditions, operations and errors, seen through the middlewares of `cachekit.http`."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Response
from httpx import AsyncClient

from cachekit import Cache, Key
from cachekit.clock import SYSTEM
from cachekit.fastapi import (
    CacheControl,
    CacheControlMiddleware,
    Conditions,
    ResponseCache,
    Rule,
    add_exception_handlers,
    cache_policy,
    cached,
    operations,
)
from cachekit.testing import FakeClock
from tests.core.slow_store import Shelf, SlowStore
from tests.fastapi.asking import client_of

MINUTE = CacheControl(public=True, max_age=60)
HOUR = CacheControl(max_age=3600)
BRIEF = CacheControl(max_age=5)
RULES = (Rule(path="/ruled*", browser=BRIEF), Rule(path="/shop/*", browser=BRIEF, server=BRIEF))


def shop(runs: list[str]) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/shop", dependencies=[cache_policy(browser=MINUTE, server=HOUR)])

    @router.get("/plain")
    async def plain() -> str:
        runs.append("plain")
        return "plain"

    @router.get("/own")
    async def own(response: Response) -> str:
        runs.append("own")
        response.headers["cache-control"] = "private"
        return "own"

    @router.get("/secret")
    @cache_policy(browser=CacheControl(no_store=True))
    async def secret() -> str:
        runs.append("secret")
        return "secret"

    @router.get("/missing")
    async def missing() -> str:
        runs.append("missing")
        raise HTTPException(404)

    @app.get("/ruled")
    @app.get("/none")
    async def other() -> str:
        runs.append("other")
        return "other"

    app.include_router(router)
    return app


@pytest.fixture
def runs() -> list[str]:
    return []


async def said(app: Any, path: str) -> str | None:
    async with client_of(app) as client:
        value: str | None = (await client.get(path)).headers.get("cache-control")
        return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/shop/plain", "public, max-age=60"),
        ("/shop/own", "private"),
        ("/shop/secret", "no-store"),
        ("/shop/missing", None),
        ("/ruled", "max-age=5"),
        ("/none", "private, no-cache"),
    ],
)
async def test_what_is_sent_is_the_closest_policy(
    runs: list[str], path: str, value: str | None
) -> None:
    assert await said(CacheControlMiddleware(shop(runs), rules=RULES), path) == value


async def test_the_response_cache_goes_by_what_is_for_the_server(runs: list[str]) -> None:
    clock = FakeClock()
    async with Cache(clock=clock) as cache:
        app = ResponseCache(shop(runs), cache, rules=RULES, clock=clock)
        async with client_of(app) as client:
            for _ in range(3):
                answer = await client.get("/shop/plain")
                assert answer.headers["cache-control"] == "public, max-age=60"
                clock.advance(1000)
            assert runs == ["plain"]
            clock.advance(1000)
            await client.get("/shop/plain")
            assert runs == ["plain"] * 2


@pytest.mark.parametrize("path", ["/shop/own", "/shop/secret", "/shop/missing", "/none"])
async def test_what_the_answer_or_its_policy_forbids_is_not_kept(
    runs: list[str], path: str
) -> None:
    async with Cache() as cache, client_of(ResponseCache(shop(runs), cache)) as client:
        for _ in range(2):
            await client.get(path)
    assert len(runs) == 2


# -- conditions


class Text:
    """One text, with a version."""

    def __init__(self) -> None:
        self.version = 1
        self.work = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/text")
        @cache_policy(browser=CacheControl(no_cache=True), server=MINUTE)
        async def read(conditions: Conditions) -> str:
            conditions.check(conditions.etag(self.version))
            self.work += 1
            return f"version {self.version}"

        @app.put("/text")
        async def save(conditions: Conditions, text: Annotated[str, Body()]) -> str:
            conditions.check(conditions.etag(self.version), required=True)
            self.version += 1
            return text

        return app


async def test_a_304_of_the_endpoint_refreshes_what_is_stored_without_the_work() -> None:
    clock, text = FakeClock(), Text()
    cache = Cache(clock=clock)
    app = ResponseCache(text.app(), cache, clock=clock)
    async with cache, client_of(app) as client:
        first = await client.get("/text")
        clock.advance(61)
        again = await client.get("/text")
        assert (again.status_code, again.json(), text.work) == (200, "version 1", 1)
        text.version = 2
        clock.advance(61)
        changed = await client.get("/text", headers={"if-none-match": first.headers["etag"]})
        assert (changed.status_code, changed.json(), text.work) == (200, "version 2", 2)


async def test_a_304_has_the_cache_control_of_its_route() -> None:
    text = Text()
    async with client_of(CacheControlMiddleware(text.app())) as client:
        tag = (await client.get("/text")).headers["etag"]
        answer = await client.get("/text", headers={"if-none-match": tag})
    assert (answer.status_code, answer.headers["cache-control"]) == (304, "no-cache")


async def test_a_change_reaches_the_endpoint_and_forgets_what_was_stored() -> None:
    text = Text()
    async with Cache() as cache, client_of(ResponseCache(text.app(), cache)) as client:
        tag = (await client.get("/text")).headers["etag"]
        refused = await client.put("/text", json="new", headers={"if-match": '"other"'})
        assert (refused.status_code, text.version) == (412, 1)
        assert (await client.get("/text")).json() == "version 1"
        assert text.work == 1
        done = await client.put("/text", json="new", headers={"if-match": tag})
        assert (done.status_code, text.version) == (200, 2)
        assert (await client.get("/text")).json() == "version 2"


async def test_a_cached_endpoint_is_checked_by_a_dependency() -> None:
    runs: list[int] = []
    app = FastAPI()

    async def unless_known(conditions: Conditions) -> None:
        conditions.check(conditions.etag(1))

    async with Cache() as cache:

        @app.get("/", dependencies=[Depends(unless_known)])
        @cached(cache, key="text")
        @cache_policy(browser=MINUTE)
        async def read() -> int:
            runs.append(1)
            return 1

        async with client_of(CacheControlMiddleware(app)) as client:
            for _ in range(2):
                answer = await client.get("/")
                assert answer.headers["cache-control"] == "public, max-age=60"
            tag = answer.headers["etag"]
            known = await client.get("/", headers={"if-none-match": tag})
            assert (known.status_code, known.content) == (304, b"")
    assert runs == [1]


# -- operations and errors


async def test_answers_for_operators_are_never_kept() -> None:
    async with Cache() as cache:
        app = FastAPI()
        app.include_router(operations(cache, auth=Depends(lambda: None)), prefix="/ops")
        rules = [Rule(path="/ops*", browser=MINUTE, server=HOUR, cookies=[])]
        async with client_of(ResponseCache(app, cache, rules=rules)) as client:
            await cache.set("k", 1)
            assert (await client.get("/ops/entry?key=k")).status_code == 200
            await cache.delete("k")
            assert (await client.get("/ops/entry?key=k")).status_code == 404
            await cache.set("k", 1)
            assert (await client.get("/ops/entry?key=k")).status_code == 200


async def stale_after(client: AsyncClient, version: list[int]) -> Any:
    assert (await client.get("/text")).json() == 1
    changed = await client.post("/text")
    assert (changed.status_code, version) == (202, [2])
    return (await client.get("/text")).json()


async def test_a_202_forgets_what_the_response_cache_has_of_the_url() -> None:
    store, version = SlowStore(Shelf(SYSTEM)), [1]
    store.error = OSError("down")
    async with Cache(store, namespace="far", deadline=0.05) as far, Cache() as cache:
        app = FastAPI()
        add_exception_handlers(app)

        @app.get("/text")
        @cache_policy(server=HOUR)
        async def read() -> int:
            return version[0]

        @app.post("/text")
        async def change() -> None:
            version[0] += 1
            await far.invalidate(Key("text"))

        async with client_of(ResponseCache(app, cache)) as client:
            assert await stale_after(client, version) == 2
        store.heal()
