"""The weather where processes have copies in front of their links."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cachekit.testing.simulation.weather import NEVER, Weather


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
        "feeds": rng.random() < 0.9,
        "journal": rng.choice([2, 10_000, 10_000]),
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
    "others_every": 0.5,
    "remembers": 8,
    "count": 500,
    "deaf_every": 1.0,
    "flush_every": 1.0,
    "news_late": 0.0,
    "news_lost": 0.0,
}
"""The stream is lost again and again."""

LATE: Final[Mapping[str, Any]] = {
    **WATCHED,
    "news_late": 0.2,
    "news_lost": 0.07,
    "apart": 1.0,
    "count": 500,
    "remembers": 1000,
    "deaf_every": NEVER,
    "flush_every": NEVER,
}
"""News are told apart from what they are about, and answers are late."""

KINDS: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "any": (25, {}),
    "watched": (20, WATCHED),
    "flooded": (15, FLOODED),
    "behind": (15, BEHIND),
    "lost": (15, LOST),
    "late": (10, LATE),
}
"""How often there is which, and what it is."""
