"""Tools for those who test code that caches, or write plug-ins."""

from cachekit.testing.clock import FakeClock

__all__ = ["FakeClock"]
