"""`RedisBackend`."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from cachekit.backend import (
    ABSENT,
    DONE,
    FEED,
    FORGET_PREFIX,
    MEASURE,
    NODES,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    News,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.complaints import Complaints
from cachekit.doubts import in_doubt
from cachekit.drops import Drops
from cachekit.entry import Entry
from cachekit.envelope import pack
from cachekit.tenure import Tenure
from cachekit_redis.address import Client, way_to
from cachekit_redis.changes import Announcement, Change, Renewal, Step, Stream, kept
from cachekit_redis.feed import StreamFeed
from cachekit_redis.prefixes import unlink_all
from cachekit_redis.reading import Reading
from cachekit_redis.turns import turns

log: Final = logging.getLogger("cachekit")

_ROUNDS: Final = 6
"""Commands that one write takes at most; two do, but for what changes meanwhile."""


class RedisBackend(Backend):
    """Entries on Redis 7.0 or newer, or Valkey: one server, a Cluster, or what Sentinels watch.

    `server` is a URL, `redis://user:password@host:6379/0`, with the scheme `rediss` for TLS,
    `valkey` and `valkeys` for the same, `redis+unix:///path` for a socket; of a Cluster, or of
    Sentinels, several hosts, `redis://host1:7000,host2:7000?cluster=true`,
    `redis://host1:26379,host2:26379/0?sentinel=NAME`. All that follows may be said in the query,
    too, and, named as redis-py names them, `client_name`, `protocol`, `socket_keepalive`, for TLS
    `ssl_ca_certs` and its like, for Sentinels `sentinel_username` and `sentinel_password`. Or
    `server` is a ready client of `redis.asyncio`, whose settings are used and which is not closed;
    it must neither decode nor retry.

    All keys begin with `prefix`; caches that are to share entries use the same. A server that for
    `timeout` seconds answers nothing at all, and a connection that takes longer than
    `connect_timeout` for one of its steps, has failed; nothing is ever tried again in silence. Both
    are to be less than the `deadline` of the cache, 0.25 seconds: longer ones have no effect, and
    of a Cluster with one server that hangs all would be lost that was asked for at the same time.
    There are at most `connections` to each server, each of which carries any number of commands.

    What a server has stored is absent once it was restarted, or another has taken its place: it may
    have brought back what was deleted. `trust_restart` keeps it, stale or not. With `announce`
    changes are told in a stream, of which about the last `changes` are kept, to those who keep
    entries in front of this backend.

    Raises `ConfigurationError` for what cannot be meant. No connection is made before the first
    operation, and none fails because the server is not there: operations do.
    """

    def __init__(
        self,
        server: "str | Client",
        *,
        cluster: bool = False,
        sentinel: str | None = None,
        prefix: str = "ck:",
        timeout: float = 0.2,
        connect_timeout: float = 0.2,
        connections: int = 2,
        trust_restart: bool = False,
        announce: bool = True,
        changes: int = 10_000,
        clock: Clock = SYSTEM,
    ) -> None:
        given: dict[str, Any] = {
            "prefix": prefix,
            "timeout": timeout,
            "connect_timeout": connect_timeout,
            "connections": connections,
            "trust_restart": trust_restart,
            "announce": announce,
            "changes": changes,
        }
        self.settings, self._find = way_to(server, given, cluster=cluster, sentinel=sentinel)
        self._reading = Reading(clock)
        self._prefix = self.settings.prefix.encode("utf-8", "surrogatepass")
        self._servers = self._find(self.settings)
        self._stream = Stream(self._name("~changes"), self.settings.changes, self._servers.are_one)
        self._feed = self._new_feed()
        self._tenure = Tenure()
        self._drops = Drops()
        self._complaints = Complaints("Redis")

    @classmethod
    def from_url(cls, url: str) -> "RedisBackend":
        """The backend that `url` describes."""
        return cls(url)

    @property
    def unreadable(self) -> int:
        """How often bytes were found that are no entry of their key."""
        return self._reading.unreadable

    def _new_feed(self) -> StreamFeed:
        return StreamFeed(self._stream, self.settings, self._find)

    async def open(self) -> None:
        self._servers = self._find(self.settings)
        self._feed = self._new_feed()
        self._drops = Drops()
        self._tenure.begin(self._feed, self._servers)

    async def close(self) -> None:
        self._tenure.end()
        self._reading.forget()
        await self._drops.close()
        await self._feed.close()
        await self._servers.close()

    def capability(self, wanted: Capability[C]) -> C | None:
        having: dict[Capability[Any], object] = {FORGET_PREFIX: self, MEASURE: self}
        if self.settings.announce:
            having[FEED] = self
        if not self._servers.are_one:
            having[NODES] = self
        return offer(wanted, having)

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self._read(keys)
        if not self._servers.are_one and (doubts := in_doubt(keys, found)):
            for key in doubts:
                found.pop(key, None)
            found |= await self._read(doubts)
        return found

    async def _read(self, keys: Sequence[str]) -> dict[str, Entry | Unreached]:
        prefix = self._prefix  # as `_name` does, without a call for each key of a hit
        names = [prefix + key.encode("utf-8", "surrogatepass") for key in keys]
        answers = await self._servers.get(names) if names else []
        found, broken = self._reading.entries(keys, answers)
        if broken and not self._drops.is_under_way:
            self._drops.start(broken, self._drop(broken))
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        await self._drops.ended_for(write.key for write in writes)
        made = [self._packed(write) for write in writes]
        changes = [change for change in made if change is not None]
        renewals = [Renewal(self._name(tag), keep) for tag, keep in kept(writes).items()]
        try:
            for turn in turns(changes):
                await self._carry_out(turn, renewals)
                renewals = []
        except Exception as error:
            if not any(change.answered for change in changes):
                raise
            self._complaints.add(error)
        failures = [change.error for change in changes if change.error is not None]
        if changes and len(failures) == len(changes):
            raise failures[0]
        for failure in failures:
            self._complaints.add(failure)
        return [UNREACHED if change is None else change.outcome for change in made]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        if not prefixes:
            return DONE
        await unlink_all(self._servers, [self._name(prefix) for prefix in prefixes])
        if self.settings.announce:
            told = [Announcement(self._stream, prefix) for prefix in prefixes]
            await self._carry_out(told)
            for each in told:
                if each.error is not None:
                    raise each.error
        return DONE

    async def news(self, position: object | None, wait: float) -> News:
        return await self._feed.news(position, wait)

    def node_of(self, key: str) -> str:
        return self._servers.node_of(self._name(key))

    def _name(self, key: str) -> bytes:
        return self._prefix + key.encode("utf-8", "surrogatepass")

    def _packed(self, write: Write) -> Change | None:
        """`None` for an entry that no bytes can hold: it does no harm to the others."""
        try:
            return self._change(write)
        except ValueError as error:
            log.warning("an entry was not written: %s", error)
            return None

    def _change(self, write: Write) -> Change:
        """Raises `ValueError` for an entry that no bytes can hold."""
        data = None if write.entry is None else pack(write.key, write.entry)
        stream = self._stream if write.announce and self.settings.announce else None
        return Change(write, self._name(write.key), data, stream, self._reading.reads)

    async def _carry_out(self, steps: Sequence[Step], also: Sequence[Step] = ()) -> None:
        """Each step to its end; `also` goes with them, and what becomes of it does not matter."""
        left = [*steps, *also]
        for _ in range(_ROUNDS):
            if not left:
                return
            answers = await self._servers.do(left)
            left = [
                step
                for step, (reply, life) in zip(left, answers, strict=True)
                if not step.settle(reply, life)
            ]

    async def _drop(self, broken: Sequence[str]) -> None:
        """Delete what cannot be read, if it is still that; if not, it is as absent as before."""
        try:
            await self._carry_out([self._change(Write(key, None, ABSENT)) for key in broken])
        except Exception as error:
            log.debug("what cannot be read was not deleted: %r", error)
