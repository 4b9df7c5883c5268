"""One server, reached by a few connections."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection

from cachekit_redis.life import QUESTIONS, UNKNOWN, UnfitError, Who, who
from cachekit_redis.patience import in_time
from cachekit_redis.scripts import ALL
from cachekit_redis.settings import Settings
from cachekit_redis.wire import Command, Wire, opened

Address: TypeAlias = tuple[str, int]

log: Final = logging.getLogger("cachekit")

OPENING: Final = 5.0
"""Seconds after which a connection that is still not open is given up."""

CHECKED: Final = 1.0
"""Seconds for which a server in use is taken for who it was."""

_SCRIPTS: Final[Sequence[Command]] = tuple(("SCRIPT", "LOAD", script.text) for script in ALL)
_TRIAL: Final[Command] = ("EVAL", "return 1", 0)
_GONE: Final = ("READONLY", "MASTERDOWN")


class Link:
    """A connection to a server, with the life that the server has.

    `address` is where it leads to; `changed` hears of another life than the one before,
    and of a server that must not be asked.
    """

    def __init__(self, wire: Wire, address: Address, changed: "Callable[[Link], None]") -> None:
        self.who: Who | None = None
        self.life = UNKNOWN
        self.wire = wire
        self.address = address
        self._changed = changed
        self._time = asyncio.get_running_loop().time
        self._checked = -math.inf
        self._unfit: UnfitError | None = None

    async def introduce(self) -> None:
        """Learn who answers, and leave the scripts there."""
        self._look()
        *_, trial = await self.wire.ask((*_SCRIPTS, _TRIAL))
        if isinstance(trial, ReplyError) and str(trial).startswith("NOPERM"):
            # Who cannot take a stub away again had better not put one there.
            self.leave(UnfitError("the user may run no scripts: grant it +eval and +evalsha"))
        self.check()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The replies. Raises if none came, or if the server must not be asked any longer."""
        if self._time() >= self._checked + CHECKED:
            self._look()
        replies = await self.wire.ask(commands)
        # The replies may have come together with the news that they are not a master's.
        self.check()
        for reply in replies:
            if type(reply) is ReplyError and str(reply).startswith(_GONE):
                self._is_unfit(UnfitError(str(reply)))
                self.check()
        return replies

    def look_anew(self) -> None:
        """With the next command, ask who answers."""
        self._checked = -math.inf

    def leave(self, why: UnfitError) -> None:
        """Ask the server nothing more; what it has not answered yet is not waited for."""
        self._unfit = self._unfit or why
        self.wire.close(why)

    def check(self) -> None:
        """Raises if the server must not be asked any longer, and its replies do not count."""
        if self._unfit is not None:
            raise self._unfit

    def _look(self) -> None:
        """Ask who answers, ahead of what is asked next; whoever asks that may be cancelled."""
        self._checked = self._time()
        self.wire.ask(QUESTIONS).add_done_callback(self._learn)

    def _learn(self, answers: "asyncio.Future[list[Any]]") -> None:
        if answers.exception() is not None:
            return  # as much has happened to the connection
        try:
            told = who(answers.result())
        except UnfitError as error:
            self._is_unfit(error)
            return
        if told != self.who:
            self.who = told
            self._changed(self)

    def _is_unfit(self, why: UnfitError) -> None:
        self.leave(why)
        self._changed(self)


class Node:
    """One server: `connect` makes connections to it, not yet open.

    `lives` counts those that were met.
    """

    def __init__(
        self, name: str, connect: Callable[[], AbstractConnection], settings: Settings
    ) -> None:
        self.name = name
        self._connect = connect
        self._settings = settings
        self._links: list[Link] = []
        self._opening: asyncio.Task[None] | None = None
        self._warned = False
        self.lives = 0
        self._last: Who | None = None
        self._another = 0.0
        self._closed = False

    async def ask(self, commands: Sequence[Command]) -> tuple[list[Any], bytes]:
        """The replies, and the life they are from."""
        link = await self.link()
        return await link.ask(commands), link.life

    async def link(self) -> Link:
        """The least busy of its connections; it may open one more for who comes next."""
        alive = [link for link in self._links if link.wire.is_open]
        if not alive:
            await self._open_in_time()
            alive = [link for link in self._links if link.wire.is_open]
            if not alive:
                raise ConnectionError(f"{self.name} closed the connection at once")
        best = min(alive, key=_load)
        if best.wire.load and len(alive) < self._settings.connections:
            self._open_another()
        return best

    def _open_another(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._another:  # a server that takes no more is not asked all the time
            self._another = now + CHECKED
            self._open()

    async def _open_in_time(self) -> None:
        opening = self._open()
        if not await in_time({opening}, self._settings.timeout):
            raise TimeoutError(f"no connection to {self.name} within {self._settings.timeout} s")
        if opening.cancelled():
            raise ConnectionError(f"the connection to {self.name} was given up")
        opening.result()

    def _open(self) -> "asyncio.Task[None]":
        """One attempt at a time, for all who wait; it goes on without them."""
        if self._closed:
            raise ConnectionError("the backend was closed")
        if self._opening is None or self._opening.done():
            self._links = [link for link in self._links if link.wire.is_open]
            self._opening = asyncio.get_running_loop().create_task(self._opened())
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._opening

    async def _opened(self) -> None:
        async with asyncio.timeout(OPENING):
            connection = self._connect()
            wire = await opened(connection, self._settings.timeout)
            link = Link(wire, where(connection), self._learn)
            try:
                await link.introduce()
            except BaseException:
                wire.close()
                raise
        self._take(link)

    def _take(self, link: Link) -> None:
        """Use it, and no more of another server that was reached by the same name until now."""
        for other in self._links:
            if _server_of(other) != _server_of(link):
                other.leave(UnfitError(f"{self.name} is another server now"))
        self._links.append(link)

    def _learn(self, link: Link) -> None:
        """What one connection has learned is news to the others."""
        if link.who != self._last:
            self._last = link.who
            self.lives += 1
        if link.who is not None and not self._settings.trust_restart:
            link.life = link.who.life
            if not link.who.server:
                self._warn()
        for other in self._links:
            other.look_anew()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "%s does not tell its run_id, since INFO is refused or has none: what a restart "
                "or a failover brings back is served, as with trust_restart=True",
                self.name,
            )

    @property
    def links(self) -> Sequence[Link]:
        """Its connections as they are now; some may be closed."""
        return tuple(self._links)

    def leave_others(self, links: Sequence[Link], address: Address) -> None:
        """Ask those of `links` nothing more that lead anywhere else than to `address`."""
        for link in links:
            if link.address != address:
                link.leave(UnfitError(f"{self.name} is at another address now"))

    async def close(self) -> None:
        self._closed = True
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
            await asyncio.wait({self._opening})
        for link in self._links:
            link.wire.close()
        self._links = []

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        for link in self._links:
            link.wire.drop()


def _load(link: Link) -> int:
    return link.wire.load


def _server_of(link: Link) -> bytes:
    return b"" if link.who is None else link.who.server


def where(connection: AbstractConnection) -> Address:
    """Where an open connection leads to: host and port, if it has them."""
    return getattr(connection, "host", ""), getattr(connection, "port", 0)
