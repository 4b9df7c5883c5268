"""Entries in this process's memory: the backend behind `memory://`."""

from cachekit_memory.backend import MemoryBackend
from cachekit_memory.s3fifo import S3FIFO
from cachekit_memory.tinylfu import TinyLFU

__all__ = ["S3FIFO", "MemoryBackend", "TinyLFU"]
