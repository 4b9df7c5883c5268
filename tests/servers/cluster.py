"""A Cluster of three masters."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from secrets import token_hex
from typing import Final, Self

import redis
from redis.crc import key_slot

from tests.servers.ports import BUS, LOOPBACK
from tests.servers.server import RedisServer
from tests.servers.waiting import until

SLOTS: Final = 16384
BOUNDS: Final = (0, 5461, 10923, SLOTS)
"""Where the slots of each of the masters begin, and where they end."""

_TOGETHER: Final = "cluster-require-full-coverage"
_PATIENCE: Final = "cluster-node-timeout"

_ALONE: Final = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    _PATIENCE: "60000",  # so long does it believe in the master that is nowhere
    _TOGETHER: "no",
}

# They gossip the more often, the less patient they are: impatient, they know each other at once.
_IMPATIENT: Final = "300"

# A master serves nothing in the two seconds after its start, a replica does at once, and goes on
# when it is made a master. So each begins as the replica of a master that is nowhere.
_NOWHERE: Final = """\
{me} 127.0.0.1:{port}@{bus} myself,slave {nowhere} 0 0 1 connected
{nowhere} 127.0.0.1:1@2 master - 0 0 1 connected 0-16383
vars currentEpoch 1 lastVoteEpoch 0
"""


class ClusterServer(RedisServer):
    """One master of a Cluster. After a `restart()` it serves nothing for two seconds."""

    def __init__(self) -> None:
        super().__init__(settings=_ALONE)

    @property
    def id(self) -> str:
        """Its name within the Cluster."""
        return str(self.command("CLUSTER", "MYID"), "ascii")

    def is_complete(self) -> bool:
        """Whether it is ready to serve, and knows who has each of the slots."""
        text = str(self.command("CLUSTER", "INFO"), "ascii")
        lines = dict(line.split(":") for line in text.split())
        return lines["cluster_state"] == "ok" and int(lines["cluster_slots_ok"]) == SLOTS

    def has(self, slot: int) -> bool:
        """Whether it takes `slot` for its own."""
        ranges = self.command("CLUSTER", "SLOTS")
        own = (ends for *ends, master in (each[:3] for each in ranges) if master[1] == self.port)
        return any(first <= slot <= last for first, last in own)

    def become_master(self, first: int, end: int, epoch: int) -> None:
        """Have the slots from `first` to before `end`, and know of no other master."""
        until(self.is_complete, "a replica")
        self.together(
            ("CLUSTER", "RESET", "HARD"),
            ("CLUSTER", "SET-CONFIG-EPOCH", epoch),
            ("CLUSTER", "ADDSLOTS", *range(first, end)),
        )

    def join(self, masters: "Sequence[ClusterServer]") -> None:
        """Be one of the Cluster, and known to all."""
        until(self.is_complete, "a replica")
        self.command("CLUSTER", "RESET", "HARD")
        for master in masters:
            self.command("CLUSTER", "MEET", LOOPBACK, master.port)
        until(lambda: all(master.knows(self) for master in masters), "a server that all know")

    def knows(self, other: "ClusterServer") -> bool:
        """Whether it has heard of another server."""
        return other.id in str(self.command("CLUSTER", "NODES"), "ascii")

    def is_linked(self) -> bool:
        """Whether it is a replica and has what its master has, but for what is on the way."""
        return bool(self.command("INFO").get("master_link_status") == "up")

    def part(self) -> None:
        """Let this replica hear nothing more of its master, so that it misses what comes now."""
        # It now says a password to a master that has none, which is refused.
        self.together(("CONFIG", "SET", "masterauth", "none"), ("CLIENT", "KILL", "TYPE", "master"))

    def take_over(self) -> None:
        """Take the part of its master with what it has; the master hears of it, if it is there."""
        self.command("CLUSTER", "FAILOVER", "TAKEOVER")
        until(lambda: self.command("ROLE")[0] == b"master", "a failover")

    def configure(self, name: str, value: str) -> None:
        """Change a setting, for after a restart as well."""
        self.command("CONFIG", "SET", name, value)
        self.command("CONFIG", "REWRITE")

    def is_replica_of(self, master: "ClusterServer") -> bool:
        """Make it one; whether that was done."""
        try:
            self.command("CLUSTER", "REPLICATE", master.id)
        except redis.ResponseError:  # they have not met yet
            return False
        return True

    def _configure(self) -> None:
        super()._configure()
        ids = {"me": token_hex(20), "nowhere": token_hex(20)}
        text = _NOWHERE.format(port=self.port, bus=self.port + BUS, **ids)
        (self.folder / "nodes.conf").write_text(text)


class RedisCluster:
    """Three masters, each with a third of the slots, and replicas that are added.

    A context manager, as a `RedisServer` is one; `servers` are its masters.

    Args:
        node_timeout: seconds after which a master that does not answer is taken for failed; then
            the others, too, refuse to serve.
    """

    def __init__(self, *, node_timeout: float = 15.0) -> None:
        self._node_timeout = node_timeout
        self.servers = [ClusterServer() for _ in pairwise(BOUNDS)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            self._join()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """All masters in one URL, with `?cluster=true`."""
        return f"redis://{','.join(server.address for server in self.servers)}/?cluster=true"

    def owner(self, slot: int) -> ClusterServer:
        """The master that has `slot`, by its own account."""
        return next(server for server in self.servers if server.has(slot))

    def owner_of(self, key: str | bytes) -> ClusterServer:
        """The master that has the slot of `key`."""
        return self.owner(slot_of(key))

    def others(self, server: ClusterServer) -> Iterator[ClusterServer]:
        """All masters but one."""
        return (other for other in self.servers if other is not server)

    def add_replica(self, master: ClusterServer) -> ClusterServer:
        """A replica of one of the masters, that all know and that has all of its master."""
        replica = self._stack.enter_context(ClusterServer())
        replica.join(self.servers)
        until(lambda: replica.is_replica_of(master), "a replica of one of the masters")
        until(replica.is_linked, "a replica that has all of its master")
        return replica

    def move(self, slot: int, to: ClusterServer) -> None:
        """Give `slot` and what is in it to another master; the old one then answers MOVED."""
        move = SlotMove(self, slot, to)
        move.begin()
        move.move_keys()
        move.finish()

    def _join(self) -> None:
        for epoch, (server, bounds) in enumerate(zip(self.servers, pairwise(BOUNDS), strict=True)):
            server.become_master(*bounds, epoch + 1)
            server.command("CONFIG", "SET", _PATIENCE, _IMPATIENT)
        for other in self.servers[1:]:
            self.servers[0].command("CLUSTER", "MEET", LOOPBACK, other.port)
        self.wait()
        for server in self.servers:
            server.configure(_PATIENCE, str(round(self._node_timeout * 1000)))
            server.configure(_TOGETHER, "yes")

    def wait(self) -> None:
        """Wait until all are ready to serve all slots."""
        until(lambda: all(server.is_complete() for server in self.servers), "a Cluster")


class SlotMove:
    """A slot on its way to another master.

    Between `begin()` and `finish()` the old owner answers ASK for each key that it has not (or
    no more), and TRYAGAIN for several keys of which it has some.
    """

    def __init__(self, cluster: RedisCluster, slot: int, to: ClusterServer) -> None:
        self._cluster = cluster
        self._slot = slot
        self._old = cluster.owner(slot)
        self._new = to

    def begin(self) -> None:
        """The one gives it away, the other takes it in."""
        self._new.command("CLUSTER", "SETSLOT", self._slot, "IMPORTING", self._old.id)
        self._old.command("CLUSTER", "SETSLOT", self._slot, "MIGRATING", self._new.id)

    def move_keys(self) -> None:
        """Move all keys that are in the slot now."""
        while keys := self._old.command("CLUSTER", "GETKEYSINSLOT", self._slot, 100):
            there = (LOOPBACK, self._new.port, "", 0, 5000)
            self._old.command("MIGRATE", *there, "KEYS", *keys)

    def finish(self) -> None:
        """All masters know the new owner, the new owner first."""
        for server in (self._new, *self._cluster.others(self._new)):
            server.command("CLUSTER", "SETSLOT", self._slot, "NODE", self._new.id)


def slot_of(key: str | bytes) -> int:
    """The slot of a key."""
    return key_slot(key.encode() if isinstance(key, str) else key)
