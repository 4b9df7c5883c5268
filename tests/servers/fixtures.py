"""Fixtures of tests that need a real server.

`redis_server`, `tls_server`, `redis_cluster`, `memcached_server`, `tls_memcached` and
`three_memcacheds` are shared by all tests: nobody kills, freezes or flushes them, and each test
keeps to its own `prefix`. `start` starts servers for one test alone.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

import pytest

from tests.servers.base import Server, ServerError
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.cluster import RedisCluster
from tests.servers.doors import Door
from tests.servers.memcached import MemcachedServer
from tests.servers.program import MEMCACHED, REDIS, Kind, NoServerError, server_program
from tests.servers.server import RedisServer

ServerT = TypeVar("ServerT", bound=AbstractContextManager[Any])
AnyServer = TypeVar("AnyServer", bound=Server)

ThreeMemcacheds = tuple[MemcachedServer, MemcachedServer, MemcachedServer]


class Starter:
    """Enters servers, which are ended when the test is over: `start(RedisServer())`.

    Where a program of theirs is not installed, the test is skipped, or fails in CI.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, server: ServerT) -> ServerT:
        try:
            self._stack.enter_context(server)
        except NoServerError as error:
            _without_server(str(error))
        return server


def _without_server(reason: str) -> NoReturn:
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


def _installed(kind: Kind) -> str:
    try:
        return server_program(kind)
    except NoServerError as error:
        _without_server(str(error))


@pytest.fixture(scope="session")
def server_installed() -> str:
    """The program of a Redis; without one a test is skipped, or fails in CI."""
    return _installed(REDIS)


@pytest.fixture(scope="session")
def memcached_installed() -> str:
    """The program of a memcached; without one a test is skipped, or fails in CI."""
    return _installed(MEMCACHED)


@pytest.fixture
def start() -> Iterator[Starter]:
    """Starts servers for one test alone, which may kill and freeze them."""
    with ExitStack() as stack:
        yield Starter(stack)


@pytest.fixture(scope="session")
def redis_server(server_installed: str) -> Iterator[RedisServer]:
    """A server for all tests that leave it as it is."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster(server_installed: str) -> Iterator[RedisCluster]:
    """A Cluster of three masters for all tests that leave it as it is."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of servers that speak TLS."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_server(server_installed: str, certificates: Certificates) -> Iterator[RedisServer]:
    """A server that speaks TLS only, for all tests that leave it as it is; not all can."""
    with ExitStack() as stack:
        yield _with_tls(stack, RedisServer(door=Door(tls=certificates)))


@pytest.fixture(scope="session")
def memcached_server(memcached_installed: str) -> Iterator[MemcachedServer]:
    """A memcached for all tests that leave it as it is."""
    with MemcachedServer() as server:
        yield server


@pytest.fixture(scope="session")
def three_memcacheds(memcached_installed: str) -> Iterator[ThreeMemcacheds]:
    """Three that know nothing of each other, for all tests that leave them as they are."""
    with MemcachedServer() as one, MemcachedServer() as two, MemcachedServer() as three:
        yield one, two, three


@pytest.fixture(scope="session")
def tls_memcached(
    memcached_installed: str, certificates: Certificates
) -> Iterator[MemcachedServer]:
    """A memcached that speaks TLS only, for all tests that leave it as it is; not all can."""
    with ExitStack() as stack:
        yield _with_tls(stack, MemcachedServer(tls=certificates))


def _with_tls(stack: ExitStack, server: AnyServer) -> AnyServer:
    """Enter a server that speaks TLS, or skip the test that wants it."""
    try:
        stack.enter_context(server)
    except ServerError as error:
        if "TLS" not in str(error):
            raise
        pytest.skip(f"{server_program(server.kind)} was built without TLS")
    return server


@pytest.fixture
def prefix() -> str:
    """A beginning of keys that no other test has, with a colon at its end."""
    return f"{uuid4().hex[:12]}:"
