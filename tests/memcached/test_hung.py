"""A server that hangs costs a call one deadline, and one that refuses costs next to nothing."""

from cachekit_memcached import MemcachedBackend
from tests.servers.base import Server
from tests.servers.memcached import MemcachedServer
from tests.stores.hung import FOREVER, HungSuite


class TestMemcached(HungSuite):
    __test__ = True

    def new_server(self) -> MemcachedServer:
        return MemcachedServer()

    def connect(self, server: Server, timeout: float) -> MemcachedBackend:
        return MemcachedBackend(server.url, timeout=timeout, connect_timeout=FOREVER)
