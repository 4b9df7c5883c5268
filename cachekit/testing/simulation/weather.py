"""How hard a seed is: the rates of everything that goes wrong, drawn once per seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

NEVER: Final = float("inf")


class Windows(NamedTuple):
    """How one topic is refreshed: seconds, and for `early` load times, as `Cache` takes them."""

    revalidate: float = 0.0
    error: float = 0.0
    early: float = 0.0
    soft: float | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The same as options of a call."""
        return {
            "stale_while_revalidate": self.revalidate,
            "stale_if_error": self.error,
            "early_refresh": self.early,
            "soft_timeout": self.soft,
        }

    @property
    def usable(self) -> float:
        """Seconds after its ttl that a value may be had at all."""
        return max(self.revalidate, self.error)


CALM_WINDOWS: Final = Windows()


@dataclass(frozen=True)
class Weather:
    """Rates of one seed. Chances are per request, per load or per call; times virtual seconds."""

    # each request on a link
    refused: float = 0.0
    lost: float = 0.0
    unanswered: float = 0.0
    late: float = 0.0
    lurks: float = 0.0
    torn: float = 0.0
    partial: float = 0.0
    slow: float = 0.0
    spread: float = 0.0
    together: float = 0.0
    # now and then
    outage_every: float = NEVER
    evict_value_every: float = NEVER
    evict_tag_every: float = NEVER
    evict_claim_every: float = NEVER
    corrupt_every: float = NEVER
    flush_every: float = NEVER
    crash_every: float = NEVER
    origin_down_every: float = NEVER
    journal: int = 10_000
    # the homes of a store, each by itself
    node_down_every: float = NEVER
    node_down: float = 1.5
    node_slow_every: float = NEVER
    node_emptied_every: float = NEVER
    patience: float = NEVER
    # copies in front of links, and how the news of changes get to them
    max_staleness: float = 1.0
    outage_staleness: float = 0.0
    feeds: bool = True
    copies: int = 1000
    remembers: int = 100
    count: int = 500
    apart: float = 0.0
    news_lost: float = 0.0
    news_late: float = 0.0
    deaf_every: float = NEVER
    others_every: float = NEVER
    restarts: float = 0.3
    # each load
    load_fails: float = 0.0
    load_hangs: float = 0.0
    load_cancels: float = 0.0
    load_slow: float = 0.1
    load_nests: float = 0.0
    load_skips: float = 0.0
    load_says_ttl: float = 0.0
    load_same: float = 0.0
    load_private: float = 0.0
    load_windows: float = 0.0
    left_out: float = 0.0
    # each call
    cancelled: float = 0.0
    max_loads: int | None = None
    choosy: float = 0.0
    # each topic
    stale: float = 0.0
    revalidate: float = 0.0
    error: float = 0.0
    early: float = 0.0
    soft: float | None = None
    names: float = 0.0
    sessions: float = 0.0
    # what is done, what there is, and how busy it is
    mostly: tuple[str, ...] = ()
    written: float = 0.5
    tagged: float = 0.7
    more_tags: float = 0.2
    keys: int = 6
    tags: int = 3
    readers: int = 5
    writers: int = 2
    think: float = 0.1
    pause: float = 0.3
    ttl: float = 20.0
    skew: float = 0.0

    @property
    def staleness(self) -> float:
        """Seconds after which a change is seen wherever there are copies."""
        return max(self.max_staleness, self.outage_staleness)

    @property
    def quiet(self) -> bool:
        """Nothing is changed, lost or delayed, and nobody dies or gives up."""
        return not self.writers and all(
            getattr(self, name) == getattr(CALM, name) for name in _LOUD
        )

    @property
    def orderly(self) -> bool:
        """The same, but that some loads are private."""
        return replace(self, load_private=0.0).quiet


_LOUD: Final = (
    *("refused", "lost", "unanswered", "late", "lurks", "torn", "partial", "slow", "spread"),
    *("outage_every", "evict_value_every", "evict_tag_every", "evict_claim_every"),
    *("corrupt_every", "flush_every", "crash_every", "cancelled", "max_loads", "skew", "names"),
    *("node_down_every", "node_slow_every", "node_emptied_every"),
    *("load_nests", "load_hangs", "load_cancels", "load_skips", "left_out", "load_private"),
)

