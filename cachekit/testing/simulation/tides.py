"""The weather where processes have copies in front of their links."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cachekit.testing.simulation.weather import NEVER, Weather


def draw_tiers(rng: random.Random, weather: Weather) -> Weather:
    """`weather`, with what it is for copies; most seeds are for what matters to those."""
    kinds = [_ANY, _WATCHED, _FLOODED]
    return replace(weather, **{**_any(rng), **rng.choices(kinds, [20, 50, 30])[0]})


def _any(rng: random.Random) -> Mapping[str, Any]:
    def some(chance: float, low: float, high: float, otherwise: float = 0.0) -> float:
        return low * (high / low) ** rng.random() if rng.random() < chance else otherwise

    return {
        "max_staleness": some(1.0, 0.1, 1.0),
        "outage_staleness": some(0.2, 0.5, 5.0),
        "feeds": rng.random() < 0.9,
        "journal": rng.choice([2, 10_000, 10_000]),
        "copies": rng.choice([2, 1000]),
        "remembers": rng.choice([3, 10, 1000]),
        "count": rng.choice([1, 3, 500]),
        "apart": some(0.4, 0.1, 1.0),
        "news_lost": some(0.4, 0.01, 0.3),
        "news_late": some(0.5, 0.05, 0.8),
        "deaf_every": some(0.5, 0.5, 10.0, NEVER),
        "flush_every": some(0.4, 1.0, 20.0, NEVER),
    }


_ANY: Final[Mapping[str, Any]] = {}

_WATCHED: Final[Mapping[str, Any]] = {
    "mostly": ("load", "get", "peek", "delete", "invalidate_tag", "put"),
    "choosy": 0.0,
    "think": 0.15,
    "pause": 0.5,
    "readers": 3,
    "writers": 1,
    "keys": 3,
    "tags": 2,
    "ttl": 60.0,
    "load_slow": 0.02,
    "load_skips": 0.0,
    "load_private": 0.0,
    "load_nests": 0.0,
    "max_loads": None,
}
"""Most questions find a copy, and most of what is copied is changed again."""

_FLOODED: Final[Mapping[str, Any]] = {
    **_WATCHED,
    "mostly": ("get", "peek", "load", "delete_many"),
    "pause": 0.05,
    "keys": 6,
    "count": 3,
}
"""More is changed than one answer has room for."""
