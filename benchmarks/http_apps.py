"""What is measured over HTTP: ours and the peers, each as its docs use it, on the same service."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.http_load import Answer
from benchmarks.http_places import TTL, public_service, service
from cachekit import Cache
from cachekit_memory import MemoryBackend
from cachekit_redis import RedisBackend
from examples.places.database import Database

BARE: Final = "bare ASGI app"
UNCACHED: Final = "no cache"
OUTERMOST: Final = "cachekit"
"""`ResponseCache(app, cache)`, around all."""
ADDED: Final = "cachekit, add_middleware"
CACHED: Final = "cachekit, decorator"
FASTAPI_CACHE: Final = "fastapi-cache2"
CASHEWS: Final = "cashews"
CASHEWS_ETAGS: Final = "cashews, middlewares too"


@dataclass(frozen=True)
class Place:
    """Where a subject finds what it needs: its database, its store, what the bare app sends."""

    database: Database
    redis: str | None
    """URL of a database of its own; without one it keeps its values in memory."""
    answers: Path


Make = Callable[[Place], AbstractAsyncContextManager[ASGIApp]]


@asynccontextmanager
async def bare(place: Place) -> AsyncGenerator[ASGIApp]:
    """Sends ready bytes: as fast as anything can be on this server."""
    yield Bare(answers_in(place.answers))


@asynccontextmanager
async def uncached(place: Place) -> AsyncGenerator[ASGIApp]:
    yield service(place.database)


@asynccontextmanager
async def outermost(place: Place) -> AsyncGenerator[ASGIApp]:
    from cachekit.http import ResponseCache

    async with cache_of(place) as cache:
        yield ResponseCache(public_service(place.database), cache)


@asynccontextmanager
async def added(place: Place) -> AsyncGenerator[ASGIApp]:
    from cachekit.http import ResponseCache

    async with cache_of(place) as cache:
        app = public_service(place.database)
        app.add_middleware(ResponseCache, cache=cache)
        yield app


@asynccontextmanager
async def cached(place: Place) -> AsyncGenerator[ASGIApp]:
    from cachekit.fastapi import cached

    async with cache_of(place) as cache:

        def named(endpoint: Any) -> Any:
            return cached(cache, name=endpoint.__name__)(endpoint)

        yield service(place.database, named)


@asynccontextmanager
async def fastapi_cache(place: Place) -> AsyncGenerator[ASGIApp]:
    from fastapi_cache import FastAPICache
    from fastapi_cache.backends.inmemory import InMemoryBackend
    from fastapi_cache.backends.redis import RedisBackend as Backend
    from fastapi_cache.decorator import cache
    from redis.asyncio import Redis

    client = Redis.from_url(place.redis or "redis://")
    FastAPICache.init(Backend(client) if place.redis else InMemoryBackend(), prefix="places")
    yield service(place.database, cache(expire=TTL))
    await client.aclose()


@asynccontextmanager
async def cashews(place: Place) -> AsyncGenerator[ASGIApp]:
    from cashews import Cache as Cashews

    cache = Cashews()
    cache.setup(place.redis or "mem://")
    yield service(place.database, cache(ttl=TTL))
    await cache.close()


@asynccontextmanager
async def cashews_with_etags(place: Place) -> AsyncGenerator[ASGIApp]:
    from cashews import Cache as Cashews
    from cashews.contrib.fastapi import CacheEtagMiddleware, CacheRequestControlMiddleware

    cache = Cashews()
    cache.setup(place.redis or "mem://")
    app = service(place.database, cache(ttl=TTL))
    app.add_middleware(CacheEtagMiddleware, cache_instance=cache)
    app.add_middleware(CacheRequestControlMiddleware, cache_instance=cache)
    yield app
    await cache.close()


MAKERS: Final[dict[str, Make]] = {
    BARE: bare,
    UNCACHED: uncached,
    OUTERMOST: outermost,
    ADDED: added,
    CACHED: cached,
    FASTAPI_CACHE: fastapi_cache,
    CASHEWS: cashews,
    CASHEWS_ETAGS: cashews_with_etags,
}


def cache_of(place: Place) -> Cache:
    """Ours; Redis is its only store, if it is on Redis."""
    backend = RedisBackend(place.redis) if place.redis else MemoryBackend()
    return Cache(backend, namespace="places", ttl=TTL)


class Bare:
    """Looks for the path and the query in a dict, and sends what is there."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self._messages = {path.encode(): _messages(answer) for path, answer in answers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "it is run without lifespan"
        path, query = scope["raw_path"], scope["query_string"]
        start, body = self._messages[path + b"?" + query if query else path]
        await send(start)
        await send(body)


def _messages(answer: Answer) -> tuple[Message, Message]:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    return (
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": answer.body},
    )


def keep(answers: dict[str, Answer], path: Path) -> None:
    """Write down what the bare app is to send, without what uvicorn adds by itself."""
    added = ("date", "server")
    told: dict[str, Any] = {
        asked: [
            answer.status,
            answer.body.decode(),
            [[name.lower(), value] for name, value in answer.headers if name.lower() not in added],
        ]
        for asked, answer in answers.items()
    }
    path.write_text(json.dumps(told))


def answers_in(path: Path) -> dict[str, Answer]:
    """What `keep` wrote."""
    told = json.loads(path.read_text())
    return {
        asked: Answer(status, body.encode(), tuple((name, value) for name, value in headers))
        for asked, (status, body, headers) in told.items()
    }
