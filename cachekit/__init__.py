"""A pluggable multi-backend cache that stays right when it is hard to be right."""

from cachekit.cache import Cache
from cachekit.cached import AsyncCached, Cached
from cachekit.errors import (
    CacheClosedError,
    CacheError,
    ConfigurationError,
    EncodeError,
    InvalidationError,
    UnreadableError,
    UnsupportedError,
)
from cachekit.invalidation import EventMap, Invalidator, Key, Prefix, Tag, Target
from cachekit.missing import MISSING
from cachekit.serializer import Serializer
from cachekit.stats import Info, Stats

__all__ = [
    "MISSING",
    "AsyncCached",
    "Cache",
    "CacheClosedError",
    "CacheError",
    "Cached",
    "ConfigurationError",
    "EncodeError",
    "EventMap",
    "Info",
    "InvalidationError",
    "Invalidator",
    "Key",
    "Prefix",
    "Serializer",
    "Stats",
    "Tag",
    "Target",
    "UnreadableError",
    "UnsupportedError",
]
