"""Caches live as long as the application, and dependencies give them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from cachekit import Cache, CacheClosedError, ConfigurationError
from cachekit.backend import DONE, Backend, Found, Outcome, Write
from cachekit.fastapi import CacheDep, RedisDep, get_cache, lifespan, named
from tests.servers.server import RedisServer

router = APIRouter()
Sessions = Annotated[Cache, Depends(named("sessions"))]


@router.get("/default")
async def read_default(cache: CacheDep) -> str:
    return str(await cache.get_or_set("a", lambda: "loaded"))


@router.get("/sessions")
async def read_sessions(cache: Sessions) -> str:
    return str(await cache.get("a", "nothing"))


class Down(Backend):
    """A store that cannot be opened until it is `up`, or not be closed."""

    def __init__(self) -> None:
        self.up = False
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1
        if not self.up:
            raise ConnectionError("nobody there")

    async def close(self) -> None:
        raise ConnectionError("gone away")

    async def read(self, keys: Sequence[str]) -> Found:
        return {}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [DONE for _ in writes]


def app_with(*args: Any, **options: Any) -> FastAPI:
    app = FastAPI(lifespan=lifespan(*args, **options))
    app.include_router(router)
    return app


def asking(app: FastAPI) -> AsyncClient:
    """A client that is told what the application raises."""
    return AsyncClient(transport=ASGITransport(app), base_url="http://test")


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[AsyncClient]:
    """A client of an application that was started."""
    async with app.router.lifespan_context(app), asking(app) as client:
        yield client


def test_caches_are_there_while_the_application_runs() -> None:
    cache, sessions = Cache(), Cache()
    app = app_with(cache, sessions=sessions)

    async def life() -> None:
        async with running(app) as client:
            await sessions.set("a", "session")
            assert (await client.get("/default")).json() == "loaded"
            assert (await client.get("/sessions")).json() == "session"
        for each in (cache, sessions):
            with pytest.raises(CacheClosedError):
                await each.get("a")

    for _ in range(3):  # each on a loop of its own
        asyncio.run(life())


async def test_the_applications_own_lifespan_runs_while_they_are_open() -> None:
    cache, seen = Cache(), list[Any]()

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncGenerator[dict[str, int]]:
        await cache.set("a", "warm")
        yield {"answer": 42}
        seen.append(await cache.get("a"))

    app = app_with(cache, inner=own)
    async with app.router.lifespan_context(app) as state, asking(app) as client:
        assert (await client.get("/default")).json() == "warm"
        assert state == {"answer": 42}
    assert seen == ["warm"]


async def test_a_bare_generator_is_one_too_and_one_that_fails_leaves_nothing_open() -> None:
    cache = Cache()

    async def own(app: FastAPI) -> AsyncGenerator[None]:
        raise OSError("no")
        yield

    bare: Any = own
    app = app_with(cache, inner=bare)
    with pytest.raises(OSError, match="no"):
        async with running(app):
            pass
    with pytest.raises(CacheClosedError):
        await cache.get("a")
    assert not hasattr(app.state, "cachekit")


async def test_what_is_mounted_has_them_too() -> None:
    app, sub = app_with(Cache()), FastAPI()
    sub.include_router(router)
    app.mount("/sub", sub)
    async with running(app) as client:
        assert (await client.get("/sub/default")).json() == "loaded"


async def test_a_cache_under_two_names_is_one() -> None:
    cache = Cache()
    async with running(app_with(cache, sessions=cache)) as client:
        for path in ("/default", "/sessions"):
            assert (await client.get(path)).json() == "loaded"


# -- a store that is not there


async def test_the_application_starts_without_its_store(caplog: pytest.LogCaptureFixture) -> None:
    store = Down()
    cache = Cache(store, namespace="test")
    async with running(app_with(cache)) as client:
        assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == [
            "the application starts without a cache, whose store did not open (ConnectionError: "
            "nobody there); it is tried again at each use"
        ]
        assert (await client.get("/default")).json() == "loaded"
        store.up = True
        assert (await client.get("/default")).json() == "loaded"
        assert cache.stats().loads == 2
        assert store.opened > 1
    assert "not closed properly: ConnectionError: gone away" in caplog.text


async def test_a_mistake_is_raised_at_the_start() -> None:
    def none() -> Any:
        return 3

    with pytest.raises(ConfigurationError, match="is no backend"):
        async with running(app_with(Cache(none))):
            pass


def test_what_is_no_cache_is_an_error_at_once() -> None:
    wrong: Any = "memory://"
    for told in ({"sessions": wrong}, {}):
        with pytest.raises(ConfigurationError, match="is no Cache"):
            lifespan(*([] if told else [wrong]), **told)


# -- mistakes of those who ask


@router.get("/redis")
async def read_redis(redis: RedisDep) -> None: ...


@pytest.mark.parametrize("path", ["/default", "/sessions", "/redis"])
async def test_a_lifespan_that_was_forgotten_is_named(path: str) -> None:
    app = FastAPI()
    app.include_router(router)
    async with asking(app) as client:
        with pytest.raises(ConfigurationError, match=r"FastAPI\(lifespan=lifespan\(cache\)\)"):
            await client.get(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/sessions", r"named 'sessions', only \['users'\]"),
        ("/default", "no cache without a name"),
        ("/redis", "redis=URL"),
    ],
)
async def test_what_there_is_not_is_named(path: str, message: str) -> None:
    async with running(app_with(users=Cache())) as client:
        with pytest.raises(ConfigurationError, match=message):
            await client.get(path)


# -- tests of who uses it


async def test_a_cache_can_be_put_in_for_a_test() -> None:
    app = app_with(Cache(), sessions=Cache())
    fresh = Cache()
    app.dependency_overrides[get_cache] = lambda: fresh
    app.dependency_overrides[named("sessions")] = lambda: fresh
    await fresh.set("a", "put in")
    async with asking(app) as client:
        for path in ("/default", "/sessions"):
            assert (await client.get(path)).json() == "put in"


# -- a client of Redis


def with_redis(source: Any) -> FastAPI:
    app = FastAPI(lifespan=lifespan(redis=source))

    @app.get("/ping")
    async def ping(redis: RedisDep) -> bool:
        return bool(await redis.ping())

    return app


@pytest.mark.parametrize("how", ["url", "secret", "function"])
def test_a_client_is_there_at_each_start(redis_server: RedisServer, how: str) -> None:
    from redis.asyncio import Redis

    url = redis_server.url
    sources = {"url": url, "secret": SecretStr(url), "function": lambda: Redis.from_url(url)}
    app = with_redis(sources[how])

    async def life() -> None:
        async with running(app) as client:
            assert (await client.get("/ping")).json() is True

    for _ in range(2):
        asyncio.run(life())


async def test_a_redis_that_is_not_there_keeps_nothing_from_starting() -> None:
    async with running(with_redis("redis://localhost:1")):
        pass


def test_without_redis_py_it_is_said_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'cachekit-framework\[redis\]'"):
        lifespan(redis="redis://localhost")


async def test_stores_open_side_by_side() -> None:
    met = asyncio.Barrier(2)

    class Slow(Down):
        async def open(self) -> None:
            await met.wait()

        async def close(self) -> None: ...

    caches = [Cache(Slow(), namespace="test") for _ in range(2)]
    async with lifespan(caches[0], other=caches[1])(FastAPI()):
        assert met.n_waiting == 0
