"""The judge of old values: who may have one, who may wait for a new one, and who may load it."""

from collections.abc import Callable
from math import inf
from typing import Final

from cachekit.policy import LEASE, PASS
from cachekit.testing.simulation.history import History
from cachekit.testing.simulation.origin import Load, Origin
from cachekit.testing.simulation.question import Read

AT_ONCE: Final = 0.55
"""Seconds that a call without a load may take: its key, then its tags, a deadline each."""

PROMPT: Final = 0.1
"""The same where nothing goes wrong."""

FILL: Final = 1.5
"""Seconds between the end of a load and the beginning of its value's life, at most."""

ECHO: Final = LEASE + 2 * PASS + 0.5
"""Seconds after a load has failed in which others may have a stale value for that: a late pass is
written, found at its end by another process, and remembered there."""


class Ages:
    """What `ttl`, the stale windows and passes promise.

    `there(load.key, tags, since)` says whether there has been a value since then that may be had;
    `skew` is how many seconds two dates may differ.
    """

    def __init__(self, history: History, origin: Origin, skew: float) -> None:
        self.history = history
        self.origin = origin
        self.skew = skew
        self.touched: dict[str, float] = {}
        """By key: the last moment that a `touch` may have moved the end of a value to."""

    def judge(self, at: float, read: Read, load: Load) -> str | None:
        """What is wrong with answering `read` with the value of `load`, if anything is."""
        life = load.life if load.life.ended is not None else load
        if life.ended is None or life.ended >= read.asked:
            self._share(read, load)
            return None
        if load.skipped and read.asked > load.ended_at + LEASE:
            return "which was not to be stored"
        wrong = self._judge_life(at, read, life)
        allowed = wrong and any(not self._judge_life(at, read, rival) for rival in load.rivals)
        return None if allowed else wrong

    def _judge_life(self, at: float, read: Read, life: Load) -> str | None:
        return self._judge_end(at, read, life) or self._judge_wait(at, read, life)

    def _share(self, read: Read, load: Load) -> None:
        if load.began < read.asked:
            same = load.process == read.who
            self.history.covered["shared loads" if same else "other processes' loads"] += 1

    def _judge_end(self, at: float, read: Read, life: Load) -> str | None:
        end = max(life.ended_at + life.ttl, self.touched.get(read.key, 0.0))
        stale, slack = read.asked - end, self.skew + FILL
        had = read.asked if read.several else at  # it may have been had long before the others
        if had - end > life.windows.usable + slack + AT_ONCE:
            return "which had expired"
        self.history.covered["stale values"] += stale > 0.0
        if stale <= life.windows.revalidate + slack:
            return None
        self.history.covered["stale values in the place of errors"] += 1
        if not read.loads:
            return "which is for calls whose load fails"
        return None if self._excused(at, read) else "which is for errors, though no load failed"

    def _excused(self, at: float, read: Read) -> bool:
        vain, since = self.origin.vain.get(read.key), read.asked - ECHO
        if read.soft is not None and at - read.asked >= 0.99 * read.soft:
            return True
        failed = vain is not None and vain.ended_at > since
        unstored = not read.calm_since(since)  # then its value may not have arrived
        return failed or unstored or self.origin.weather.max_loads is not None

    def _judge_wait(self, at: float, read: Read, life: Load) -> str | None:
        """R5: what may be had at once is not waited for, and the rest no longer than asked for."""
        there = life.ended_at < read.asked - LEASE - 1.0 and read.key not in self.touched
        if not (read.at_once and there and read.calm) or read.refused:
            return None
        end = life.ended_at + life.ttl + life.windows.revalidate - self.skew
        soft = inf if read.soft is None else read.soft
        least = PROMPT if self.origin.weather.quiet else AT_ONCE
        most = least if read.asked + AT_ONCE < end else soft + 2 * AT_ONCE
        took = at - read.asked
        return f"for which it waited {took:.3f} s, though it was there" if took > most else None


class Attempts:
    """Which loads may begin: not more at once than allowed, and none right after one in vain.

    `there(key, tags, since)` says whether all the time since then there has been a value that
    whoever declares those tags may have.
    """

    def __init__(
        self, history: History, origin: Origin, there: Callable[[str, tuple[str, ...], float], bool]
    ) -> None:
        self.history = history
        self.origin = origin
        self.there = there
        self._last: dict[tuple[str, str], Load] = {}

    def judge(self, load: Load) -> str | None:
        """What is wrong with beginning `load`, if anything is."""
        most = self.origin.weather.max_loads
        nests = (
            self.origin.weather.load_nests > 0.0
        )  # what a load waits for has no turn to wait for
        if most is not None and not nests and self.origin.running[load.process] > most:
            return f"began while {most} others of its process were under way"
        if load.alone:
            return None
        wrong = self._again(load, self._last.get((load.process, load.key)))
        if wrong is None and self.origin.weather.quiet:
            wrong = self._beside(load)
        self._last[load.process, load.key] = self._last[EVERYBODY, load.key] = load
        return wrong

    def _again(self, load: Load, last: Load | None) -> str | None:
        """R5: after an attempt in vain there is none for a while."""
        if last is None or not last.rests:
            return None
        passed, since = load.began - last.ended_at, min(load.asked, last.asked)
        alike = load.calm_since(since) and self.there(load.key, load.tags, since)
        if passed > 0.9 * PASS or not alike:
            return None
        return f"began {passed:.3f} s after load /{last.number} was in vain"

    def _beside(self, load: Load) -> str | None:
        """R5: where nothing is lost, one process refreshes for all."""
        last = self._last.get((EVERYBODY, load.key))
        if last is None:
            return None
        since = min(load.asked, last.asked)
        if last.ended is None and self.there(load.key, load.tags, since):
            return f"began beside load /{last.number}, though there is a value"
        return None if last.ended is None else self._again(load, last)


EVERYBODY: Final = ""
