"""A connection that ends at any moment: one piece of what passes is harmed, each in its turn."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Final, TypeAlias

from cachekit import Cache
from cachekit.backend import Backend
from tests.servers.proxy import Proxy
from tests.stores.calls import FORGETS, Story

Connect: TypeAlias = Callable[[str], Backend]
"""Makes a backend on a server at this address, which waits for `PATIENCE` seconds."""

PATIENCE: Final = 5.0
"""Seconds for an answer: none is late here but on a machine that has much else to do."""

HARMS: Final = ("reset", "cut")
"""Before a piece of a request or a reply; in the middle of one of a reply."""


def half(reply: bytes) -> bytes:
    return reply[: len(reply) // 2]


class Cutter(Proxy):
    """A proxy that does one harm to one piece."""

    _harm = ""
    _left = -1
    _part: Callable[[bytes], bytes] = staticmethod(half)

    def arm(self, harm: str, after: int, part: Callable[[bytes], bytes] = half) -> None:
        """So many pieces pass before; `part` of a reply arrives if that is to be cut."""
        self._harm, self._left, self._part = harm, after, part

    def disarm(self) -> bool:
        """Whether there was a piece to harm."""
        self._harm = ""
        return self._left < 0

    def strikes(self, fault: str, likely: float) -> bool:
        if fault != self._harm:
            return False
        self._left -= 1
        return self._left == -1

    def part(self, piece: bytes) -> bytes:
        return self._part(piece)


@asynccontextmanager
async def told(backend: Backend, seen: Story | None = None) -> AsyncGenerator[Story]:
    """What becomes of one cache; with `seen`, of another process's with the same entries."""
    async with Cache(backend, namespace="x", deadline=PATIENCE) as cache:
        yield Story(cache, seen.origin, seen.wrong) if seen else Story(cache)


async def check_forgetting(port: int, connect: Connect, way: str) -> None:
    """What is forgotten is so, or it raises, whatever piece is harmed."""
    raised: list[bool] = []
    async with (
        Cutter(port) as proxy,
        told(connect(proxy.address)) as story,
        told(connect(f"127.0.0.1:{port}"), story) as other,
    ):
        for harm in HARMS:
            for after in count():
                assert await story.recovers() < 5
                proxy.arm(harm, after)
                raised.append(not await story.change(FORGETS[way]))
                was_harmed = proxy.disarm()
                await story.read()
                await other.read()
                if not was_harmed:
                    break
    assert story.wrong == []
    assert {True, False} == set(raised)


async def check_loading(port: int, connect: Connect, harm: str) -> None:
    """What became of a fill is not known; it is forgotten all the same."""
    async with (
        Cutter(port) as proxy,
        told(connect(proxy.address)) as story,
        told(connect(f"127.0.0.1:{port}"), story) as other,
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
