"""Cached functions and methods are what FastAPI needs them to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Query
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel

from cachekit import Cache
from tests.core.helpers import PickleSerializer

CACHE = Cache(serializer=PickleSerializer())


class Item(BaseModel):
    id: int
    text: str = "a"


@dataclass(frozen=True)
class Repo:
    tenant: str

    @CACHE.cached
    async def item(self, id: int, text: Annotated[str, Query(max_length=3)] = "a") -> Item:
        """One item of a tenant."""
        return Item(id=id, text=self.tenant + text)

    @CACHE.cached
    def plain_item(self, id: int) -> Item:
        return Item(id=id, text=self.tenant)


REPO = Repo("t")


@CACHE.cached
async def settings(lang: str = "en") -> dict[str, str]:
    return {"lang": lang}


@CACHE.cached
def plain_settings(lang: str = "en") -> dict[str, str]:
    return {"plain": lang}


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/async/{id}")
    @CACHE.cached
    async def read_async(id: int, text: str = "a") -> Item:
        """Read it."""
        return Item(id=id, text=text)

    @app.get("/sync/{id}")
    @CACHE.cached
    def read_sync(id: int, q: Annotated[int, Query(ge=1)] = 1) -> Item:
        return Item(id=id, text=str(q))

    @app.get("/depends")
    def read_depends(
        first: Annotated[dict[str, str], Depends(settings)],
        second: Annotated[dict[str, str], Depends(plain_settings)],
        third: Annotated[Item, Depends(REPO.plain_item)],
    ) -> dict[str, str]:
        return {**first, **second, "text": third.text}

    app.get("/method/{id}")(REPO.item)
    app.get("/plain/{id}")(REPO.plain_item)
    return app


def client_of(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="http://test")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    CACHE.sync.clear()
    async with client_of(_app()) as client:
        yield client


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("/async/1?text=b", {"id": 1, "text": "b"}),
        ("/sync/2?q=3", {"id": 2, "text": "3"}),
        ("/depends?lang=de&id=4", {"lang": "de", "plain": "de", "text": "t"}),
        ("/method/5", {"id": 5, "text": "ta"}),
        ("/plain/6", {"id": 6, "text": "t"}),
    ],
)
async def test_endpoints_and_dependencies(
    client: AsyncClient, url: str, answer: dict[str, str]
) -> None:
    loads = CACHE.stats().loads
    assert [(await client.get(url)).json() for _ in range(3)] == [answer] * 3
    assert CACHE.stats().loads - loads == (3 if "depends" in url else 1)


@pytest.mark.parametrize("url", ["/async/x", "/sync/1?q=0", "/method/1?text=toolong", "/depends"])
async def test_parameters_are_checked_as_declared(client: AsyncClient, url: str) -> None:
    assert (await client.get(url)).status_code == 422


async def test_the_docs_page_knows_them(client: AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/async/{id}"]["get"]["description"] == "Read it."
    assert paths["/method/{id}"]["get"]["description"] == "One item of a tenant."
    assert paths["/method/{id}"]["get"]["summary"] == "Item"
    assert {p["name"] for p in paths["/method/{id}"]["get"]["parameters"]} == {"id", "text"}
    content = paths["/sync/{id}"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Item"}


async def test_a_cached_method_may_be_overridden() -> None:
    app = FastAPI()

    @app.get("/")
    def read(item: Annotated[Item, Depends(REPO.plain_item)]) -> Item:
        return item

    app.dependency_overrides[REPO.plain_item] = lambda: Item(id=0, text="other")
    async with client_of(app) as client:
        assert (await client.get("/")).json() == {"id": 0, "text": "other"}
