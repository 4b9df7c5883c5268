"""A server lets in whom it should, by password, by user, by TLS and by socket."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.doors import Door
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer


def answer(url: str, *command: str) -> object:
    """What a stranger who knows `url` is answered."""
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        return client.execute_command(*command)


def test_a_password_opens_and_nothing_else_does(start: Starter) -> None:
    server = start(RedisServer(door=Door("s:cr/t")))
    assert answer(server.url, "PING")
    with pytest.raises(redis.AuthenticationError):
        answer(f"redis://{server.address}", "PING")


def test_a_user_may_do_what_was_allowed(start: Starter) -> None:
    server = start(RedisServer(door=Door("secret", user="ann", rights="~ck:* +set")))
    assert answer(server.url, "SET", "ck:1", "x")
    for command in (["GET", "ck:1"], ["SET", "other", "x"]):
        with pytest.raises(redis.exceptions.NoPermissionError):
            answer(server.url, *command)
    assert server.command("GET", "ck:1") == b"x"


def test_a_certificate_is_that_of_the_authority(tls_server: RedisServer) -> None:
    assert answer(tls_server.url, "PING")
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        answer(f"rediss://{tls_server.address}", "PING")
    with pytest.raises(redis.ConnectionError):
        answer(f"redis://{tls_server.address}", "PING")


def test_a_socket_of_the_file_system_is_a_way_in(redis_server: RedisServer) -> None:
    assert answer(redis_server.unix_url, "PING")
