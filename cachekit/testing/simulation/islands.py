"""The weather where a store has several homes."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cachekit.testing.simulation.weather import NEVER, Weather


def draw_homes(rng: random.Random, weather: Weather) -> Weather:
    """`weather`, with what it is for homes; most seeds are for what matters to those."""
    weights, kinds = zip(*KINDS.values(), strict=True)
    return replace(weather, **{**_any(rng), **rng.choices(kinds, weights)[0]})


def _any(rng: random.Random) -> Mapping[str, Any]:
    def some(chance: float, low: float, high: float) -> float:
        return low * (high / low) ** rng.random() if rng.random() < chance else NEVER

    return {
        "node_down_every": some(0.7, 2.0, 20.0),
        "node_slow_every": some(0.5, 2.0, 20.0),
        "node_emptied_every": some(0.5, 1.0, 20.0),
        "patience": rng.choice([0.15, 0.2, NEVER]),
        "journal": rng.choice([1, 4, 10_000]),
    }


_STEADY: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("refused", "lost", "unanswered", "late", "lurks", "torn", "partial"), 0.0),
    **dict.fromkeys(("choosy", "load_hangs", "load_skips", "load_private", "load_nests"), 0.0),
    **dict.fromkeys(("outage_every", "evict_value_every", "flush_every"), NEVER),
    "patience": 0.2,
    "node_down_every": 3.0,
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
"""Nothing goes wrong but with the homes, and most questions find something."""

_LONG: Final[Mapping[str, Any]] = {
    "journal": 10_000,
    "node_down_every": 5.0,
    "node_down": 3.0,
    "node_slow_every": NEVER,
    "node_emptied_every": NEVER,
    "think": 0.3,
    "pause": 1.0,
}
"""One is down for so long that what the others have shows."""

CLEARED: Final[Mapping[str, Any]] = {
    **_STEADY,
    **_LONG,
    "mostly": (
        *("load", "call", "get_many", "load_many", "call_many"),
        *("clear", "clear_function", "clear_many"),
    ),
    "tagged": 0.3,
}
"""All is forgotten again and again, whichever homes are down."""

SET: Final[Mapping[str, Any]] = {
    **_STEADY,
    **_LONG,
    "mostly": ("load", "get_many", "put", "put_many"),
    "written": 1.0,
    "tagged": 0.0,
}
"""What is set together lives at several of them."""

CROWDED: Final[Mapping[str, Any]] = {
    **_STEADY,
    "mostly": (
        *("load", "get", "delete_many", "put_many"),
        *("invalidate_tag", "invalidate_both", "invalidate_prefixes"),
    ),
    "tagged": 1.0,
    "node_down_every": 2.0,
    "node_emptied_every": NEVER,
    "evict_tag_every": NEVER,
    "pause": 0.3,
    "journal": 1,
}
"""What could not be forgotten has no room in the journal."""

EMPTIED: Final[Mapping[str, Any]] = {
    **_STEADY,
    "mostly": ("load", "call", "get", "put", "invalidate_tag", "clear_function"),
    "tagged": 0.7,
    "node_down_every": NEVER,
    "node_emptied_every": 0.7,
}
"""Homes are started again and again, with nothing."""

TAGGED: Final[Mapping[str, Any]] = {
    **_STEADY,
    "mostly": ("load", "get", "invalidate_tag", "invalidate_named"),
    "tagged": 1.0,
    "names": 0.5,
    "keys": 4,
    "node_slow_every": 2.0,
}
"""Tags are forgotten, of what lives elsewhere."""

KINDS: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "any": (30, {}),
    "cleared": (20, CLEARED),
    "set": (10, SET),
    "crowded": (20, CROWDED),
    "emptied": (10, EMPTIED),
    "tagged": (10, TAGGED),
}
"""How often there is which, and what it is."""
