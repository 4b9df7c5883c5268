"""Processes that have copies in front of a memcached, which tells nobody of changes."""

from cachekit.backend import Backend
from cachekit_memcached import MemcachedBackend
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.tiered.fleet import STALENESS, WAITS, Fleet


class MemcachedFleet(Fleet):
    """So that each copy is served for so long, whatever becomes of what it was made of."""

    forgets_prefixes = False

    def backend(self, number: int) -> Backend:
        far = MemcachedBackend([self.addresses[number]], timeout=WAITS, connect_timeout=WAITS)
        return TieredBackend(MemoryBackend(), far, max_staleness=STALENESS)
