"""HTTP caching without a framework: a response cache for any ASGI application, and its parts."""

from cachekit.http.cache_control import CacheControl
from cachekit.http.etags import ETag
from cachekit.http.policy import Policy
from cachekit.http.response_cache import ResponseCache
from cachekit.http.rules import Rule
from cachekit.http.stored import Stored
from cachekit.http.telling import CacheControlMiddleware

__all__ = [
    "CacheControl",
    "CacheControlMiddleware",
    "ETag",
    "Policy",
    "ResponseCache",
    "Rule",
    "Stored",
]
