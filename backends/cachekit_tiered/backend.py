"""`TieredBackend`."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import inf
from typing import Any, Final, cast

from cachekit.backend import (
    FEED,
    FENCE,
    FORGET_PREFIX,
    HOMES,
    LOCAL,
    MEASURE,
    NODES,
    PEEK,
    ROOM,
    TIERS,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry
from cachekit.errors import ConfigurationError, UnsupportedError
from cachekit.options import Duration, seconds, window
from cachekit.registry import backend_from
from cachekit_tiered.follower import Follower
from cachekit_tiered.near import Limits, Near


class TieredBackend(Backend):
    """`l1`, in this process, in front of `l2`, which all share. Each is a `Backend` or a URL.

    `l1` is only ever looked at; whatever is read or written goes to `l2`, and what is fresh of it
    is kept in `l1` for `l1_ttl` seconds at most, and no longer than `l2` has it. Values of more
    than `l1_max_bytes` as bytes are left out, and so is what was stored with `skip_l1=True`.

    Changes that `l2` announces are followed, and `l1` is looked at only while it is sure that all
    are known which were acknowledged `max_staleness` seconds ago: else each read asks `l2`. While
    `l2` does not answer at all, `l1` may serve what was right `outage_staleness` seconds ago. An
    `l2` that announces nothing has its copies for `max_staleness` seconds. Processes that share a
    store are configured alike.

    Raises `ConfigurationError` for what cannot be meant.
    """

    def __init__(
        self,
        l1: Backend | str,
        l2: Backend | str,
        *,
        max_staleness: Duration = 1.0,
        outage_staleness: Duration = 0.0,
        l1_ttl: Duration = 60.0,
        l1_max_bytes: int = 128 * 1024,
        clock: Clock = SYSTEM,
    ) -> None:
        self._l1, self._l2 = _near(_backend(l1)), _backend(l2)
        self._max_staleness = seconds("max_staleness", max_staleness)
        self._outage_staleness = window("outage_staleness", outage_staleness)
        limits = Limits(seconds("l1_ttl", l1_ttl), _size("l1_max_bytes", l1_max_bytes))
        self._clock = clock
        self._now = _lasting(clock)
        self._near = Near(self._l1, limits, clock)
        peek = self._l1.capability(PEEK)
        assert peek is not None
        self._look = peek.peek
        self._follower: Follower | None = None
        self._following: asyncio.Task[None] | None = None
        self._know_nothing()
        self.bypasses = 0
        """How often there was no look at `l1`, since nobody could say that it is right."""

    @property
    def staleness(self) -> float:
        """Seconds after which an acknowledged change is seen in every process."""
        return max(self._max_staleness, self._outage_staleness)

    @property
    def names(self) -> tuple[str, str]:
        near, far = type(self._l1).__name__, type(self._l2).__name__
        return near, far if far != near else f"{far} behind"

    def capability(self, wanted: Capability[C]) -> C | None:
        if cast("object", wanted) in (MEASURE, NODES, HOMES, ROOM):
            return self._l2.capability(wanted)
        having: dict[Capability[Any], object] = {PEEK: self, FENCE: self, TIERS: self}
        if self._l2.capability(FORGET_PREFIX) is not None:
            having[FORGET_PREFIX] = self
        return offer(wanted, having)

    async def open(self) -> None:
        await self._stop_following()
        self._near.begin_afresh()
        await self._l2.open()
        await self._l1.open()
        feed = self._l2.capability(FEED)
        self._near.longest = None if feed else self._max_staleness
        if feed is None:
            self._until = inf
            return
        follower = Follower(feed, self._near, self._max_staleness, self._now, self._hear)
        self._following = asyncio.get_running_loop().create_task(follower.run())

    async def close(self) -> None:
        await self._stop_following()
        try:
            await self._l2.close()
        finally:
            await self._l1.close()

    async def _stop_following(self) -> None:
        """What runs on a loop that has gone, or in the parent of a fork, is left alone."""
        following, self._following = self._following, None
        if following is not None and following.get_loop() is asyncio.get_running_loop():
            following.cancel()
            await asyncio.wait({following})
        self._know_nothing()

    def _know_nothing(self) -> None:
        self._confirmed = self._until = -inf
        self._heard = self._off = False

    # -- what is kept here

    def peek(self, key: str) -> Entry | None:
        """What is kept here under `key`, while that is sure to be right."""
        if self._now() < self._until:
            return self._look(key)
        self.bypasses += 1
        return None

    def fence(self, keys: Iterable[str], prefixes: Iterable[str]) -> None:
        self._near.fence(list(keys), list(prefixes))

    def cut_off(self, off: bool) -> None:
        self._off = off
        if not off:
            self._near.lift_fences()
        self._set_end()

    def _hear(self, confirmed: float | None) -> None:
        """What was acknowledged by then is known here; or, without a moment, nobody can say."""
        self._heard = confirmed is not None
        if confirmed is not None:
            self._confirmed = confirmed
        self._set_end()

    def _set_end(self) -> None:
        if self._near.longest is not None:
            return  # nothing is heard of, and each copy has its own end
        span = max(
            self._max_staleness if self._heard else 0.0,
            self._outage_staleness if self._off else 0.0,
        )
        self._until = self._confirmed + span if span else -inf

    # -- what is asked of the store

    async def read(self, keys: Sequence[str]) -> Found:
        moment = self._near.moment(keys)
        found = await self._l2.read(keys)
        self._near.keep(found, moment)
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        moment = self._near.moment([write.key for write in writes])
        outcomes: Sequence[Outcome] = ()
        try:
            outcomes = await self._l2.write(writes)
        finally:
            self._near.settle(writes, outcomes, moment)
        return outcomes

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        able = self._l2.capability(FORGET_PREFIX)
        if able is None:
            raise UnsupportedError(f"{self.names[1]} cannot forget by Prefix; use a Tag instead")
        try:
            return await able.forget_prefix(prefixes)
        finally:
            self._near.forget((), prefixes)


_NEAR: Final = "l1 must be in this process, with peek and forget_prefix, as MemoryBackend is"


def _backend(given: Backend | str) -> Backend:
    if isinstance(given, str):
        return backend_from(given)
    if not hasattr(given, "read") or isinstance(given, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{given!r} is no backend: give a Backend or a URL for each tier")
    return given


def _near(backend: Backend) -> Backend:
    local = backend.capability(LOCAL)
    if local is None or local.suspends:
        raise ConfigurationError(f"{type(backend).__name__} will not do: {_NEAR}")
    if backend.capability(PEEK) is None or backend.capability(FORGET_PREFIX) is None:
        raise ConfigurationError(f"{type(backend).__name__} will not do: {_NEAR}")
    return backend


def _size(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"{name} must be a number of bytes, 0 or more, not {value!r}")
    return value


def _lasting(clock: Clock) -> Callable[[], float]:
    """Seconds that go on while the machine sleeps, where there is a clock of that kind."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is not SYSTEM or boot is None:
        return clock.monotonic
    with contextlib.suppress(OSError):
        time.clock_gettime(boot)
        return partial(time.clock_gettime, boot)
    return clock.monotonic
