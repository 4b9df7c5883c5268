"""What caches are put around, where a number is looked up, or else loaded."""

from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import Redis

from benchmarks.clients import TTL, pack, unpack

Load = Callable[[int], Coroutine[Any, Any, Any]]
"""Loads a number, or looks it up first."""


def by_hand(client: Redis, load: Load) -> Load:
    """On Redis, as one writes it oneself."""

    async def call(number: int) -> Any:
        data = await client.get(key(number))
        if data is not None:
            return unpack(data)
        value = await load(number)
        await client.set(key(number), pack(value), ex=TTL)
        return value

    return call


def key(number: int) -> str:
    return f"item:{number}"


def named(load: Load) -> Load:
    """What decorators make a key of has to be an argument by its name."""

    async def item(number: int) -> Any:
        return await load(number)

    return item
