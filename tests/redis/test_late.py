"""What is carried out after its caller has given it up: it brings nothing back.

A piece of what passes is held, each in its turn, until another process has forgotten all and has
stored anew; then it comes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TypeAlias

import pytest

from cachekit import Cache
from cachekit_redis import RedisBackend
from tests.servers.proxy import Proxy
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually
from tests.stores.calls import FORGETS, Forget, Story

SOON: Final = 0.08
"""Seconds after which a call whose answer is held gives up."""

LATER: Final = 5.0

Work: TypeAlias = Callable[[Story], Awaitable[object]]


class Holder(Proxy):
    """A proxy that holds all from some piece on."""

    _left = -1

    def hold_after(self, pieces: int) -> None:
        self._left = pieces

    async def opened(self) -> None:
        self._left -= 1
        if self._left == -1:
            self.hold()
        await super().opened()

    def let_go(self) -> bool:
        """Whether something was held."""
        was_held = self._left < 0
        self._left = -1
        self.release()
        return was_held


@asynccontextmanager
async def told_from(
    port: int, prefix: str, deadline: float, seen: Story | None = None
) -> AsyncGenerator[Story]:
    """A process that has its server at `port`; with `seen`, another one of the same caches."""
    backend = RedisBackend(f"redis://127.0.0.1:{port}", prefix=prefix, timeout=deadline)
    async with Cache(backend, namespace="x", deadline=deadline) as cache:
        yield Story(cache, seen.origin, seen.wrong) if seen else Story(cache)


async def _get_or_set(story: Story) -> object:
    return await story.get_or_set("k")


async def _function(story: Story) -> object:
    return await story.function(1)


async def _add(story: Story) -> object:
    return await story.cache.add("k", story.origin.now, tags=["t"], ttl=60)


async def _touch(story: Story) -> object:
    return await story.cache.touch("k", 600)


def _changing(forget: Forget) -> Work:
    return lambda story: story.change(forget)


WORK: Final[Mapping[str, tuple[Work, bool]]] = {
    "get_or_set": (_get_or_set, True),
    "function": (_function, True),
    "add": (_add, True),
    "touch": (_touch, False),
    **{name: (_changing(forget), False) for name, forget in FORGETS.items()},
}
"""What is late, and whether all has to be gone before."""


@pytest.mark.parametrize("way", ["key", pytest.param("tag", marks=pytest.mark.long)])
@pytest.mark.parametrize("work", WORK)
async def test_what_is_late_brings_nothing_back(
    redis_server: RedisServer, prefix: str, work: str, way: str
) -> None:
    do, stores = WORK[work]
    async with (
        Holder(redis_server.port) as proxy,
        told_from(proxy.port, prefix, SOON) as story,
        told_from(redis_server.port, prefix, LATER, story) as other,
    ):
        pieces = 0
        for pieces in count():
            assert await story.recovers() < 100
            assert not stores or await other.change(FORGETS["key"])
            proxy.hold_after(pieces)
            await do(story)
            assert await other.change(FORGETS[way])
            await other.read()
            was_held = proxy.let_go()
            await eventually(lambda: proxy.connections < 3, "the end of what was held")
            await story.read()
            await other.read()
            if not was_held:
                break
    assert story.wrong == []
    assert pieces > 1
