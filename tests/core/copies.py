"""A store that does I/O with copies in front of it."""

import asyncio
from typing import Any, cast

from cachekit.backend import FEED, C, Capability, News
from cachekit.clock import Clock
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.core.slow_store import Shelf, SlowStore


class Quiet:
    """The news of a store that nobody else changes; while it is `down` there are none."""

    def __init__(self) -> None:
        self.down = False

    async def news(self, position: object | None, wait: float) -> News:
        await asyncio.sleep(wait)
        if self.down:
            raise ConnectionResetError("reset")
        return News(0, lost=position is None)


class Told(SlowStore):
    """A `SlowStore` with a feed that goes on while operations fail."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.feed = Quiet()

    def capability(self, wanted: Capability[C]) -> C | None:
        return cast("C", self.feed) if cast("Any", wanted) is FEED else super().capability(wanted)


def tiered(store: SlowStore, clock: Clock, **options: Any) -> TieredBackend:
    """Copies in front of `store`."""
    return TieredBackend(MemoryBackend(clock=clock), store, clock=clock, **options)
