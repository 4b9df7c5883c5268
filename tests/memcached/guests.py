"""Who is connected to a server."""

from tests.servers.memcached import MemcachedServer
from tests.servers.waiting import until


def guests(server: MemcachedServer) -> int:
    """So many connections, but for the one that asks for it; one that has ended may count yet."""
    return int(server.stats()["curr_connections"]) - 1


def has_guests(server: MemcachedServer, number: int) -> None:
    """Wait until there are so many."""
    until(lambda: guests(server) == number, f"{number} connections")


def all_gone(server: MemcachedServer) -> None:
    """Wait for the end of all connections."""
    has_guests(server, 0)
