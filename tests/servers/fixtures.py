"""Fixtures of tests that need a real server.

`redis_server`, `tls_server` and `redis_cluster` are shared by all tests: nobody kills, freezes or
flushes them, and each test keeps to its own `prefix`. `start` starts servers for one test alone.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

import pytest

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.cluster import RedisCluster
from tests.servers.doors import Door
from tests.servers.program import NoServerError, server_program
from tests.servers.server import RedisServer, ServerError

ServerT = TypeVar("ServerT", bound=AbstractContextManager[Any])


class Starter:
    """Enters servers, which are ended when the test is over: `start(RedisServer())`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, server: ServerT) -> ServerT:
        self._stack.enter_context(server)
        return server


def _without_server(reason: str) -> NoReturn:
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server_installed() -> str:
    """The program of a server; without one a test is skipped, or fails in CI."""
    try:
        return server_program()
    except NoServerError as error:
        _without_server(str(error))


@pytest.fixture
def start(server_installed: str) -> Iterator[Starter]:
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
        try:
            server = stack.enter_context(RedisServer(door=Door(tls=certificates)))
        except ServerError as error:
            if "TLS" not in str(error):
                raise
            pytest.skip(f"{server_installed} was built without TLS")
        yield server


@pytest.fixture
def prefix() -> str:
    """A beginning of keys that no other test has, with a colon at its end."""
    return f"{uuid4().hex[:12]}:"
