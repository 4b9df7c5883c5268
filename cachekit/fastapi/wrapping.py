"""A cached endpoint as FastAPI and its users see it."""

import functools
from collections.abc import Callable
from typing import Any

from cachekit.decorated import CACHED_BY
from cachekit.fastapi.endpoint import Endpoint
from cachekit.fastapi.recording import Recorded


def wrapped(this: Endpoint, inner: Any) -> Callable[..., Any]:
    """The endpoint, and all that a cached function has; `inner` is what the cache made of it."""
    awaits = this.is_async
    cached, *methods = _awaiting(this, inner) if awaits else _blocking(this, inner)

    def key(*args: Any, **kwargs: Any) -> Any:
        return inner.key(**this.seen(args, kwargs)[1])

    for method in (key, *methods):
        setattr(cached, method.__name__, method)
    for name in ("clear", "info", CACHED_BY):
        setattr(cached, name, getattr(inner, name))
    return cached


def _awaiting(this: Endpoint, inner: Any) -> list[Callable[..., Any]]:
    @functools.wraps(this.function)
    async def cached(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(await inner(**seen), response)

    async def get(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(await inner.get(**seen), response)

    async def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        await inner.set(this.to_keep(value, Recorded()), **this.seen(args, kwargs)[1])

    async def invalidate(*args: Any, **kwargs: Any) -> None:
        await inner.invalidate(**this.seen(args, kwargs)[1])

    async def refresh(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(await inner.refresh(**seen), response)

    return [cached, get, set, invalidate, refresh]


def _blocking(this: Endpoint, inner: Any) -> list[Callable[..., Any]]:
    @functools.wraps(this.function)
    def cached(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(inner(**seen), response)

    def get(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(inner.get(**seen), response)

    def set(value: Any, /, *args: Any, **kwargs: Any) -> None:
        inner.set(this.to_keep(value, Recorded()), **this.seen(args, kwargs)[1])

    def invalidate(*args: Any, **kwargs: Any) -> None:
        inner.invalidate(**this.seen(args, kwargs)[1])

    def refresh(*args: Any, **kwargs: Any) -> Any:
        response, seen = this.seen(args, kwargs)
        return this.answer(inner.refresh(**seen), response)

    return [cached, get, set, invalidate, refresh]