CALM: Final = Weather()


def draw(rng: random.Random) -> Weather:
    """The weather of a seed; some seeds are for one kind of race that others seldom show."""
    weather = _any_weather(rng)
    kinds = [_ANY, _LATE_LEASES, _LATE_TAGS, _LATE_WRITES, REFRESHED, _DOWN, _CLAIMS, _NAMED]
    kinds.append(_PRIVATE)
    return replace(weather, **rng.choices(kinds, [38, 12, 12, 6, 6, 6, 10, 10, 6])[0])


_ANY: Final[Mapping[str, Any]] = {}

_SPARSE: Final[Mapping[str, Any]] = {
    "late": 0.1,
    "lurks": 0.3,
    "written": 0.0,
    "tagged": 0.0,
    "more_tags": 0.0,
    "readers": 1,
    "writers": 1,
    "ttl": 60.0,
    "cancelled": 0.05,
}
"""Few calls, so that a late write finds things as they were when it was sent."""

_LATE_LEASES: Final[Mapping[str, Any]] = {
    **_SPARSE,
    "mostly": ("load", "delete"),
    "keys": 2,
    "think": 0.5,
    "pause": 0.5,
    "load_slow": 0.9,
    "evict_value_every": NEVER,
    "evict_tag_every": NEVER,
}
"""A stub comes late, while its load still runs and its key was forgotten meanwhile."""

_LATE_TAGS: Final[Mapping[str, Any]] = {
    **_SPARSE,
    "mostly": ("load", "clear"),
    "keys": 8,
    "think": 0.3,
    "pause": 1.0,
    "load_slow": 0.0,
    "evict_tag_every": 0.5,
}
"""A tag record is created late, when the one that replaced it was lost."""


_LATE_WRITES: Final[Mapping[str, Any]] = {
    **_SPARSE,
    "mostly": ("get", "add", "put", "delete"),
    "written": 1.0,
    "keys": 2,
    "think": 0.2,
    "pause": 0.3,
}
"""What one writer stored comes late, over what it stored since then, or has forgotten."""

_QUIET: Final[Mapping[str, Any]] = {
    **{name: getattr(CALM, name) for name in _LOUD},
    "origin_down_every": NEVER,
    "mostly": ("load", "call"),
    "writers": 0,
    "keys": 2,
    "think": 0.3,
    "load_slow": 0.3,
    "load_fails": 0.0,
    "stale": 1.0,
    "sessions": 0.0,
    "written": 0.0,
    "ttl": 2.0,
}
"""Nothing but questions, so that every load can be told to be one too many."""

REFRESHED: Final[Mapping[str, Any]] = {
    **_QUIET,
    "load_slow": 0.6,
    "revalidate": 2.0,
    "error": 5.0,
    "early": 1.0,
    "soft": 0.2,
    "sessions": 0.3,
}
"""Values are loaded anew over and over."""

_DOWN: Final[Mapping[str, Any]] = {**_QUIET, "error": 60.0, "origin_down_every": 5.0}
"""Their origin is down for many seconds at a time."""

_PRIVATE: Final[Mapping[str, Any]] = {
    **_QUIET,
    "load_slow": 0.6,
    "load_private": 0.2,
    "load_fails": 0.3,
    "choosy": 0.7,
    "revalidate": 2.0,
    "error": 10.0,
}
"""Some of what is loaded anew over and over is for one caller alone; most refuse what is there."""

_CLAIMS: Final[Mapping[str, Any]] = {
    "mostly": ("load", "call", "delete"),
    "writers": 1,
    "keys": 2,
    "think": 0.1,
    "pause": 0.7,
    "slow": 0.05,
    "load_slow": 0.5,
    "load_hangs": 0.1,
    "stale": 1.0,
    "revalidate": 1.0,
    "error": 3.0,
    "ttl": 0.4,
    "names": 0.0,
    "more_tags": 0.0,
    "sessions": 0.5,
    "evict_claim_every": 0.5,
    "evict_value_every": NEVER,
    "evict_tag_every": NEVER,
}
"""Values are loaded anew over and over, while things go wrong."""

