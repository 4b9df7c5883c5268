"""Who is connected to a server."""

from tests.servers.memcached import MemcachedServer
from tests.servers.waiting import until


def guests(server: MemcachedServer) -> int:
    """So many connections, but for the one that asks for it."""
    return int(server.stats()["curr_connections"]) - 1


def all_gone(server: MemcachedServer) -> None:
    """Wait for the end of all connections."""
    until(lambda: not guests(server), "the end of all connections")
