"""What one caller finds out about an entry is not for others who were given the same."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import pytest

from cachekit import Cache
from cachekit.missing import MISSING
from cachekit.signing import Signing
from cachekit_redis import RedisBackend
from tests.redis.place import PATIENCE
from tests.servers.server import RedisServer

OURS, THEIRS = ([Signing([secrets.token_bytes(32)])] for _ in range(2))

Read: TypeAlias = Callable[[Cache, Cache], Awaitable[Any]]


async def by_another_cache(ours: Cache, theirs: Cache) -> Any:
    return await theirs.get("k", MISSING)


async def by_the_same_cache(ours: Cache, theirs: Cache) -> Any:
    return await ours.get("k", MISSING, steps=THEIRS)


READS: Final[dict[str, Read]] = {
    "another cache": by_another_cache,
    "the same cache": by_the_same_cache,
}


async def loaded_anew() -> str:
    return "loaded anew"


async def in_view(cache: Cache) -> bool:
    entry = await cache.entry("k")
    return entry is not None and entry.fresh


ASKED: Final[dict[str, tuple[Callable[[Cache], Awaitable[Any]], Any]]] = {
    "get": (lambda cache: cache.get("k", MISSING), "value"),
    "get_or_set": (lambda cache: cache.get_or_set("k", loaded_anew), "value"),
    "get_many": (lambda cache: cache.get_many(["k"]), {"k": "value"}),
    "exists": (lambda cache: cache.exists("k"), True),
    "entry": (in_view, True),
    "touch": (lambda cache: cache.touch("k", ttl=50), True),
    "add": (lambda cache: cache.add("k", "another"), False),
}


@pytest.fixture
async def caches(redis_server: RedisServer, prefix: str) -> AsyncIterator[tuple[Cache, Cache]]:
    """Two of one backend: the second has not the key to what the first has signed."""
    backend = RedisBackend(
        redis_server.url, prefix=prefix, timeout=PATIENCE, connect_timeout=PATIENCE
    )
    ours, theirs = (
        Cache(backend, namespace="n", steps=steps, deadline=PATIENCE) for steps in (OURS, THEIRS)
    )
    async with ours, theirs:
        await ours.set("k", "value")
        assert await theirs.get("k", MISSING) is MISSING
        yield ours, theirs


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("asked", ASKED)
async def test_who_cannot_read_it_does_not_take_it_from_who_can(
    caches: tuple[Cache, Cache], read: str, asked: str
) -> None:
    ask, answer = ASKED[asked]
    for _ in range(10):
        for one, other in ((0, 1), (1, 0)):  # whoever asks first
            questions = [READS[read](*caches), ask(caches[0])]
            answers = await asyncio.gather(questions[one], questions[other])
            assert answers[one] is MISSING
            assert answers[other] == answer


async def test_an_old_value_that_a_caller_holds_stays_good(caches: tuple[Cache, Cache]) -> None:
    ours, theirs = caches
    stored, begun = asyncio.Event(), asyncio.Event()

    # What it leaves out of its key keeps it from being loaded anew behind the caller's back.
    @ours.cached(
        key="k:{id}", ttl=0.1, stale_while_revalidate=60, stale_if_error=60, ignore=["session"]
    )
    async def load(id: int, session: object) -> str:
        if not stored.is_set():
            stored.set()
            return "old"
        begun.set()
        await asyncio.sleep(0.05)
        raise ConnectionError("the origin is down")

    assert await load(1, None) == "old"
    await asyncio.sleep(0.15)
    call = asyncio.create_task(load(1, None))
    await begun.wait()
    assert await theirs.get("k:1", MISSING) is MISSING
    assert await call == "old"
