"""Memcached as a backend of cachekit: one server, or several by rendezvous hashing."""

try:
    from cachekit_memcached.backend import MemcachedBackend
except ImportError as error:
    if (error.name or "").partition(".")[0] != "aiomcache":
        raise
    raise ImportError(
        f"cachekit_memcached needs aiomcache ({error}): "
        "pip install 'cachekit-framework[memcached]'",
        name=error.name,
    ) from error

__all__ = ["MemcachedBackend"]
