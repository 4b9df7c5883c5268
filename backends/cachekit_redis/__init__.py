"""Redis and Valkey as a backend of cachekit: one server, Sentinel or Cluster."""

from cachekit_redis.backend import RedisBackend

__all__ = ["RedisBackend"]
