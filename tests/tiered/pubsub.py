"""What many do: changes are published, and whoever has lost the connection forgets all."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from cachekit.backend import (
    DONE,
    FEED,
    FORGET_PREFIX,
    Backend,
    C,
    Capability,
    Found,
    News,
    Outcome,
    Write,
    offer,
)
from cachekit_redis import RedisBackend

CHANNEL: Final = "changes"
AT_ONCE: Final = 0.2
"""Seconds for a connection, and for the acknowledgement of what is published."""


class Published(Backend):
    """`backend`, whose changes are published; its feed never doubts that it hears of all.

    It is here to be seen to fail: a connection that is silent looks like one where nothing happens.
    """

    def __init__(self, backend: RedisBackend, url: str) -> None:
        self._backend = backend
        self._url = url
        self._listening: Any = None

    async def open(self) -> None:
        await self._backend.open()
        make = cast("Any", Redis).from_url  # redis-py has no type for what it takes
        timeouts = {"socket_connect_timeout": AT_ONCE, "socket_timeout": AT_ONCE}
        once = Retry(NoBackoff(), 0)
        self._client: Any = make(self._url, decode_responses=True, retry=once, **timeouts)

    async def close(self) -> None:
        await self._hang_up()
        await self._client.aclose()
        await self._backend.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {FEED: self, FORGET_PREFIX: self}
        return offer(wanted, having) or self._backend.capability(wanted)

    async def read(self, keys: Sequence[str]) -> Found:
        return await self._backend.read(keys)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        outcomes = await self._backend.write(writes)
        pairs = zip(writes, outcomes, strict=True)
        await self._publish(write.key for write, done in pairs if write.announce and done is DONE)
        return outcomes

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        outcome = await self._backend.forget_prefix(prefixes)
        await self._publish(f"{prefix}*" for prefix in prefixes)
        return outcome

    async def _publish(self, names: Iterable[str]) -> None:
        for each in names:
            await self._client.publish(CHANNEL, each)

    async def news(self, position: object | None, wait: float) -> News:
        """Whatever was heard, which is taken for all there is."""
        try:
            if self._listening is None:
                await self._listen()
                return News(0, lost=True)
            return self._told(
                await self._listening.get_message(ignore_subscribe_messages=True, timeout=wait)
            )
        except Exception:
            await self._hang_up()
            await asyncio.sleep(wait / 4)
            return News(0)

    async def _listen(self) -> None:
        listening = self._client.pubsub()
        await listening.subscribe(CHANNEL)
        self._listening = listening

    async def _hang_up(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(Exception):
                await listening.aclose()

    def _told(self, message: Any) -> News:
        heard = "" if message is None else str(message["data"])
        if heard.endswith("*"):
            return News(0, prefixes=[heard[:-1]])
        return News(0, keys=[heard] if heard else [])
