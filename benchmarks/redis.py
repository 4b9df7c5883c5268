"""Redis, beside redis-py and the peers."""

from typing import Final

from benchmarks.measuring import Effort
from benchmarks.redis_clients import makers
from benchmarks.redis_trips import trips
from benchmarks.results import Report
from benchmarks.stores import Store, measured
from cachekit_redis import RedisBackend
from tests.servers.server import RedisServer

_AIMS: Final = {("get", 1): 1.3, ("get", 100): 1 / 5, ("get or load, hit", 100): 1 / 4}


def run(effort: Effort) -> Report:
    """Measures all; without a server the one result says how to get one."""
    return measured(Store("Redis", RedisServer, makers, RedisBackend, trips, _AIMS), effort)
