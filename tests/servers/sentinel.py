"""A master, its replica, and a Sentinel that makes the one the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Self

import redis

from tests.servers.ports import LOOPBACK
from tests.servers.server import RedisServer
from tests.servers.waiting import until

SERVICE: Final = "mymaster"

_WATCHES: Final = {
    "down-after-milliseconds": "500",
    "failover-timeout": "2000",
}


class SentinelServer(RedisServer):
    """One Sentinel, whose word is enough."""

    def __init__(self, master: RedisServer) -> None:
        super().__init__()
        self._master = master

    def _lines(self) -> Iterator[str]:
        yield f"port {self.port}"
        yield f"bind {LOOPBACK}"
        yield f"dir {self.folder}"
        yield f"sentinel monitor {SERVICE} {LOOPBACK} {self._master.port} 1"
        for name, value in _WATCHES.items():
            yield f"sentinel {name} {SERVICE} {value}"

    def _command(self) -> list[str]:
        return [*super()._command(), "--sentinel"]


class RedisSentinel:
    """A master and a replica of it, watched by one Sentinel.

    A context manager, as a `RedisServer` is one. `master` and `replica` are what they were made
    as, whatever became of them; `current()` tells who is master now. A master that does not
    answer for half a second is replaced. Sentinel cuts all connections to a server whose part it
    changes, and takes some ten seconds to make a replica of a replaced master that still runs.
    """

    def __init__(self) -> None:
        self.master = RedisServer()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.master)
            self.replica = stack.enter_context(_replica_of(self.master))
            until(self.is_linked, "a replica that hears its master")
            self.catch_up()
            self.sentinel = stack.enter_context(SentinelServer(self.master))
            until(self._knows_the_replica, "a Sentinel that knows the replica")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The Sentinel's address and the service's name in one URL."""
        return f"redis://{self.sentinel.address}/0?sentinel={SERVICE}"

    def is_linked(self) -> bool:
        """Whether the replica hears what its master does."""
        return bool(self.replica.command("INFO").get("master_link_status") == "up")

    def catch_up(self) -> None:
        """Wait until the replica has all that was written to the master."""
        until(lambda: self.master.command("WAIT", 1, 100) == 1, "a replica that is up to date")

    def current(self) -> RedisServer:
        """The master in the eyes of the Sentinel."""
        _, port = self.sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return self.replica if int(port) == self.replica.port else self.master

    def part(self) -> None:
        """Let the replica hear nothing more of its master, so that it misses what comes now."""
        self.catch_up()
        # It now says a password to a master that has none, which is refused.
        self.replica.together(
            ("CONFIG", "SET", "masterauth", "none"), ("CLIENT", "KILL", "TYPE", "master")
        )

    def failover(self) -> None:
        """Make the replica the master while the master is well, and wait for it."""
        self.sentinel.command("SENTINEL", "FAILOVER", SERVICE)
        self.wait()

    def wait(self) -> None:
        """Wait until the replica is the master, as after `master.kill()` or `master.freeze()`."""
        until(self._is_replaced, "a failover")

    def _knows_the_replica(self) -> bool:
        known = self.sentinel.command("SENTINEL", "REPLICAS", SERVICE)
        return [replica[b"master-link-status"] for replica in known] == [b"ok"]

    def _is_replaced(self) -> bool:
        try:
            role = self.replica.command("ROLE")[0]
        except redis.ConnectionError:
            return False
        return bool(role == b"master") and self.current() is self.replica


def _replica_of(master: RedisServer) -> RedisServer:
    return RedisServer(settings={"replicaof": f"{LOOPBACK} {master.port}"})
