"""What was announced, for who keeps entries in front of the servers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any, Final, NamedTuple, cast

from hiredis import ReplyError

from cachekit.backend import News
from cachekit_redis.changes import KEY, MARK, PREFIX, Stream, milliseconds
from cachekit_redis.life import QUESTIONS, UnfitError, Who, who
from cachekit_redis.scripts import ANNOUNCE
from cachekit_redis.servers import Servers
from cachekit_redis.settings import Settings
from cachekit_redis.wire import Command

COUNT: Final = 500
"""So many changes are read at once. If there are as many, more may be waiting."""


LATE: Final = 0.1
"""Seconds by which an answer without news may be late: a server that is idle looks at its clock ten
times a second."""


class _Position(NamedTuple):
    """Whose stream it is, and the entry that was read last, as it is there."""

    who: Who
    last: Any


class _Question(NamedTuple):
    """The step that sends `words` to the server that has the stream `name`."""

    name: bytes
    words: Command

    def command(self, life: bytes) -> Command:
        return self.words

    def settle(self, reply: Any, life: bytes) -> bool:
        return True


class StreamFeed:
    """`cachekit.backend.Feed`, on connections of its own: answers are long in coming.

    `find` makes them. So that nothing is missed, each answer has the entry that was read before,
    and says who the server is. If that entry is there as it was, nothing after it was trimmed, and
    it is the same stream; and a server that was restarted may have lost the end of it, whether or
    not what it brings back is trusted.
    """

    def __init__(
        self, stream: Stream, settings: Settings, find: Callable[[Settings], Servers]
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._find = find
        self._all: dict[Servers, float] = {}  # and how long they may be waited for
        self._idle: list[Servers] = []
        self._closed = False

    async def news(self, position: object | None, wait: float) -> News:
        """As `Feed` has it. Raises `UnfitError` if this server cannot be followed."""
        servers = await self._take(wait)
        try:
            news = await self._news(servers, position, wait)
        except (Exception, asyncio.CancelledError):
            # On a connection where an answer is still to come, the next question would wait for it.
            await self._give_up(servers)
            raise
        self._idle.append(servers)
        return news

    async def close(self) -> None:
        self._closed = True
        for servers in list(self._all):
            await self._give_up(servers)

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        for servers in self._all:
            servers.drop()

    # -- connections

    async def _take(self, wait: float) -> Servers:
        """For this question alone."""
        if self._closed:
            raise ConnectionError("the backend was closed")
        while self._idle:
            servers = self._idle.pop()
            if self._all[servers] >= wait:
                return servers
            await self._give_up(servers)
        servers = self._find(self._patient(wait))
        self._all[servers] = wait
        return servers

    def _patient(self, wait: float) -> Settings:
        """Silence is no failure for so long. Lives are told apart, whoever trusts them."""
        timeout = self._settings.timeout + wait + LATE
        return replace(self._settings, timeout=timeout, connections=1, trust_restart=False)

    async def _give_up(self, servers: Servers) -> None:
        await servers.close()
        self._all.pop(servers, None)

    # -- what is asked

    async def _news(self, servers: Servers, position: object | None, wait: float) -> News:
        if isinstance(position, _Position):
            news = await self._since(servers, position, wait)
            if news is not None:
                return news
        return News(await self._present(servers), lost=True, complete=False)

    async def _since(self, servers: Servers, position: _Position, wait: float) -> News | None:
        """What came after `position`; `None` if not all of that is known."""
        name, at = self._stream.name, position.last[0]
        # In this order: what happens while the first one waits is seen by the others.
        (read, there), told = await self._ask(
            servers,
            ("XREAD", "COUNT", COUNT, "BLOCK", milliseconds(wait), "STREAMS", name, at),
            ("XRANGE", name, at, at),
        )
        entries = _entries(read)
        names = _names(entries)
        if told != position.who or there != [position.last] or names is None:
            return None
        last = _Position(told, entries[-1]) if entries else position
        return News(last, names[KEY], names[PREFIX], complete=len(entries) < COUNT)

    async def _present(self, servers: Servers) -> _Position:
        """The last entry; if there is none, one is added that tells nothing."""
        last = ("XREVRANGE", self._stream.name, "+", "-", "COUNT", 1)
        (found,), told = await self._ask(servers, last)
        if not found:
            await self._ask(servers, self._mark())
            (found,), told = await self._ask(servers, last)
        if not found:
            raise ConnectionError("the stream of changes was gone as soon as it was made")
        return _Position(told, found[0])

    def _mark(self) -> Command:
        """By the script, which is let through when memory is full."""
        stream = self._stream
        return ("EVAL", ANNOUNCE.text, 1, stream.name, stream.length, MARK, token_hex(8))

    async def _ask(self, servers: Servers, *commands: Command) -> tuple[list[Any], Who]:
        """The replies, and who gave them."""
        asked = [_Question(self._stream.name, words) for words in (*commands, *QUESTIONS)]
        answers = await servers.do(asked)
        replies = [_checked(reply) for reply, _ in answers[: len(commands)]]
        if len({life for _, life in answers}) > 1:
            # A server of a Cluster that the stream has left sends on what is asked of the stream,
            # and still tells who it is itself.
            raise ConnectionError("the stream of changes is on its way to another server")
        return replies, _who([reply for reply, _ in answers[len(commands) :]])


def _checked(reply: Any) -> Any:
    """Raises what came in place of a reply."""
    if isinstance(reply, ReplyError) and str(reply).startswith("NOPERM"):
        raise UnfitError(
            f"grant the user +xread, +xrange and +xrevrange to follow changes: {reply}"
        )
    if isinstance(reply, Exception):
        raise reply
    return reply


def _who(answers: Sequence[Any]) -> Who:
    told = who(answers)
    if not told.server:
        raise UnfitError(
            "the server does not tell its run_id, and without that nobody knows which changes were "
            "lost: grant the user +info, or say announce=False where it is not to be had"
        )
    return told


def _entries(read: Any) -> list[Any]:
    """What `XREAD` has of its one stream: in a map, or before RESP3 in a list of pairs."""
    if read is None:
        return []
    pairs: Any = [*cast("Any", read).items()] if isinstance(read, dict) else read
    match pairs:
        case [[_, entries]]:
            return list(entries)
        case _:
            raise ConnectionError("what the server answers to XREAD is not understood")


def _names(entries: Sequence[Any]) -> dict[bytes, list[str]] | None:
    """What was told, by its field; `None` if there is something that only newer versions tell."""
    names: dict[bytes, list[str]] = {KEY: [], PREFIX: [], MARK: []}
    try:
        for _, (field, name) in entries:
            names[field].append(name.decode("utf-8", "surrogatepass"))
    except (LookupError, ValueError):
        return None
    return names
