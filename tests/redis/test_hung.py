"""A server that hangs costs a call one deadline, and one that refuses costs next to nothing."""

from cachekit_redis import RedisBackend
from tests.servers.base import Server
from tests.servers.server import RedisServer
from tests.stores.hung import HungSuite
from tests.stores.operations import PREFIXES


class TestRedis(HungSuite):
    __test__ = True
    more = PREFIXES

    def new_server(self) -> RedisServer:
        return RedisServer()

    def connect(self, server: Server, timeout: float) -> RedisBackend:
        return RedisBackend(server.url, timeout=timeout)
