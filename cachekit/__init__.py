"""A pluggable multi-backend cache that stays right when it is hard to be right."""

from cachekit.cache import Cache
from cachekit.cached import AsyncCached, Cached
from cachekit.cached_many import AsyncCachedMany, CachedMany
from cachekit.context import Load, current_load
from cachekit.errors import (
    BackendError,
    CacheClosedError,
    CacheError,
    ConfigurationError,
    EncodeError,
    InvalidationError,
    TooLargeError,
    UnreadableError,
    UnsupportedError,
)
from cachekit.invalidation import EventMap, Invalidator, Key, Prefix, Tag, Target
from cachekit.listeners import Listener
from cachekit.missing import MISSING
from cachekit.naming import FunctionOptions
from cachekit.options import Format, Lifetime, Options
from cachekit.serializer import BoundSerializer, Serializer
from cachekit.stats import FunctionStats, Info, NodeStats, Stats, TierStats
from cachekit.step import Step
from cachekit.view import CacheEntry, EntryMetadata

__all__ = [
    "MISSING",
    "AsyncCached",
    "AsyncCachedMany",
    "BackendError",
    "BoundSerializer",
    "Cache",
    "CacheClosedError",
    "CacheEntry",
    "CacheError",
    "Cached",
    "CachedMany",
    "ConfigurationError",
    "EncodeError",
    "EntryMetadata",
    "EventMap",
    "Format",
    "FunctionOptions",
    "FunctionStats",
    "Info",
    "InvalidationError",
    "Invalidator",
    "Key",
    "Lifetime",
    "Listener",
    "Load",
    "NodeStats",
    "Options",
    "Prefix",
    "Serializer",
    "Stats",
    "Step",
    "Tag",
    "Target",
    "TierStats",
    "TooLargeError",
    "UnreadableError",
    "UnsupportedError",
    "current_load",
]
