"""Two stores as one: copies in this process, kept right, in front of a store that all share."""

from cachekit_tiered.backend import TieredBackend

__all__ = ["TieredBackend"]
