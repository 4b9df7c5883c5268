"""A connection that ends at any moment: one piece of what passes is harmed, each in its turn."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

import pytest

from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.servers.proxy import Proxy
from tests.servers.server import RedisServer
from tests.stores.calls import FORGETS, Story

PATIENCE: Final = 5.0
"""Seconds for an answer: none is late here but on a machine that has much else to do."""

HARMS: Final = ("reset", "cut")
"""Before a piece of a request or a reply; in the middle of one of a reply."""


class Cutter(Proxy):
    """A proxy that does one harm to one piece."""

    _harm = ""
    _left = -1

    def arm(self, harm: str, after: int) -> None:
        """So many pieces pass before."""
        self._harm, self._left = harm, after

    def disarm(self) -> bool:
        """Whether there was a piece to harm."""
        self._harm = ""
        return self._left < 0

    def strikes(self, fault: str, likely: float) -> bool:
        if fault != self._harm:
            return False
        self._left -= 1
        return self._left == -1


@asynccontextmanager
async def told_from(port: int, prefix: str, seen: Story | None = None) -> AsyncGenerator[Story]:
    """A process that has its server at `port`; with `seen`, another one of the same caches."""
    backend = RedisBackend(f"redis://127.0.0.1:{port}", prefix=prefix, timeout=PATIENCE)
    async with Cache(backend, namespace="x", deadline=PATIENCE) as cache:
        yield Story(cache, seen.origin, seen.wrong) if seen else Story(cache)


@pytest.mark.parametrize("way", FORGETS)
async def test_a_connection_that_ends_while_something_is_forgotten(
    redis_server: RedisServer, prefix: str, way: str
) -> None:
    told: list[bool] = []
    async with (
        Cutter(redis_server.port) as proxy,
        told_from(proxy.port, prefix) as story,
        told_from(redis_server.port, prefix, story) as other,
    ):
        for harm in HARMS:
            for after in count():
                assert await story.recovers() < 5
                proxy.arm(harm, after)
                told.append(await story.change(FORGETS[way]))
                was_harmed = proxy.disarm()
                await story.read()
                await other.read()
                if not was_harmed:
                    break
    assert story.wrong == []
    assert {True, False} == set(told)


@pytest.mark.parametrize("harm", HARMS)
async def test_a_connection_that_ends_while_something_is_loaded(
    redis_server: RedisServer, prefix: str, harm: str
) -> None:
    """What became of the fill is not known; it is forgotten all the same."""
    async with (
        Cutter(redis_server.port) as proxy,
        told_from(proxy.port, prefix) as story,
        told_from(redis_server.port, prefix, story) as other,
    ):
        after = 0
        for after in count():
            assert await other.change(FORGETS["key"])
            proxy.arm(harm, after)
            await story.read()
            was_harmed = proxy.disarm()
            assert await other.change(FORGETS["tag"])
            await story.read()
            assert await story.recovers() < 5
            if not was_harmed:
                break
    assert story.wrong == []
    assert after > 2
