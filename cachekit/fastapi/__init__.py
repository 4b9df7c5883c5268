"""What a FastAPI application needs of a cache."""

from cachekit.fastapi.endpoints import EndpointOptions, cached
from cachekit.fastapi.settings import CacheSettings
from cachekit.fastapi.wiring import CacheDep, RedisDep, get_cache, get_redis, lifespan, named

__all__ = [
    "CacheDep",
    "CacheSettings",
    "EndpointOptions",
    "RedisDep",
    "cached",
    "get_cache",
    "get_redis",
    "lifespan",
    "named",
]
