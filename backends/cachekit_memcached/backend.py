"""`MemcachedBackend`."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from cachekit.backend import (
    ABSENT,
    HOMES,
    MEASURE,
    NODES,
    ROOM,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.complaints import Complaints
from cachekit.decoding import Decoding
from cachekit.doubts import in_doubt
from cachekit.drops import Drops
from cachekit.entry import Entry
from cachekit.envelope import pack
from cachekit.errors import ConfigurationError
from cachekit.options import Duration, seconds
from cachekit.registry import of_both
from cachekit.tenure import Tenure
from cachekit_memcached.address import connecting, where
from cachekit_memcached.changes import Change
from cachekit_memcached.names import name_of
from cachekit_memcached.node import Node, Settings
from cachekit_memcached.nodes import Nodes
from cachekit_memcached.ring import Ring

log: Final = logging.getLogger("cachekit")

_REMEMBERED: Final = 8192
"""So many keys whose names on a server are known."""

_BESIDE: Final = 8 * 1024
"""Bytes of an item that are not payload: its key, its tags, what the server adds."""


class MemcachedBackend(Backend):
    """Entries on memcached: one server, or several.

    `servers` is a URL, `memcached://host1:11211,host2:11211`, or a list of `host:port`; what
    follows may be said in the query of the URL as well, but for `conn_args`, instead of which there
    is `tls=true`. Of several servers each has its own keys (rendezvous hashing), whatever becomes
    of the others: where one is down its keys are misses until it is back. So the list is the same
    in all processes that share entries; a server more takes over its share of all keys.

    All keys begin with `prefix`. A server that takes longer than `timeout` seconds for a command,
    or `connect_timeout` for a connection, has failed; nothing is ever tried again in silence. Both
    are to be less than the `deadline` of the cache, 0.25 seconds. `conn_args` are further arguments
    of the event loop's `create_connection`: `{"ssl": context}` for TLS.

    Changes are not announced: copies in front of this backend live for `max_staleness` seconds, and
    `Prefix` is an error. Raises `ConfigurationError` for what cannot be meant. No connection is
    made before the first operation, and none fails because a server is not there: operations do.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        *,
        prefix: str = "ck:",
        timeout: Duration = 0.2,
        connect_timeout: Duration = 0.2,
        conn_args: Mapping[str, Any] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        given = where(servers)
        arguments = {"prefix": prefix, "timeout": timeout, "connect_timeout": connect_timeout}
        told = of_both(arguments, given.said, _USUAL)
        self.servers = given.servers
        self._prefix = _checked(told["prefix"]).encode("utf-8", "surrogatepass")
        self._settings = Settings(
            seconds("timeout", told["timeout"]),
            seconds("connect_timeout", told["connect_timeout"]),
            connecting(conn_args, given.tls),
        )
        self._ring = Ring([server.name for server in self.servers])
        self._nodes = self._new_nodes()
        self._name = lru_cache(_REMEMBERED)(partial(name_of, self._prefix))
        self._clock = clock
        self._decoding = Decoding(clock)
        self._tenure = Tenure()
        self._drops = Drops()
        self._complaints = Complaints("memcached")

    @classmethod
    def from_url(cls, url: str) -> "MemcachedBackend":
        """The backend that `url` describes."""
        return cls(url)

    @property
    def unreadable(self) -> int:
        """How often bytes were found that are no entry of their key."""
        return self._decoding.unreadable

    @property
    def most_bytes(self) -> int:
        """The most bytes of a payload that all servers take, as far as they have said."""
        return max(0, self._nodes.largest - _BESIDE)

    def _new_nodes(self) -> Nodes:
        nodes = [Node(server.host, server.port, self._settings) for server in self.servers]
        return Nodes(nodes, self._ring)

    async def open(self) -> None:
        self._nodes = self._new_nodes()
        self._drops = Drops()
        self._tenure.begin(self._nodes)

    async def close(self) -> None:
        self._tenure.end()
        self._decoding.forget()
        await self._drops.close()
        await self._nodes.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {MEASURE: self, ROOM: self}
        if len(self.servers) > 1:
            having |= {NODES: self, HOMES: self}
        return offer(wanted, having)

    def node_of(self, key: str) -> str:
        return self.servers[self._ring.place(key)].name

    def home(self, key: str) -> str:
        return self._ring.homes[self._ring.place(key)]

    def homes(self) -> Sequence[str]:
        return self._ring.homes

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self._read(keys)
        if len(self.servers) > 1 and (doubts := in_doubt(keys, found)):
            for key in doubts:
                found.pop(key, None)
            found |= await self._read(doubts)
        return found

    async def _read(self, keys: Iterable[str]) -> dict[str, Entry | Unreached]:
        found: dict[str, Entry | Unreached] = {}
        broken: list[str] = []
        for some, values in await self._nodes.get(keys, self._name):
            if isinstance(values, Exception):
                found |= dict.fromkeys(some, Unreached(values))
            else:
                self._decoding.take(zip(some, values, strict=True), found, broken)
        if broken and not self._drops.is_under_way:
            self._drops.start(broken, self._drop(broken))
        return found

    async def _drop(self, broken: Sequence[str]) -> None:
        """Delete what cannot be read, if it is still that; if not, it is as absent as before."""
        changes = [self._change(Write(key, None, ABSENT)) for key in broken]
        await self._nodes.carry_out(changes)

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        await self._drops.ended_for(write.key for write in writes)
        made = [self._packed(write) for write in writes]
        changes = [change for change in made if change is not None]
        await self._nodes.carry_out(changes)
        errors = [change.error for change in changes if change.error is not None]
        if changes and all(change.outcome is UNREACHED for change in changes) and errors:
            raise errors[0]
        for error in errors:
            self._complaints.add(error)
        return [UNREACHED if change is None else change.outcome for change in made]

    def _packed(self, write: Write) -> Change | None:
        """`None` for an entry that no bytes can hold: it does no harm to the others."""
        try:
            return self._change(write)
        except ValueError as error:
            log.warning("an entry was not written: %s", error)
            return None

    def _change(self, write: Write) -> Change:
        data = None if write.entry is None else pack(write.key, write.entry)
        name, time = self._name(write.key), self._clock.time()
        return Change(write, name, data, self._decoding, time)


_USUAL: Final[Mapping[str, Any]] = MemcachedBackend.__init__.__kwdefaults__ or {}
"""What the arguments are that were not given."""


def _checked(prefix: Any) -> str:
    if not isinstance(prefix, str) or len(prefix) > 64:
        raise ConfigurationError(
            f"prefix={prefix!r} will not do: write a str of at most 64 characters"
        )
    return prefix
