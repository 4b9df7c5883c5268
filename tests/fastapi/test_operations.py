"""The operations router: who may use it, what it tells, and what it forgets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, HTTPException
from httpx import AsyncClient, Response
from pydantic import BaseModel, Field

from cachekit import Cache, ConfigurationError, Key, Prefix, Tag, Target
from cachekit.clock import SYSTEM
from cachekit.entry import Kind
from cachekit.fastapi.operations_router import operations
from tests.core.slow_store import Shelf, SlowStore, of_kind
from tests.fastapi.asking import client_of

ADMIN = {"x-admin": "letmein"}
SECRET = "redis://:hunter2@store"


class ProductUpdated(BaseModel):
    id: int = Field(ge=1)
    category: str


@dataclass
class Restocked:
    shelf: str


def targets(event: Any) -> list[Target]:
    if isinstance(event, ProductUpdated):
        return [Key("product:{}", event.id), Tag(event.category), Prefix("search:")]
    return []


def let_in(x_admin: Annotated[str | None, Header()] = None) -> None:
    if x_admin != ADMIN["x-admin"]:
        raise HTTPException(401, "who are you?")


EVENTS: dict[str, type[Any]] = {"product-updated": ProductUpdated, "restocked": Restocked}


def app_of(caches: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(operations(caches, auth=Depends(let_in), events=EVENTS), prefix="/ops")
    return app


@pytest.fixture
async def cache() -> AsyncIterator[Cache]:
    async with Cache(invalidators=[targets]) as cache:
        yield cache


@pytest.fixture
def store() -> SlowStore:
    return SlowStore(Shelf(SYSTEM))


@pytest.fixture
async def far(store: SlowStore) -> AsyncIterator[Cache]:
    """A cache on a store that does I/O and can fail."""
    async with Cache(store, namespace="far", deadline=0.05, invalidators=[targets]) as cache:
        yield cache
        store.heal()


@pytest.fixture
async def admin(cache: Cache) -> AsyncIterator[AsyncClient]:
    async with client_of(app_of(cache), **ADMIN) as client:
        yield client


@pytest.fixture
async def far_admin(far: Cache) -> AsyncIterator[AsyncClient]:
    async with client_of(app_of(far), **ADMIN) as client:
        yield client


# -- who may


async def ask_everything(client: AsyncClient, headers: Any = None) -> list[Response]:
    return [
        await client.get("/ops/stats", headers=headers),
        await client.get("/ops/health", headers=headers),
        await client.get("/ops/entry?key=k", headers=headers),
        await client.get("/ops/entry", headers=headers),
        await client.post("/ops/invalidate", json={"keys": ["k"]}, headers=headers),
        await client.post("/ops/events/restocked", json={"shelf": "a"}, headers=headers),
        await client.post("/ops/events/restocked", json={"shelf": 1}, headers=headers),
    ]


@pytest.mark.parametrize("auth", [None, let_in, Depends(), True, [Depends(let_in)]])
def test_without_an_auth_dependency_there_is_no_router(auth: Any) -> None:
    with pytest.raises(TypeError, match="auth"):
        operations(Cache(), auth=auth)
    with pytest.raises(TypeError, match="auth"):
        operations(Cache())  # type: ignore[call-arg]


async def test_who_is_not_let_in_gets_nothing_and_changes_nothing(cache: Cache) -> None:
    await cache.set("k", 1)
    async with client_of(app_of(cache)) as stranger:
        answers = await ask_everything(stranger)
        answers += await ask_everything(stranger, {"x-admin": "guess"})
    assert {answer.status_code for answer in answers} == {401}
    assert await cache.get("k") == 1


async def test_no_cache_on_the_way_keeps_an_answer(admin: AsyncClient, far: Cache) -> None:
    answers = await ask_everything(admin)
    let = [answer for answer in answers if answer.status_code != 422]
    assert len(let) == 5
    assert {answer.headers["cache-control"] for answer in let} == {"no-store"}


# -- what it tells


async def test_stats_are_those_of_each_cache(cache: Cache, admin: AsyncClient) -> None:
    for _ in range(4):
        await cache.get_or_set("k", lambda: 1)
    stats = (await admin.get("/ops/stats")).json()
    assert stats.keys() == {"default"}
    found = stats["default"]
    assert (found["hits"], found["misses"], found["hit_ratio"]) == (3, 1, 0.75)


async def test_a_store_that_answers_is_ok(far_admin: AsyncClient) -> None:
    health = (await far_admin.get("/ops/health")).json()
    assert health["status"] == "ok"
    assert health["caches"]["default"]["answers"] is True


async def test_one_that_does_not_is_degraded_and_the_service_is_not_dead(
    far_admin: AsyncClient, store: SlowStore
) -> None:
    store.error = OSError(SECRET)
    answer = await far_admin.get("/ops/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert SECRET not in answer.text


async def test_one_that_hangs_is_degraded_within_the_deadline(
    far_admin: AsyncClient, store: SlowStore
) -> None:
    store.hang()
    assert (await far_admin.get("/ops/health")).json()["status"] == "degraded"


async def test_a_cache_that_was_closed_is_degraded(cache: Cache, admin: AsyncClient) -> None:
    await cache.close()
    assert (await admin.get("/ops/health")).json()["status"] == "degraded"
    assert (await admin.get("/ops/entry?key=k")).status_code == 503


@pytest.mark.parametrize("key", ["k", "a b&c=d/e?f#g", "ключ {x}", "%2e%00", "\x00"])
async def test_what_is_known_of_a_key_with_any_character(
    cache: Cache, admin: AsyncClient, key: str
) -> None:
    await cache.set(key, {"secret": "value"}, ttl=60, tags=["a", "b"])
    answer = await admin.get("/ops/entry", params={"key": key})
    found = answer.json()
    assert (found["key"], found["ttl"], found["fresh"]) == (key, 60, True)
    assert found["tags"] == ["a", "b"]
    assert found["age"] >= found["load_time"] == 0
    assert int(found["version"], 16) > 0
    assert "value" not in answer.text


async def test_a_key_without_a_value_is_404_and_a_store_without_an_answer_503(
    far_admin: AsyncClient, store: SlowStore
) -> None:
    assert (await far_admin.get("/ops/entry?key=k")).status_code == 404
    store.error = OSError(SECRET)
    answer = await far_admin.get("/ops/entry?key=k")
    assert answer.status_code == 503
    assert SECRET not in answer.text


# -- what it forgets


async def test_it_forgets_by_key_by_tag_and_by_prefix(cache: Cache, admin: AsyncClient) -> None:
    for key in ("one", "other", "pre:1", "pre:2"):
        await cache.set(key, 1)
    await cache.set("tagged", 1, tags=["t"])
    what = {"keys": ["one"], "tags": ["t"], "prefixes": ["pre:"]}
    answer = await admin.post("/ops/invalidate", json=what)
    assert (answer.status_code, answer.json()) == (200, what)
    assert await cache.get_many(["one", "other", "tagged", "pre:1", "pre:2"]) == {"other": 1}


@pytest.mark.parametrize(
    "what", [{}, {"keys": []}, {"key": "k"}, {"keys": [""]}, {"keys": "k"}, {"tags": [1]}, [], None]
)
async def test_a_body_that_names_nothing_or_something_else_is_422(
    admin: AsyncClient, what: Any
) -> None:
    assert (await admin.post("/ops/invalidate", json=what)).status_code == 422


async def test_an_event_forgets_what_it_says_and_answers_what_that_was(
    cache: Cache, admin: AsyncClient
) -> None:
    for key in ("product:7", "product:8", "search:x"):
        await cache.set(key, 1)
    event = {"id": 7, "category": "books"}
    answer = await admin.post("/ops/events/product-updated", json=event)
    assert answer.json() == {"keys": ["product:7"], "tags": ["books"], "prefixes": ["search:"]}
    assert await cache.get_many(["product:7", "product:8", "search:x"]) == {"product:8": 1}


@pytest.mark.parametrize("body", [{}, {"id": 0, "category": "a"}, {"id": "x"}, [], "text", None])
async def test_an_event_that_is_none_is_422(admin: AsyncClient, body: Any) -> None:
    answer = await admin.post("/ops/events/product-updated", json=body)
    assert answer.status_code == 422


async def test_an_event_that_was_not_named_is_none(admin: AsyncClient) -> None:
    assert (await admin.post("/ops/events/deleted", json={})).status_code == 404


async def test_where_nobody_hears_events_an_event_is_400() -> None:
    async with Cache() as deaf, client_of(app_of(deaf), **ADMIN) as admin:
        answer = await admin.post("/ops/events/restocked", json={"shelf": "a"})
    assert answer.status_code == 400
    assert "invalidator" in answer.json()["detail"]


async def test_what_was_not_reached_is_named_with_503(
    far: Cache, far_admin: AsyncClient, store: SlowStore
) -> None:
    await far.set("k", 1, tags=["t"])
    store.loses = of_kind(Kind.TAG)
    answers = [
        await far_admin.post("/ops/invalidate", json={"keys": ["k"], "tags": ["books"]}),
        await far_admin.post("/ops/events/product-updated", json={"id": 7, "category": "books"}),
    ]
    unreached = [answer.json()["detail"]["unreached"] for answer in answers]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert unreached == [
        ["Tag('books')"],
        # what was lost is not made good yet: until it is, the store is asked for nothing
        ["Key('product:7')", "Tag('books')", "Prefix('search:')"],
    ]


async def test_a_503_says_nothing_of_what_the_store_said(
    far_admin: AsyncClient, store: SlowStore
) -> None:
    store.error = OSError(SECRET)
    answer = await far_admin.post("/ops/invalidate", json={"keys": ["k"]})
    assert answer.status_code == 503
    assert SECRET not in answer.text


class NoPrefixes(SlowStore):
    """A store that cannot forget by prefix."""

    def capability(self, wanted: Any) -> Any:
        return None


async def test_where_prefixes_cannot_be_forgotten_the_answer_names_tags() -> None:
    store = NoPrefixes(Shelf(SYSTEM))
    async with Cache(store, namespace="n") as cache, client_of(app_of(cache), **ADMIN) as admin:
        await cache.set("k", 1)
        answer = await admin.post("/ops/invalidate", json={"keys": ["k"], "prefixes": ["p"]})
        assert answer.status_code == 400
        assert "Tag" in answer.json()["detail"]
        assert await cache.get("k") is None


# -- several caches


async def test_several_caches_are_told_apart_by_name(cache: Cache, far: Cache) -> None:
    both = {"default": cache, "far": far}
    async with client_of(app_of(both), **ADMIN) as admin:
        for one in both.values():
            await one.set("k", 1)
        assert (await admin.get("/ops/stats")).json().keys() == both.keys()
        assert (await admin.get("/ops/health")).json()["caches"].keys() == both.keys()
        await admin.post("/ops/invalidate?cache=far", json={"keys": ["k"]})
        assert [await one.get("k") for one in both.values()] == [1, None]
        assert (await admin.get("/ops/entry?key=k")).status_code == 200
        assert (await admin.get("/ops/entry?key=k&cache=far")).status_code == 404
        unknown = await admin.get("/ops/entry?key=k&cache=other")
        assert unknown.status_code == 404
        assert "default, far" in unknown.json()["detail"]


async def test_without_a_default_the_cache_must_be_named(cache: Cache, far: Cache) -> None:
    async with client_of(app_of({"near": cache, "far": far}), **ADMIN) as admin:
        assert (await admin.post("/ops/invalidate", json={"keys": ["k"]})).status_code == 422
        named = await admin.post("/ops/invalidate?cache=near", json={"keys": ["k"]})
        assert named.status_code == 200


# -- in the docs


def test_the_docs_page_has_models_summaries_and_errors() -> None:
    docs = app_of(Cache()).openapi()
    paths = docs["paths"]
    assert paths.keys() == {
        "/ops/stats",
        "/ops/health",
        "/ops/entry",
        "/ops/invalidate",
        "/ops/events/product-updated",
        "/ops/events/restocked",
    }
    for path in paths.values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["description"]
            assert {"200", "401", "403"} <= operation["responses"].keys()
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert "$ref" in str(schema)
    event = paths["/ops/events/product-updated"]["post"]
    body = event["requestBody"]["content"]["application/json"]["schema"]
    assert "ProductUpdated" in str(body)
    assert {"400", "503"} <= event["responses"].keys()
    assert "hit_ratio" in docs["components"]["schemas"]["CacheStats"]["properties"]


@pytest.mark.parametrize("name", ["a/b", "{x}", "", "a b"])
def test_the_name_of_an_event_fits_into_a_path(name: str) -> None:
    with pytest.raises(ConfigurationError, match="part of a path"):
        operations(Cache(), auth=Depends(let_in), events={name: Restocked})


def test_there_is_a_cache_to_operate() -> None:
    with pytest.raises(ConfigurationError, match="no cache"):
        operations({}, auth=Depends(let_in))
