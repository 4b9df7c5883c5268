"""What fails at the moment, and saying so in the log."""

import logging
from collections.abc import Callable
from math import inf
from typing import Final

log: Final = logging.getLogger("cachekit")

QUIET: Final = 60.0
"""Seconds from one complaint to the next of the same kind."""

FAILS: Final = "the cache does without its backend: %s fail: %s: %s"
BACK: Final = "the cache has its backend back: %s succeed"


class Health:
    """What fails, by kind: `reads`, `writes`. That it does is logged, and that it no longer does.

    `fails` is said of the kind, the type of the error and the error, `back` of the kind.

    No kind is complained of twice within `QUIET` seconds: where small values can be stored and
    large ones cannot, writes would fail and succeed in turns, and the log would do nothing else.
    """

    def __init__(self, now: Callable[[], float], fails: str = FAILS, back: str = BACK) -> None:
        self._now = now
        self._fails = fails
        self._back = back
        self._failing: dict[str, BaseException] = {}
        self._complained: dict[str, float] = {}
        self._told: set[str] = set()

    @property
    def failure(self) -> BaseException | None:
        """Why the backend does not answer, if so."""
        return next(iter(list(self._failing.values())), None)

    def note(self, what: str, failure: BaseException | None) -> None:
        """An operation of that kind has failed, or has not."""
        if failure is not None:
            self._failing[what] = failure
            self._complain(what, failure)
        elif self._failing.pop(what, None) is not None and what in self._told:
            self._told.discard(what)
            log.warning(self._back, what)

    def _complain(self, what: str, failure: BaseException) -> None:
        now = self._now()
        if what not in self._told and now >= self._complained.get(what, -inf) + QUIET:
            self._told.add(what)
            self._complained[what] = now
            # Not its repr: that of redis-py's errors says nothing of what happened.
            log.warning(self._fails, what, type(failure).__name__, failure)
