"""A real server is started, killed, frozen and started again."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.servers.base import ServerError
from tests.servers.fixtures import Starter
from tests.servers.processes import runs
from tests.servers.server import RedisServer

# What it started holds our pipe open, until it ends.
DIES = """
import os, signal
from pathlib import Path
from tests.servers.processes import ProcessGroup

ProcessGroup().start(["sleep", "100"], Path("/dev/stdout"))
os.kill(os.getpid(), signal.SIGKILL)
"""


class Unlucky(RedisServer):
    """Finds a port that is not free any more when the server starts."""

    def __init__(self, taken: int) -> None:
        super().__init__()
        self._taken = [taken]

    def _new_port(self) -> int:
        return self._taken.pop() if self._taken else super()._new_port()


def test_a_server_answers_as_soon_as_it_is_entered(redis_server: RedisServer, prefix: str) -> None:
    redis_server.command("SET", f"{prefix}a", 1)
    assert redis_server.command("GET", f"{prefix}a") == b"1"
    assert redis_server.command("INFO")["process_id"] == redis_server.pid


def test_settings_reach_the_server(start: Starter) -> None:
    server = start(RedisServer(settings={"maxmemory": "3mb", "maxmemory-policy": "allkeys-lru"}))
    info = server.command("INFO")
    assert (info["maxmemory"], info["maxmemory_policy"]) == (3 * 2**20, "allkeys-lru")


def test_a_killed_server_comes_back_on_its_port_with_nothing(start: Starter) -> None:
    server = start(RedisServer())
    server.command("SET", "a", 1)
    before = server.pid, server.port
    server.kill()
    with pytest.raises(redis.ConnectionError):
        server.command("GET", "a")
    server.start()
    assert server.command("GET", "a") is None
    assert server.pid != before[0]
    assert server.port == before[1]


def test_what_was_appended_is_there_after_a_kill(start: Starter) -> None:
    server = start(RedisServer(settings={"appendonly": "yes"}))
    server.command("SET", "a", 1)
    server.restart()
    assert server.command("GET", "a") == b"1"


def test_what_was_saved_is_there_after_a_kill_and_what_came_later_is_not(start: Starter) -> None:
    server = start(RedisServer())
    server.command("SET", "a", 1)
    server.command("SAVE")
    server.command("SET", "a", 2)
    server.restart()
    assert server.command("GET", "a") == b"1"


def test_a_frozen_server_goes_on_where_it_stopped(start: Starter) -> None:
    server = start(RedisServer())
    server.freeze()
    with pytest.raises(redis.TimeoutError), server.client(timeout=0.05) as client:
        client.execute_command("PING")
    server.thaw()
    assert server.command("PING")


def test_a_frozen_server_ends_too(server_installed: str) -> None:
    with RedisServer() as server:
        server.freeze()
    assert not runs(server.pid)
    assert not server.folder.exists()


def test_a_server_that_does_not_start_says_why(server_installed: str) -> None:
    server = RedisServer(settings={"maxmemory-polisy": "x"})
    with pytest.raises(ServerError, match="maxmemory-polisy"):
        server.__enter__()


def test_a_port_that_another_took_is_left_to_it(start: Starter, redis_server: RedisServer) -> None:
    server = start(Unlucky(redis_server.port))
    assert server.port != redis_server.port
    assert redis_server.command("INFO")["process_id"] == redis_server.pid


def test_what_was_started_ends_with_its_owner_that_is_killed() -> None:
    command = [sys.executable, "-c", DIES]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=50)
    assert done.returncode == -signal.SIGKILL, done.stderr
