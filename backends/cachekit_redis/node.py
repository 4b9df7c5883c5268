"""One server, reached by a few connections."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection

from cachekit_redis.life import UNKNOWN, UnfitError, fields, life_of
from cachekit_redis.scripts import ALL
from cachekit_redis.settings import Settings
from cachekit_redis.wire import Command, Wire

log: Final = logging.getLogger("cachekit")

OPENING: Final = 5.0
"""Seconds after which a connection that is still not open is given up."""

CHECKED: Final = 1.0
"""Seconds for which a server in use is taken for who it was."""

_WHO: Final[Sequence[Command]] = (("INFO", "server"), ("INFO", "replication"))
_SCRIPTS: Final[Sequence[Command]] = tuple(("SCRIPT", "LOAD", script.text) for script in ALL)
_GONE: Final = ("READONLY", "MASTERDOWN")


class Link:
    """A connection to a server, with the life that the server has."""

    def __init__(self, wire: Wire, name: str, *, trusting: bool) -> None:
        self.life = UNKNOWN
        self.wire = wire
        self._name = name
        self._trusting = trusting
        self._time = asyncio.get_running_loop().time
        self._checked = 0.0
        self._tells = True

    async def introduce(self) -> None:
        """Learn who answers, and leave the scripts there."""
        replies = await self.wire.ask((*_WHO, *_SCRIPTS))
        self._learn(replies[0], replies[1])

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The replies. Raises if none came, or if the server must not be asked any longer."""
        if not self._tells or self._time() < self._checked + CHECKED:
            replies = await self.wire.ask(commands)
        else:
            self._checked = self._time()
            server, replication, *replies = await self.wire.ask((*_WHO, *commands))
            self._learn(server, replication)
        for reply in replies:
            if type(reply) is ReplyError and str(reply).startswith(_GONE):
                self._leave(UnfitError(str(reply)))
        return replies

    def _learn(self, server: Any, replication: Any) -> None:
        self._checked = self._time()
        told = fields(server) | fields(replication)
        try:
            life = life_of(told)
        except UnfitError as error:
            raise self._leave(error) from None
        if b"run_id" not in told and not self._trusting:
            self._tells = False
            log.warning(
                "%s does not tell its run_id (%s): what a restart or a failover brings back is "
                "served, as with trust_restart=True",
                self._name,
                server if isinstance(server, ReplyError) else "INFO has none",
            )
        self.life = UNKNOWN if self._trusting else life

    def _leave(self, error: UnfitError) -> UnfitError:
        self.wire.close(error)
        return error


class Node:
    """One server: `connect` makes connections to it, not yet open."""

    def __init__(
        self, name: str, connect: Callable[[], AbstractConnection], settings: Settings
    ) -> None:
        self.name = name
        self._connect = connect
        self._settings = settings
        self._links: list[Link] = []
        self._opening: asyncio.Task[None] | None = None
        self._another = 0.0

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
        await asyncio.wait({opening}, timeout=self._settings.timeout)
        if not opening.done():
            raise TimeoutError(f"no connection to {self.name} within {self._settings.timeout} s")
        if opening.cancelled():
            raise ConnectionError(f"the connection to {self.name} was given up")
        opening.result()

    def _open(self) -> "asyncio.Task[None]":
        """One attempt at a time, for all who wait; it goes on without them."""
        if self._opening is None or self._opening.done():
            self._links = [link for link in self._links if link.wire.is_open]
            self._opening = asyncio.get_running_loop().create_task(self._opened())
            self._opening.add_done_callback(_look_at)
        return self._opening

    async def _opened(self) -> None:
        async with asyncio.timeout(OPENING):
            wire = await opened(self._connect(), self._settings.timeout)
            link = Link(wire, self.name, trusting=self._settings.trust_restart)
            try:
                await link.introduce()
            except BaseException:
                wire.close()
                raise
        self._links.append(link)

    async def close(self) -> None:
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
            await asyncio.wait({self._opening})
        for link in self._links:
            link.wire.close()
        self._links = []


async def opened(connection: AbstractConnection, timeout: float) -> Wire:
    """The wire of a connection, once redis-py has opened it."""
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        return Wire(connection, timeout)
    except BaseException:
        await connection.disconnect(nowait=True)
        raise


def _load(link: Link) -> int:
    return link.wire.load


def _look_at(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()
