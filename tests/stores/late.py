"""What is carried out after its caller has given it up: it brings nothing back.

A piece of what passes is held, each in its turn, until another process has forgotten all and has
stored anew; then it comes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TypeAlias

from cachekit import Cache
from cachekit.backend import Backend
from tests.servers.proxy import Proxy
from tests.servers.waiting import eventually
from tests.stores.calls import FORGETS, WITHOUT_PREFIX, Forget, Story

SOON: Final = 0.08
"""Seconds after which a call whose answer is held gives up."""

LATER: Final = 5.0

Work: TypeAlias = Callable[[Story], Awaitable[object]]

Connect: TypeAlias = Callable[[str, float], Backend]
"""Makes a backend on a server at this address, which waits for so many seconds."""


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
async def told(
    backend: Backend, deadline: float, seen: Story | None = None
) -> AsyncGenerator[Story]:
    """What becomes of one cache; with `seen`, of another process's with the same entries."""
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


def changing(forget: Forget) -> Work:
    """A change that is late."""
    return lambda story: story.change(forget)


WORK: Final[Mapping[str, tuple[Work, bool]]] = {
    "get_or_set": (_get_or_set, True),
    "function": (_function, True),
    "add": (_add, True),
    "touch": (_touch, False),
    **{name: (changing(forget), False) for name, forget in WITHOUT_PREFIX.items()},
}
"""What is late, and whether all has to be gone before."""


async def check_late(
    port: int, connect: Connect, connections: int, case: tuple[Work, bool], way: str
) -> None:
    """Whatever piece is late; a backend has so many `connections` while nothing is wrong."""
    do, stores = case
    async with (
        Holder(port) as proxy,
        told(connect(proxy.address, SOON), SOON) as story,
        told(connect(f"127.0.0.1:{port}", LATER), LATER, story) as other,
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
            await eventually(lambda: proxy.connections <= connections, "the end of what was held")
            await story.read()
            await other.read()
            if not was_held:
                break
    assert story.wrong == []
    assert pieces > 1
