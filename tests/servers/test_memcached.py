"""A real memcached is started, killed, frozen and started again."""

import ssl

import pytest

from tests.servers.base import ServerError
from tests.servers.fixtures import Starter, ThreeMemcacheds
from tests.servers.memcached import MemcachedClient, MemcachedServer
from tests.servers.ports import LOOPBACK
from tests.servers.processes import runs


class Unlucky(MemcachedServer):
    """Finds a port that is not free any more when the server starts."""

    def __init__(self, taken: int) -> None:
        super().__init__()
        self._taken = [taken]

    def _new_port(self) -> int:
        return self._taken.pop() if self._taken else super()._new_port()


def test_a_server_answers_as_soon_as_it_is_entered(
    memcached_server: MemcachedServer, prefix: str
) -> None:
    with memcached_server.client() as client:
        assert client.set(f"{prefix}a", b"x")
        assert client.get(f"{prefix}a") == b"x"
    assert memcached_server.url == f"memcached://{LOOPBACK}:{memcached_server.port}"


def test_a_line_is_answered_by_a_line(memcached_server: MemcachedServer, prefix: str) -> None:
    key = f"{prefix}a".encode()
    assert memcached_server.command(b"set %b 0 0 1\r\nx" % key) == b"STORED"
    assert memcached_server.command(b"get %b" % key) == b"VALUE %b 0 1" % key
    assert memcached_server.command(b"nonsense") == b"ERROR"
    with pytest.raises(ConnectionResetError):
        memcached_server.command(b"quit")


def test_statistics_are_told_by_name(memcached_server: MemcachedServer) -> None:
    assert memcached_server.stats()["pid"] == str(memcached_server.pid)
    assert memcached_server.stats("settings")["inter"] == LOOPBACK
    with pytest.raises(ValueError, match="ERROR"):
        memcached_server.stats("nonsense")


def test_options_reach_the_server(start: Starter) -> None:
    server = start(MemcachedServer(megabytes=5, options=("-I", "2m")))
    settings = server.stats("settings")
    assert (settings["maxbytes"], settings["item_size_max"]) == (str(5 * 2**20), str(2 * 2**20))


def test_a_killed_server_comes_back_on_its_port_with_nothing(start: Starter) -> None:
    server = start(MemcachedServer())
    server.command(b"set a 0 0 1\r\nx")
    before = server.pid, server.port
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        server.command(b"get a")
    server.start()
    assert server.command(b"get a") == b"END"
    assert server.pid != before[0]
    assert server.port == before[1]


def test_a_frozen_server_goes_on_where_it_stopped(start: Starter) -> None:
    server = start(MemcachedServer())
    server.command(b"set a 0 0 1\r\nx")
    server.freeze()
    with pytest.raises(TimeoutError), server.client(timeout=0.05) as client:
        client.get("a")
    server.thaw()
    assert server.command(b"get a") == b"VALUE a 0 1"


def test_a_frozen_server_ends_too(memcached_installed: str) -> None:
    with MemcachedServer() as server:
        server.freeze()
    assert not runs(server.pid)
    assert not server.folder.exists()


def test_a_server_that_does_not_start_says_why(memcached_installed: str) -> None:
    server = MemcachedServer(options=("-o", "nonsense"))
    with pytest.raises(ServerError, match="nonsense"):
        server.__enter__()


def test_a_port_that_another_took_is_left_to_it(
    start: Starter, memcached_server: MemcachedServer
) -> None:
    server = start(Unlucky(memcached_server.port))
    assert server.port != memcached_server.port
    assert memcached_server.stats()["pid"] == str(memcached_server.pid)


def test_three_know_nothing_of_each_other(three_memcacheds: ThreeMemcacheds, prefix: str) -> None:
    key = prefix.encode()
    assert three_memcacheds[0].command(b"set %b 0 0 1\r\nx" % key) == b"STORED"
    assert [server.command(b"get %b" % key) for server in three_memcacheds[1:]] == [b"END"] * 2


def test_a_certificate_is_that_of_the_authority(tls_memcached: MemcachedServer) -> None:
    assert tls_memcached.command(b"version").startswith(b"VERSION ")
    with tls_memcached.client() as client:
        assert client.version()
    stranger = ssl.create_default_context()
    with (
        MemcachedClient((LOOPBACK, tls_memcached.port), tls_context=stranger) as client,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client.version()
