"""Libraries that cache on several stores, each as its docs use it."""

from collections.abc import Mapping
from typing import Any

from benchmarks.clients import TTL, VALUE, Client, Close, load


def aiocache(kind: Any, how: Mapping[str, Any]) -> Client:
    """With a `kind` of cache of its own, and `how` that is found."""
    import aiocache  # type: ignore[import-untyped]

    recall = aiocache.cached(ttl=TTL, cache=kind, **how)(load)
    cache = recall.cache

    async def put(key: str) -> None:
        await cache.set(key, VALUE, ttl=TTL)

    return Client("aiocache", cache.get, put, {"aiocache.cached": recall}, cache.close)


def fastapi_cache(backend: Any, close: Close) -> Client:
    """It has one backend for a process: here each call says which, which takes no time to speak of.

    Its backend gives bytes; its coder makes values of them.
    """
    from fastapi_cache import FastAPICache, JsonCoder
    from fastapi_cache.decorator import cache

    async def get(key: str) -> Any:
        data = await backend.get(f"fastapi:{key}")
        return None if data is None else JsonCoder.decode(data)

    async def put(key: str) -> None:
        await backend.set(f"fastapi:{key}", JsonCoder.encode(VALUE), TTL)

    cached = cache(expire=TTL, coder=JsonCoder)(load)

    async def recall(number: int) -> Any:
        FastAPICache._backend = backend
        return await cached(number)

    FastAPICache.init(backend, "fastapi-cache2")
    return Client("fastapi-cache2", get, put, {"fastapi-cache2": recall}, close)
