"""The weather where processes have copies in front of their links."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cachekit.testing.simulation.weather import NEVER, REFRESHED, Weather


def draw_tiers(rng: random.Random, weather: Weather) -> Weather:
    """`weather`, with what it is for copies; most seeds are for what matters to those."""
    weights, kinds = zip(*KINDS.values(), strict=True)
    return replace(weather, **{**_any(rng), **rng.choices(kinds, weights)[0]})


def _any(rng: random.Random) -> Mapping[str, Any]:
    def some(chance: float, low: float, high: float, otherwise: float = 0.0) -> float:
        return low * (high / low) ** rng.random() if rng.random() < chance else otherwise

    return {
        "max_staleness": some(1.0, 0.1, 0.5),
        "outage_staleness": some(0.2, 0.5, 5.0),
        "crash_every": some(0.4, 2.0, 20.0, NEVER),
        "feeds": rng.random() < 0.9,
        "journal": rng.choice([1, 10_000]),
        "copies": rng.choice([3, 1000, 1000]),
        "remembers": rng.choice([3, 20, 1000]),
        "count": rng.choice([2, 500, 500]),
        "apart": some(0.4, 0.1, 1.0),
        "news_lost": some(0.3, 0.005, 0.05),
        "news_late": some(0.4, 0.02, 0.2),
        "deaf_every": some(0.6, 1.0, 8.0, NEVER),
        "flush_every": some(0.4, 1.0, 10.0, NEVER),
    }


WATCHED: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("refused", "lost", "unanswered", "lurks", "torn", "partial"), 0.0),
    **dict.fromkeys(("choosy", "load_hangs", "load_skips", "load_private", "load_nests"), 0.0),
    **dict.fromkeys(("outage_every", "evict_value_every"), NEVER),
    "mostly": ("load", "get", "peek", "delete", "put"),
    "late": 0.02,
    "slow": 0.1,
    "think": 0.1,
    "pause": 0.5,
    "readers": 3,
    "writers": 1,
    "keys": 8,
    "tags": 3,
    "ttl": 60.0,
    "load_slow": 0.02,
    "max_loads": None,
}
"""Most questions find a copy, and most of what is copied is changed again."""

FLOODED: Final[Mapping[str, Any]] = {
    **WATCHED,
    "others_every": 0.03,
    "remembers": 20,
    "count": 500,
    "deaf_every": 1.0,
    "flush_every": NEVER,
}
"""There is much news of no concern, so that what is of concern is trimmed where nobody listens."""

BEHIND: Final[Mapping[str, Any]] = {**FLOODED, "remembers": 1000, "count": 2}
"""News come faster than answers have room for, as soon as one is late."""

LOST: Final[Mapping[str, Any]] = {
    **WATCHED,
    "max_staleness": 0.15,
    "pause": 0.2,
    "remembers": 8,
    "count": 500,
    "deaf_every": 0.4,
    "flush_every": 0.4,
    "news_late": 0.0,
    "news_lost": 0.0,
}
"""The stream is lost again and again."""

LATE: Final[Mapping[str, Any]] = {
    **WATCHED,
    "max_staleness": 0.15,
    "keys": 4,
    "pause": 0.2,
    "news_late": 0.3,
    "news_lost": 0.15,
    "apart": 1.0,
    "count": 500,
    "remembers": 1000,
    "deaf_every": NEVER,
    "flush_every": NEVER,
}
"""News are told apart from what they are about, and answers are late."""

TAGGED: Final[Mapping[str, Any]] = {
    **WATCHED,
    "mostly": ("load", "get", "peek", "invalidate_tag"),
    "max_staleness": 0.05,
    "keys": 4,
    "tags": 4,
    "tagged": 1.0,
    "slow": 0.3,
}
"""Tags are forgotten while what carries them is read."""

BARRED: Final[Mapping[str, Any]] = {
    **LATE,
    "mostly": ("load", "get", "peek", "invalidate_everywhere"),
    "apart": 0.0,
}
"""What was forgotten everywhere is asked for at once."""

UNACKED: Final[Mapping[str, Any]] = {
    **WATCHED,
    "mostly": ("load", "get", "peek", "delete", "put", "invalidate_both"),
    "partial": 0.6,
    "lost": 0.03,
    "slow": 0.4,
    "outage_every": 4.0,
    "keys": 4,
    "pause": 0.2,
}
"""Little is acknowledged at the first attempt."""

REVIVED: Final[Mapping[str, Any]] = {
    **UNACKED,
    "mostly": ("load", "get", "invalidate_tag"),
    "outage_every": NEVER,
    "lost": 0.0,
    "tags": 1,
    "tagged": 1.0,
    "written": 0.0,
    "keys": 8,
    "think": 0.3,
    "pause": 0.3,
}
"""The same tag is forgotten again and again, at the first attempt or later."""

REBORN: Final[Mapping[str, Any]] = {
    **LOST,
    "others_every": 0.03,
    "remembers": 1000,
    "deaf_every": NEVER,
    "flush_every": 0.7,
    "restarts": 1.0,
}
"""The server is started again and again, and gives ids that it has given before."""

CUT: Final[Mapping[str, Any]] = {
    **WATCHED,
    "max_staleness": 0.15,
    "outage_staleness": 0.7,
    "outage_every": 1.0,
    "pause": 0.2,
}
"""Copies may be older while the store does not answer, which is often."""

KINDS: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "any": (20, {}),
    "watched": (15, WATCHED),
    "flooded": (15, FLOODED),
    "behind": (10, BEHIND),
    "lost": (15, LOST),
    "reborn": (10, REBORN),
    "late": (10, LATE),
    "tagged": (10, TAGGED),
    "barred": (5, BARRED),
    "refreshed": (5, REFRESHED),
    "cut": (5, CUT),
    "unacked": (5, UNACKED),
    "revived": (0, REVIVED),
}
"""How often there is which, and what it is."""
