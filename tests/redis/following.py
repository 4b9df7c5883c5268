"""Somebody who follows what a backend announces."""

import asyncio
from collections.abc import Iterable
from typing import Final

from cachekit.backend import DONE, FEED, Backend, News, Write
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually

MOMENT: Final = 0.001
"""Seconds to wait for news, where those that there are were announced before."""

FOREVER: Final = 30.0
"""Seconds to wait for news that come."""


class Follower:
    """`heard` are the keys, and the prefixes with a star, in order of the answers."""

    def __init__(self, backend: Backend) -> None:
        feed = backend.capability(FEED)
        assert feed is not None
        self.position: object | None = None
        self.heard: list[str] = []
        self.losses = 0
        self.feed = feed

    async def ask(self, wait: float = MOMENT) -> News:
        """One answer."""
        news = await self.feed.news(self.position, wait)
        self.position = news.position
        self.heard += [*news.keys, *(f"{prefix}*" for prefix in news.prefixes)]
        self.losses += news.lost
        return news

    async def begin(self) -> None:
        """Follow from here on: it is the present."""
        assert (await self.ask()).lost
        assert await self.news() == []
        self.losses = 0

    async def news(self) -> list[str]:
        """What was heard since the last time, once that is all."""
        while not (await self.ask()).complete:
            pass
        heard, self.heard = self.heard, []
        return heard

    async def waits(self, server: RedisServer) -> "asyncio.Task[News]":
        """Asks; when this returns the question is at the server, which has no answer yet."""
        before = blocked(server)
        asking = asyncio.create_task(self.ask(FOREVER))
        await eventually(lambda: asking.done() or blocked(server) > before, "a question there")
        assert not asking.done()
        return asking


def blocked(server: RedisServer) -> int:
    """How many questions it keeps until there is an answer."""
    return int(server.command("INFO", "clients")["blocked_clients"])


async def announce(backend: Backend, keys: Iterable[str]) -> None:
    """Delete keys, so that all must hear of it."""
    writes = [Write(key, None, announce=True) for key in keys]
    assert await backend.write(writes) == [DONE] * len(writes)
