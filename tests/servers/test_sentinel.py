"""A Sentinel makes the replica the master."""

from tests.servers.fixtures import Starter
from tests.servers.sentinel import RedisSentinel


def test_a_failover_keeps_what_was_written(start: Starter) -> None:
    service = start(RedisSentinel())
    service.master.command("SET", "a", 1)
    assert service.current() is service.master
    service.failover()
    assert service.current() is service.replica
    assert service.replica.command("GET", "a") == b"1"


def test_a_replica_that_heard_no_more_becomes_master_without_the_last_writes(
    start: Starter,
) -> None:
    service = start(RedisSentinel())
    service.master.command("SET", "a", 1)
    service.part()
    service.master.command("DEL", "a")
    service.master.kill()
    service.wait()
    assert service.replica.command("GET", "a") == b"1"
    assert service.replica.command("SET", "a", 2)
