"""An invalidation that did not arrive, after the change was made."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from cachekit import Cache, InvalidationError, Key
from cachekit.clock import SYSTEM
from cachekit.fastapi.errors import MAY_BE_STALE, add_exception_handlers, committed
from tests.core.slow_store import Shelf, SlowStore
from tests.fastapi.asking import client_of

DOWN = OSError("redis://:hunter2@store is down")


class Service:
    """A shop whose changes are committed before the cache hears of them."""

    def __init__(self) -> None:
        self.store = SlowStore(Shelf(SYSTEM))
        self.cache = Cache(self.store, namespace="shop", deadline=0.05)
        self.price = 1

    async def change(self) -> int:
        self.price += 1
        await self.cache.invalidate(Key("secret key"))
        return self.price


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    async with service.cache:
        yield service
        service.store.heal()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    add_exception_handlers(app)

    for method in ("GET", "POST", "PUT", "DELETE"):
        app.add_api_route("/price", service.change, methods=[method], responses=MAY_BE_STALE)

    @app.post("/quiet")
    async def change_quietly() -> int:
        with committed("the price of 7"):
            await service.change()
        return service.price

    async with client_of(app) as client:
        yield client


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged here, not by the core."""
    found = [record for record in caplog.records if record.name == "cachekit.fastapi"]
    assert {record.levelname for record in found} <= {"WARNING"}
    return [record.getMessage() for record in found]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_the_client_is_told_that_the_change_was_made_and_no_keys(
    service: Service, client: AsyncClient, method: str
) -> None:
    service.store.error = DOWN
    answer = await client.request(method, "/price")
    assert (answer.status_code, service.price) == (202, 2)
    assert "The change was made" in answer.json()["detail"]
    assert answer.headers["cache-control"] == "no-store"
    assert "secret" not in answer.text
    assert "hunter2" not in answer.text


async def test_a_method_that_changes_nothing_is_not_told_that_something_was_done(
    service: Service, client: AsyncClient
) -> None:
    service.store.error = DOWN
    answer = await client.get("/price")
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_each_case_is_one_warning_that_names_what_was_not_reached(
    service: Service, client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.post("/price")
    assert warnings_in(caplog) == []
    service.store.error = DOWN
    for _ in range(2):
        await client.post("/price")
    warnings = warnings_in(caplog)
    assert len(warnings) == 2
    assert all("POST '/price'" in text and "secret key" in text for text in warnings)


async def test_a_line_break_in_a_path_is_none_in_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    add_exception_handlers(app)

    @app.post("/{name}")
    async def change(name: str) -> int:
        return await service.change()

    service.store.error = DOWN
    async with client_of(app) as client:
        await client.post("/a%0aINFO: all is well")
    assert len(warnings_in(caplog)) == 1
    assert "\n" not in warnings_in(caplog)[0]


async def test_a_service_may_log_it_and_go_on(
    service: Service, client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    service.store.error = DOWN
    answer = await client.post("/quiet")
    assert (answer.status_code, answer.json()) == (200, 2)
    (warning,) = warnings_in(caplog)
    assert warning.startswith("the price of 7: it is committed")
    assert "secret key" in warning


def test_other_errors_go_on_their_way(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), committed():
        1 / 0  # noqa: B018
    with committed():
        raise InvalidationError("invalidate", ["Key('k')"])
    assert len(warnings_in(caplog)) == 1


async def test_the_end_of_a_deferred_block_counts_too(service: Service) -> None:
    service.store.error = DOWN
    with committed():
        async with service.cache.deferred():
            await service.change()
    assert service.price == 2


async def test_the_docs_page_tells_of_it(client: AsyncClient) -> None:
    docs = (await client.get("/openapi.json")).json()
    schema = docs["paths"]["/price"]["post"]["responses"]["202"]["content"]["application/json"]
    assert "MayBeStale" in schema["schema"]["$ref"]
