"""Redis and Valkey as a backend of cachekit: one server, Sentinel or Cluster."""

try:
    from cachekit_redis.backend import RedisBackend
except ImportError as error:
    if (error.name or "").partition(".")[0] not in ("redis", "hiredis"):
        raise
    raise ImportError(
        f"cachekit_redis needs redis-py with hiredis ({error}): "
        "pip install 'cachekit-framework[redis]'",
        name=error.name,
    ) from error

__all__ = ["RedisBackend"]
