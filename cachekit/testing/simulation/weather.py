"""How hard a seed is: the rates of everything that goes wrong, drawn once per seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

NEVER: Final = float("inf")


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
    corrupt_every: float = NEVER
    flush_every: float = NEVER
    crash_every: float = NEVER
    # each load
    load_fails: float = 0.0
    load_hangs: float = 0.0
    load_cancels: float = 0.0
    load_slow: float = 0.1
    load_nests: float = 0.0
    # each call
    cancelled: float = 0.0
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


CALM: Final = Weather()


def draw(rng: random.Random) -> Weather:
    """The weather of a seed; some seeds are for one kind of race that others seldom show."""
    weather = _any_weather(rng)
    kind = rng.choices([None, _LATE_LEASES, _LATE_TAGS, _LATE_WRITES], [65, 15, 15, 5])[0]
    return weather if kind is None else replace(weather, **{**_SPARSE, **kind})


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
    "mostly": ("load", "clear"),
    "keys": 8,
    "think": 0.3,
    "pause": 1.0,
    "load_slow": 0.0,
    "evict_tag_every": 0.5,
}
"""A tag record is created late, when the one that replaced it was lost."""


_LATE_WRITES: Final[Mapping[str, Any]] = {
    "mostly": ("get", "add", "put", "delete"),
    "written": 1.0,
    "keys": 2,
    "think": 0.2,
    "pause": 0.3,
}
"""What one writer stored comes late, over what it stored since then, or has forgotten."""


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
    )


def load_time(rng: random.Random, weather: Weather) -> float:
    """How long a load takes: mostly milliseconds, if slow up to two leases."""
    slow = rng.random() < weather.load_slow
    return rng.uniform(0.3, 4.0) if slow else rng.expovariate(1 / 0.02)
