"""Following the changes that a store announces."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from cachekit.backend import Feed, News
from cachekit.health import Health
from cachekit_tiered.near import Near

_WAIT: Final = 0.4
"""The part of the staleness allowed that two answers may be apart, since each confirms only up to
when its question was sent."""

_LATE: Final = 0.1
"""Seconds that an answer without news may be late: Redis looks at its clock ten times a second."""

_PATIENCE: Final = 2.0
"""Times the staleness allowed that an answer is waited for."""

_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Follower:
    """Applies news to `near`, in order. `hear` is told until when all is known, or `None`.

    `staleness` is how long ago that may be; `now` is the clock for it.
    """

    def __init__(
        self,
        feed: Feed,
        near: Near,
        staleness: float,
        now: Callable[[], float],
        hear: Callable[[float | None], None],
    ) -> None:
        self._feed = feed
        self._near = near
        self._staleness = staleness
        self._now = now
        self._hear = hear
        self._position: object | None = None
        self._wait = 0.0
        self._longest = max(_WAIT * staleness - _LATE, _WAIT * staleness / 2)
        self._health = Health(now, _FAILS, _BACK)

    async def run(self) -> None:
        """Until it is cancelled. Whatever fails, nothing is known until an answer comes again."""
        pause = _SHORTEST_PAUSE
        while True:
            try:
                await self._follow()
                pause = _SHORTEST_PAUSE
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled():  # if not, it was something that the feed has waited for
                    raise
                self._hear(None)
                self._wait = 0.0
                self._health.note("changes", error)
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        """One question and its answer.

        R15: what was acknowledged before the question was sent is known once the answer is applied,
        if that was not cut short: not what came until the answer was here.
        """
        sent = self._now()
        async with asyncio.timeout(self._wait + _PATIENCE * self._staleness):
            news = await self._feed.news(self._position, self._wait)
        self._apply(news)
        self._position = news.position
        if news.complete and not news.lost:
            self._hear(sent)
            self._health.note("changes", None)
            self._wait = self._longest

    def _apply(self, news: News) -> None:
        if news.lost:
            self._near.forget_all()
        self._near.forget(news.keys, news.prefixes)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


_FAILS: Final = (
    "what is kept in this process is passed by, since the %s of the store are not heard of: %s: %s"
)
_BACK: Final = "the %s of the store are heard of again"
