"""Cached endpoints: what FastAPI does with them, and what a hit answers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from httpx import AsyncClient
from pydantic import BaseModel, PrivateAttr

from cachekit import MISSING, Cache, Tag
from cachekit.fastapi import cached
from cachekit.testing import FakeClock
from tests.core.helpers import PickleSerializer, ticks
from tests.fastapi.asking import client_of
from tests.servers.server import RedisServer

clock = FakeClock()
cache = Cache(clock=clock, ttl=60)
runs = Counter[str]()
router = APIRouter(prefix="/v1")


class Item(BaseModel):
    id: int
    text: str = ""


class Noted(BaseModel):
    """Has a part that pydantic does not write."""

    _note: str = PrivateAttr("")

    @property
    def note(self) -> str:
        return self._note

    @classmethod
    def with_note(cls, note: str) -> Noted:
        made = cls()
        made._note = note
        return made


class Session:
    """Of a database: it has no identity, and is good for one request."""

    def __init__(self) -> None:
        self.closed = False

    def text(self) -> str:
        assert not self.closed
        return "text"


async def get_session() -> AsyncIterator[Session]:
    session = Session()
    yield session
    session.closed = True


async def noted(response: Response, x_client: Annotated[str, Header()] = "") -> None:
    """A dependency that does something to the response, for this request alone."""
    response.headers["x-noted"] = x_client
    response.headers["x-both"] = x_client
    response.headers["vary"] = "x-client"


Db = Annotated[Session, Depends(get_session)]


@router.get("/items/{id}")
@cached(cache, ignore=["db"], tags=["item:{id}"], key="item:{id}:{text}")
async def read_item(id: int, db: Db, text: str = "a") -> Item:
    """Read it."""
    runs["item"] += 1
    return Item(id=id, text=db.text() + text)


@router.get("/plain/{id}")
@cached(cache, ignore=["db"])
def read_plain(id: int, db: Db) -> list[Item]:
    runs["plain"] += 1
    return [Item(id=id, text=db.text())]


@router.get("/headers/{id}", dependencies=[Depends(noted)], status_code=202)
@cached(cache)
async def read_headers(id: int, response: Response) -> Item:
    runs["headers"] += 1
    headers = response.headers
    headers["X-Run"] = str(runs["headers"])
    headers.append("link", "</a>")
    headers.append("link", "</b>")
    headers["x-both"] = "endpoint"
    headers.setdefault("x-default", "1")
    headers.setdefault("x-noted", "not this")
    headers.add_vary_header("accept")
    headers["x-gone"] = "1"
    del headers["x-gone"]
    response.status_code = 203
    return Item(id=id)


@router.get("/deletes", dependencies=[Depends(noted)])
@cached(cache)
def read_deletes(response: Response) -> int:
    del response.headers["x-noted"]
    return 1


@router.get("/cookie/{id}")
@cached(cache)
async def read_cookie(id: int, response: Response) -> int:
    runs["cookie"] += 1
    number = runs["cookie"]
    if id:
        response.set_cookie("session", str(number))
    await asyncio.sleep(0)
    return number


@router.get("/response/{id}")
@cached(cache)
def read_response(id: int) -> Any:
    runs["response"] += 1
    return JSONResponse({"run": runs["response"]}) if id else runs["response"]


@router.get("/redirect", response_model=None)
@cached(cache)
async def read_redirect() -> RedirectResponse | Item:
    return RedirectResponse("/v1/items/1")


@router.get("/missing/{id}")
@cached(cache, stale_if_error=60)
async def read_missing(id: int) -> Item:
    runs["missing"] += 1
    await asyncio.sleep(0)
    if runs["missing"] > id:
        raise HTTPException(404 if id < 9 else 503, f"no {id}, run {runs['missing']}")
    return Item(id=id)


@router.get("/tasks")
@cached(cache, ignore=["tasks"])
async def read_tasks(tasks: BackgroundTasks) -> int:
    tasks.add_task(runs.update, ["task"])
    return 1


app = FastAPI()
app.include_router(router)


@pytest.fixture(autouse=True)
def empty() -> None:
    cache.sync.clear()
    runs.clear()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "name", "answer"),
    [
        ("/v1/items/1?text=b", "item", {"id": 1, "text": "textb"}),
        ("/v1/plain/1", "plain", [{"id": 1, "text": "text"}]),
    ],
)
async def test_a_hit_does_not_run_the_endpoint(
    client: AsyncClient, path: str, name: str, answer: Any
) -> None:
    assert [(await client.get(path)).json() for _ in range(3)] == [answer] * 3
    assert runs[name] == 1


@pytest.mark.parametrize("path", ["/v1/items/1", "/v1/plain/1"])
async def test_of_200_requests_at_once_one_runs_the_endpoint(
    client: AsyncClient, path: str
) -> None:
    answers = await asyncio.gather(*(client.get(path) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert runs.total() == 1


async def test_parameters_are_checked_as_declared(client: AsyncClient) -> None:
    assert (await client.get("/v1/items/x")).status_code == 422


async def test_the_docs_page_knows_them(client: AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    item, headers = paths["/v1/items/{id}"]["get"], paths["/v1/headers/{id}"]["get"]
    assert (item["summary"], item["description"]) == ("Read Item", "Read it.")
    assert [p["name"] for p in item["parameters"]] == ["id", "text"]
    schema = {"$ref": "#/components/schemas/Item"}
    assert item["responses"]["200"]["content"]["application/json"]["schema"] == schema
    assert [p["name"] for p in headers["parameters"]] == ["id", "x-client"]
    assert headers["responses"]["202"]["content"]["application/json"]["schema"] == schema


# -- the response


async def test_what_is_done_to_the_response_is_done_again(client: AsyncClient) -> None:
    answers = [await client.get("/v1/headers/1", headers={"x-client": who}) for who in "abb"]
    assert runs["headers"] == 1
    for who, answer in zip("abb", answers, strict=True):
        assert answer.status_code == 203
        assert answer.headers["x-run"] == "1"
        assert answer.headers.get_list("link") == ["</a>", "</b>"]
        assert answer.headers["x-both"] == "endpoint"
        assert answer.headers["x-default"] == "1"
        assert answer.headers["x-noted"] == who
        assert answer.headers.get_list("vary") == ["x-client", "accept"]
        assert "x-gone" not in answer.headers
        assert answer.json() == {"id": 1, "text": ""}


async def test_a_header_that_the_endpoint_deletes_is_deleted_again(client: AsyncClient) -> None:
    for who in "ab":
        answer = await client.get("/v1/deletes", headers={"x-client": who})
        assert "x-noted" not in answer.headers
        assert answer.headers["x-both"] == who


async def test_an_answer_that_sets_a_cookie_is_its_callers_alone(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answers = await asyncio.gather(*(client.get("/v1/cookie/1") for _ in range(20)))
    cookies = [answer.cookies["session"] for answer in answers]
    assert sorted(map(int, cookies)) == list(range(1, 21))
    assert [str(answer.json()) for answer in answers] == cookies
    assert [r.message for r in caplog.records if "read_cookie set a cookie" in r.message]
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


async def test_one_that_sets_none_is_kept(client: AsyncClient) -> None:
    assert [(await client.get("/v1/cookie/0")).json() for _ in range(2)] == [1, 1]


async def test_a_response_that_is_returned_is_its_callers_alone(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/v1/response/1") for _ in range(5)))
    assert sorted(answer.json()["run"] for answer in answers) == [1, 2, 3, 4, 5]
    redirected = [(await client.get("/v1/redirect")).headers["location"] for _ in range(2)]
    assert redirected == ["/v1/items/1"] * 2


async def test_background_tasks_go_with_a_run(client: AsyncClient) -> None:
    assert [(await client.get("/v1/tasks")).json() for _ in range(2)] == [1, 1]
    assert runs["task"] == 1


# -- errors


async def test_an_http_exception_is_not_kept_but_shared(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/v1/missing/0") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {404}
    assert runs["missing"] == 1
    assert (await client.get("/v1/missing/0")).json() == {"detail": "no 0, run 2"}


async def test_nothing_old_is_served_in_place_of_a_404(client: AsyncClient) -> None:
    assert (await client.get("/v1/missing/1")).status_code == 200
    clock.advance(61)
    answers = await asyncio.gather(*(client.get("/v1/missing/1") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {404}
    assert (await client.get("/v1/missing/1")).status_code == 404


async def test_what_is_old_is_served_in_place_of_a_503(client: AsyncClient) -> None:
    runs["missing"] = 8
    assert (await client.get("/v1/missing/9")).status_code == 200
    clock.advance(61)
    assert (await client.get("/v1/missing/9")).status_code == 200
    assert runs["missing"] == 10


async def test_an_http_exception_with_a_cookie_is_its_callers_alone() -> None:
    own, told = FastAPI(), Counter[str]()

    @own.get("/")
    @cached(Cache(), name="raises")
    async def raises() -> int:
        told["run"] += 1
        number = told["run"]
        await asyncio.sleep(0)
        raise HTTPException(404, headers={"Set-Cookie": f"session={number}"})

    async with client_of(own) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(5)))
    assert sorted(answer.cookies["session"] for answer in answers) == list("12345")


@pytest.mark.parametrize("status", [304, 403, 412, 429])
async def test_an_answer_that_is_due_to_who_asks_is_its_callers_alone(status: int) -> None:
    own = FastAPI()

    @own.get("/")
    @cached(Cache(), name="picks", ignore=["who"])
    async def picks(who: Annotated[str, Header()]) -> str:
        await asyncio.sleep(0)
        if who == "first":
            raise HTTPException(status)
        return "for the others"

    async with client_of(own) as client:
        asked = (client.get("/", headers={"who": who}) for who in ("first", "b", "c"))
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [status, 200, 200]


# -- what a cached function has


async def test_it_has_what_a_cached_function_has(client: AsyncClient) -> None:
    await client.get("/v1/items/1")
    session = Session()
    assert read_item.key(1, session) == "item:1:a"
    assert await read_item.get(1, session) == Item(id=1, text="texta")
    assert await read_item.get(1, session, text="b") is MISSING
    await read_item.invalidate(1, session)
    assert await read_item.get(1, session) is MISSING
    assert await read_item.refresh(1, session) == Item(id=1, text="texta")
    await read_item.set(Item(id=7), 1, session)
    assert (await client.get("/v1/items/1")).json() == {"id": 7, "text": ""}
    await cache.invalidate(Tag("item:1"))
    await client.get("/v1/items/1")
    assert runs["item"] == 3
    await read_item.clear()
    assert await read_item.get(1, session) is MISSING
    assert read_item.info.loads >= 3
    assert (await read_item.__wrapped__(2, session)).id == 2


async def test_so_does_a_plain_one() -> None:
    session = Session()
    item = Item(id=1, text="text")
    assert read_plain(1, session) == [item]
    assert read_plain.get(1, session) == [item]
    assert read_plain.key(1, session) == f"{__name__}.read_plain(1)"
    read_plain.invalidate(1, session)
    assert read_plain.get(1, session) is MISSING
    assert read_plain.refresh(1, session) == [item]
    read_plain.set([], 1, session)
    assert read_plain(1, session) == []
    read_plain.clear()
    assert read_plain.get(1, session) is MISSING


async def test_the_response_is_the_callers_own_there_too(client: AsyncClient) -> None:
    await client.get("/v1/headers/1")
    response = Response()
    assert await read_headers.get(1, response) == Item(id=1)
    assert (response.status_code, response.headers["x-run"]) == (203, "1")
    response = Response()
    await read_headers.refresh(1, response)
    assert response.headers["x-run"] == "2"
    await read_headers.set(Item(id=5), 1, Response())
    answer = await client.get("/v1/headers/1")
    assert (answer.status_code, answer.json()["id"]) == (202, 5)
    await read_headers.invalidate(1, Response())
    assert await read_headers.get(1, Response()) is MISSING


# -- options


async def test_options_of_the_value_are_of_what_the_endpoint_returns() -> None:
    own = Cache(clock=clock, ttl=100, none_ttl=10, when=lambda value: value != 3)
    told = Counter[int]()

    @cached(own, name="judged")
    async def judged(id: int, response: Response) -> int | None:
        told[id] += 1
        return id or None

    async def all_of_them() -> list[int]:
        for id in (0, 1, 3):
            await judged(id, Response())
        return [told[id] for id in (0, 1, 3)]

    assert await all_of_them() == [1, 1, 1]
    assert await all_of_them() == [1, 1, 2]
    clock.advance(11)
    assert await all_of_them() == [2, 1, 3]


async def test_so_is_a_ttl_that_is_a_function() -> None:
    own, told = Cache(clock=clock), Counter[int]()

    @cached(own, name="timed", ttl=lambda value: 10 * value)
    async def timed(id: int, response: Response) -> int:
        told[id] += 1
        return id

    for _ in range(2):
        for id in (1, 2):
            await timed(id, Response())
        clock.advance(11)
    assert told == {1: 2, 2: 1}


async def test_a_part_of_an_argument_has_its_place_in_templates() -> None:
    own, told = Cache(), Counter[str]()

    @cached(own, vary_on={"item": lambda item: item.id}, key="{item}/{lang}", tags=["of:{item}"])
    async def read(item: Annotated[Item, Depends(Item)], lang: str = "{}") -> str:
        told[item.text] += 1
        return item.text

    assert read.key(Item(id=1), "en") == "1/en"
    assert await read(Item(id=1, text="a"), "en") == "a"
    assert await read(Item(id=1, text="b"), "en") == "a"
    await own.invalidate(Tag("of:1"))
    assert await read(Item(id=1, text="c"), "en") == "c"


async def test_templates_without_parts_are_as_they_were() -> None:
    @cached(Cache(), key="{{a}}:{item.id}", vary_on=["item"])
    async def read(item: Annotated[Item, Depends(Item)]) -> int:
        return item.id

    assert read.key(Item(id=1)) == "{a}:1"


@pytest.mark.parametrize("how", [{}, {"serializer": PickleSerializer()}])
async def test_models_and_headers_come_back_from_redis(
    redis_server: RedisServer, prefix: str, how: dict[str, Any]
) -> None:
    async with Cache(redis_server.url, namespace=prefix.rstrip(":"), deadline=5, **how) as there:

        @cached(there, name="with")
        async def with_response(id: int, response: Response) -> list[Item]:
            response.headers["x-run"] = "1"
            return [Item(id=id)]

        @cached(there, name="noted")
        async def noted(response: Response) -> Noted:
            return Noted.with_note("private")

        @cached(there, name="without")
        async def without(id: int) -> Item | None:
            return Item(id=id)

        for _ in range(2):
            response = Response()
            assert await with_response(1, response) == [Item(id=1)]
            assert response.headers["x-run"] == "1"
            assert await without(1) == Item(id=1)
        for _ in range(2):
            assert (await noted(Response())).note == "private"
        assert noted.info.hits == bool(how)  # only pickle can write it
        assert (with_response.info.hits, without.info.hits) == (1, 1)


@pytest.mark.parametrize("count", [False, True])
async def test_with_a_refresh_scope_it_is_run_behind_its_callers(count: bool) -> None:
    own, sessions = Cache(clock=clock), list[Session]()

    @asynccontextmanager
    async def scope() -> AsyncGenerator[dict[str, Any]]:
        session = Session()
        sessions.append(session)
        yield {"db": session}
        session.closed = True

    told: dict[str, Any] = {"vary_on": {"db": lambda _: 1}} if count else {"ignore": ["db"]}

    @cached(own, ttl=1, stale_while_revalidate=60, refresh_scope=scope, name="r", **told)
    async def read(id: int, db: Session, response: Response) -> str:
        response.headers["x-of"] = str(len(sessions))
        return db.text()

    assert await read(1, Session(), Response()) == "text"
    clock.advance(2)
    stale, gone = Response(), Session()
    gone.closed = True
    assert await read(1, gone, stale) == "text"
    await ticks(50)
    assert sessions[-1].closed
    fresh = Response()
    assert await read(1, gone, fresh) == "text"
    assert (stale.headers["x-of"], fresh.headers["x-of"]) == ("0", "1")


@pytest.mark.parametrize("told", [{"vary_on": {"db": lambda _: 1}}, {"ignore": ["db"]}])
async def test_without_one_it_is_not_though_only_a_part_counts(told: dict[str, Any]) -> None:
    own, ran = Cache(clock=clock), list[Session]()

    @cached(own, ttl=1, stale_while_revalidate=60, name="r", **told)
    async def read(id: int, db: Session) -> int:
        ran.append(db)
        return len(ran)

    assert await read(1, Session()) == 1
    clock.advance(2)
    second = Session()
    assert await read(1, second) == 2  # waited for it, with its own session
    assert ran[1] is second


async def test_a_cache_that_is_off_answers_as_without_it() -> None:
    own, off = FastAPI(), Cache(disabled=True)

    @own.get("/{id}")
    @cached(off, name="off")
    async def read(id: int, response: Response) -> int:
        if id == 0:
            raise HTTPException(404, headers={"set-cookie": "a=b"})
        response.set_cookie("c", str(id))
        response.headers["x-id"] = str(id)
        return id

    async with client_of(own) as client:
        answer = await client.get("/5")
        assert (answer.json(), answer.headers["x-id"], answer.cookies["c"]) == (5, "5", "5")
        assert (await client.get("/0")).cookies["a"] == "b"


async def test_text_of_another_kind_is_left_as_it_is() -> None:
    own = FastAPI()

    @own.get("/", response_class=PlainTextResponse)
    @cached(Cache(), name="text")
    async def read() -> str:
        return "plain"

    async with client_of(own) as client:
        for _ in range(2):
            answer = await client.get("/")
            assert (answer.text, answer.headers["content-type"]) == (
                "plain",
                "text/plain; charset=utf-8",
            )
