"""Values that are asked for again and again, and do not change."""

from tests.stores.often import OftenSuite


class TestRedis(OftenSuite):
    """On a server, and on several."""
