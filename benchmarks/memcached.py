"""Memcached, beside aiomcache, the other clients and the peers."""

from typing import Final

from rich.table import Table

from benchmarks.measuring import Effort
from benchmarks.memcached_clients import makers
from benchmarks.memcached_trips import trips
from benchmarks.stores import Store, measured
from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer

_AIMS: Final = {("get", 100): 1 / 5}


def run(effort: Effort) -> list[Table]:
    """Measures all, and shows it; without a server it ends and says how to get one."""
    store = Store("Memcached", MemcachedServer, makers, MemcachedBackend, trips, _AIMS)
    return measured(store, effort)