_NAMED: Final[Mapping[str, Any]] = {
    "mostly": ("load", "call", "invalidate_named"),
    "names": 1.0,
    "stale": 0.0,
    "tagged": 0.0,
    "more_tags": 0.0,
    "evict_tag_every": 1.0,
    "evict_value_every": NEVER,
    "keys": 1,
    "tags": 1,
    "readers": 5,
    "writers": 2,
    "think": 0.3,
    "pause": 0.3,
    "load_slow": 0.9,
    "load_skips": 0.3,
    "load_fails": 0.0,
    "cancelled": 0.0,
}
"""Tags that only the values know are forgotten while those are loaded."""


def _any_weather(rng: random.Random) -> Weather:
    """Most things are off in any one seed, so that the rest shows."""

    def some(chance: float, low: float, high: float, otherwise: float = 0.0) -> float:
        return low * (high / low) ** rng.random() if rng.random() < chance else otherwise

    return Weather(
        refused=some(0.3, 0.005, 0.1),
        lost=some(0.4, 0.005, 0.1),
        unanswered=some(0.4, 0.005, 0.1),
        late=some(0.4, 0.01, 0.25),
        lurks=some(0.4, 0.01, 0.25),
        torn=some(0.4, 0.005, 0.1),
        partial=some(0.4, 0.005, 0.1),
        slow=some(0.4, 0.01, 0.3),
        spread=some(0.5, 0.1, 1.0),
        outage_every=some(0.2, 10.0, 60.0, NEVER),
        evict_value_every=some(0.5, 0.3, 10.0, NEVER),
        evict_tag_every=some(0.5, 0.3, 10.0, NEVER),
        corrupt_every=some(0.2, 1.0, 20.0, NEVER),
        flush_every=some(0.2, 5.0, 40.0, NEVER),
        crash_every=some(0.3, 5.0, 40.0, NEVER),
        load_fails=some(0.4, 0.02, 0.4),
        load_hangs=some(0.2, 0.01, 0.05),
        load_cancels=some(0.3, 0.01, 0.1),
        load_slow=some(0.8, 0.02, 0.5),
        load_nests=some(0.3, 0.1, 0.8),
        cancelled=some(0.5, 0.02, 0.4),
        written=rng.choice([0.0, 0.3, 1.0]),
        tagged=rng.choice([0.0, 0.5, 1.0]),
        more_tags=some(0.7, 0.05, 0.5),
        keys=rng.randint(1, 8),
        tags=rng.randint(1, 4),
        readers=rng.randint(2, 10),
        writers=rng.randint(1, 4),
        think=some(1.0, 0.01, 1.0),
        pause=some(1.0, 0.05, 2.0),
        ttl=some(1.0, 1.0, 60.0),
        skew=some(0.2, 0.1, 5.0),
        together=rng.choice([0.0, 0.5, 1.0]),
        evict_claim_every=some(0.3, 0.1, 3.0, NEVER),
        origin_down_every=some(0.3, 5.0, 30.0, NEVER),
        load_skips=some(0.2, 0.02, 0.3),
        load_says_ttl=some(0.3, 0.1, 1.0),
        load_same=some(0.3, 0.2, 1.0),
        left_out=some(0.5, 0.02, 0.4),
        max_loads=rng.choice([None, None, None, 2]),
        stale=rng.choice([0.0, 0.0, 0.5, 1.0]),
        revalidate=some(0.6, 0.5, 20.0),
        error=some(0.6, 0.5, 60.0),
        early=some(0.3, 0.5, 20.0),
        soft=some(0.3, 0.05, 1.0) or None,
        names=rng.choice([0.0, 0.0, 0.5, 1.0]),
        sessions=some(0.3, 0.1, 0.5),
        load_private=some(0.3, 0.02, 0.4),
        load_windows=some(0.3, 0.1, 1.0),
        choosy=some(0.4, 0.05, 0.6),
    )


def load_time(rng: random.Random, weather: Weather) -> float:
    """How long a load takes: mostly milliseconds, if slow up to two leases."""
    slow = rng.random() < weather.load_slow
    return rng.uniform(0.3, 4.0) if slow else rng.expovariate(1 / 0.02)
