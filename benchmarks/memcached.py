"""Memcached, beside aiomcache, the other clients and the peers."""

from typing import Final

from benchmarks.measuring import Effort
from benchmarks.memcached_clients import makers
from benchmarks.memcached_trips import trips
from benchmarks.results import Report
from benchmarks.stores import Store, measured
from cachekit_memcached import MemcachedBackend
from tests.servers.memcached import MemcachedServer

_AIMS: Final = {("get", 100): 1 / 5}


def run(effort: Effort) -> Report:
    """Measures all; without a server the one result says how to get one."""
    store = Store("Memcached", MemcachedServer, makers, MemcachedBackend, trips, _AIMS)
    return measured(store, effort)
