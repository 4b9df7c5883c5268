"""A pluggable multi-backend cache that stays right when it is hard to be right."""

from cachekit.cache import Cache
from cachekit.cached import AsyncCached, Cached
from cachekit.cached_many import AsyncCachedMany, CachedMany
from cachekit.context import Load, current_load
from cachekit.errors import (
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
from cachekit.stats import Info, Stats
from cachekit.step import Step
from cachekit.view import CacheEntry, EntryMetadata

__all__ = [
    "MISSING",
    "AsyncCached",
    "AsyncCachedMany",
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
    "Info",
    "InvalidationError",
    "Invalidator",
    "Key",
    "Lifetime",
    "Listener",
    "Load",
    "Options",
    "Prefix",
    "Serializer",
    "Stats",
    "Step",
    "Tag",
    "Target",
    "TooLargeError",
    "UnreadableError",
    "UnsupportedError",
    "current_load",
]
