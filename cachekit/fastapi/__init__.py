"""What a FastAPI application needs of a cache."""

from cachekit.fastapi.conditional import (
    CONDITIONAL_READ,
    CONDITIONAL_UPDATE,
    Conditional,
    Conditions,
)
from cachekit.fastapi.endpoints import EndpointOptions, cached
from cachekit.fastapi.errors import (
    MAY_BE_STALE,
    add_exception_handlers,
    answer_invalidation_error,
    committed,
)
from cachekit.fastapi.operations_router import operations
from cachekit.fastapi.policy import CachePolicy, cache_policy
from cachekit.fastapi.settings import CacheSettings
from cachekit.fastapi.tagging import etag_of
from cachekit.fastapi.wiring import CacheDep, RedisDep, get_cache, get_redis, lifespan, named
from cachekit.http import (
    CacheControl,
    CacheControlMiddleware,
    ETag,
    Policy,
    ResponseCache,
    Rule,
    Stored,
)

__all__ = [
    "CONDITIONAL_READ",
    "CONDITIONAL_UPDATE",
    "MAY_BE_STALE",
    "CacheControl",
    "CacheControlMiddleware",
    "CacheDep",
    "CachePolicy",
    "CacheSettings",
    "Conditional",
    "Conditions",
    "ETag",
    "EndpointOptions",
    "Policy",
    "RedisDep",
    "ResponseCache",
    "Rule",
    "Stored",
    "add_exception_handlers",
    "answer_invalidation_error",
    "cache_policy",
    "cached",
    "committed",
    "etag_of",
    "get_cache",
    "get_redis",
    "lifespan",
    "named",
    "operations",
]
