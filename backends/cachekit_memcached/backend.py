"""`MemcachedBackend`."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

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
from cachekit.tenure import Tenure
from cachekit_memcached.address import where
from cachekit_memcached.changes import Change
from cachekit_memcached.link import Link
from cachekit_memcached.names import name_of
from cachekit_memcached.node import Node, Settings
from cachekit_memcached.ring import Ring

T = TypeVar("T")
log: Final = logging.getLogger("cachekit")

_REMEMBERED: Final = 8192
"""So many keys whose names on a server are known."""

_BESIDE: Final = 8 * 1024
"""Bytes of an item that are not payload: its key, its tags, what the server adds."""


class MemcachedBackend(Backend):
    """Entries on memcached 1.4.31 or newer: one server, or several.

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
        self.servers, said = where(servers)
        self._prefix = _checked(said.get("prefix", prefix)).encode("utf-8", "surrogatepass")
        tls = {"ssl": True} if said.get("tls") else {}
        self._settings = Settings(
            seconds("timeout", said.get("timeout", timeout)),
            seconds("connect_timeout", said.get("connect_timeout", connect_timeout)),
            {**tls, **(conn_args or {})},
        )
        self._names = [server.name for server in self.servers]
        self._ring = Ring(self._names)
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
        return max(0, min(node.largest for node in self._nodes) - _BESIDE)

    def _new_nodes(self) -> list[Node]:
        return [Node(server.host, server.port, self._settings) for server in self.servers]

    async def open(self) -> None:
        self._nodes = self._new_nodes()
        self._drops = Drops()
        self._tenure.begin(*self._nodes)

    async def close(self) -> None:
        self._tenure.end()
        self._decoding.forget()
        await self._drops.close()
        await asyncio.gather(*(node.close() for node in self._nodes))

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {MEASURE: self, ROOM: self}
        if len(self._names) > 1:
            having |= {NODES: self, HOMES: self}
        return offer(wanted, having)

    def node_of(self, key: str) -> str:
        return self._names[self._ring.place(key)]

    def home(self, key: str) -> str:
        return self._ring.homes[self._ring.place(key)]

    def homes(self) -> Sequence[str]:
        return self._ring.homes

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self._read(dict.fromkeys(keys))
        if len(self._nodes) > 1 and (doubts := in_doubt(keys, found)):
            for key in doubts:
                found.pop(key, None)
            found |= await self._read(doubts)
        return found

    async def _read(self, keys: Iterable[str]) -> dict[str, Entry | Unreached]:
        parts = self._by_node(keys, lambda key: key)
        found: dict[str, Entry | Unreached] = {}
        for some in await _together([self._ask(place, part) for place, part in parts.items()]):
            found |= some
        return found

    async def _ask(self, place: int, keys: Sequence[str]) -> dict[str, Entry | Unreached]:
        """What one node has of `keys`. Records come last: none is older than what carries it."""
        keys = sorted(keys, key=_is_record)
        names = [self._name(key) for key in keys]
        node = self._nodes[place]
        try:
            link, due = node.link or await node.opened(), node.due
            answers = await link.do(link.values(names), due)
        except Exception as error:
            return dict.fromkeys(keys, Unreached(error))
        return self._entries(keys, answers)

    def _entries(
        self, keys: Sequence[str], answers: Sequence[bytes | None]
    ) -> dict[str, Entry | Unreached]:
        found: dict[str, Entry | Unreached] = {}
        broken: list[str] = []
        time, now = self._clock.time(), self._clock.monotonic()
        for key, data in zip(keys, answers, strict=True):
            if data is not None:
                entry = self._decoding.entry(key, data, time, now)
                if entry is None:
                    broken.append(key)
                else:
                    found[key] = entry
        if broken and not self._drops.is_under_way:
            self._drops.start(broken, self._drop(broken))
        return found

    async def _drop(self, broken: Sequence[str]) -> None:
        """Delete what cannot be read, if it is still that; if not, it is as absent as before."""
        await self._carry_out([self._change(Write(key, None, ABSENT)) for key in broken])

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        await self._drops.ended_for(write.key for write in writes)
        made = [self._packed(write) for write in writes]
        changes = [change for change in made if change is not None]
        await self._carry_out(changes)
        errors = [change.error for change in changes if change.error is not None]
        if changes and all(change.outcome is UNREACHED for change in changes) and errors:
            raise errors[0]
        for error in errors:
            self._complaints.add(error)
        return [UNREACHED if change is None else change.outcome for change in made]

    async def _carry_out(self, changes: Sequence[Change]) -> None:
        parts = self._by_node(changes, lambda change: change.key)
        await _together([self._change_at(place, part) for place, part in parts.items()])

    async def _change_at(self, place: int, changes: Sequence[Change]) -> None:
        chains: dict[str, list[Change]] = {}
        for change in changes:
            chains.setdefault(change.key, []).append(change)
        node = self._nodes[place]
        due = node.due
        try:
            link = node.link or await node.opened()
        except Exception as error:
            for change in changes:
                change.error = error
            return
        await _together([_in_turn(chain, link, due) for chain in chains.values()])

    def _by_node(self, items: Iterable[T], key: Callable[[T], str]) -> dict[int, list[T]]:
        parts: dict[int, list[T]] = {}
        if len(self._nodes) == 1:
            parts[0] = list(items)
        else:
            for item in items:
                parts.setdefault(self._ring.place(key(item)), []).append(item)
        return {place: part for place, part in parts.items() if part}

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


def _is_record(key: str) -> bool:
    return key.startswith("t:")


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All of it at once; what is alone needs no task of its own."""
    return [await work[0]] if len(work) == 1 else list(await asyncio.gather(*work))


async def _in_turn(changes: Sequence[Change], link: Link, due: float) -> None:
    for change in changes:
        await change.carry_out(link, due)


def _checked(prefix: Any) -> str:
    if not isinstance(prefix, str) or len(prefix) > 64:
        raise ConfigurationError(
            f"prefix={prefix!r} will not do: write a str of at most 64 characters"
        )
    return prefix
