"""Who is the master in the eyes of the Sentinels."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.asyncio.sentinel import MasterNotFoundError, Sentinel

from cachekit_redis.node import CHECKED, Address, Node

log: Final = logging.getLogger("cachekit")

IDLE: Final = 2.0
"""Seconds after which nothing is taken from a server before the Sentinels are heard again."""


class Sentinels(Sentinel):
    """Those of redis-py, which are asked for a master as the documentation of Redis has it.

    redis-py looks into the list of all masters, where a new one appears no sooner than all other
    replicas follow it, which may be minutes; until then it leads to the old one, or to none.
    """

    async def discover_master(self, service_name: str) -> Address:
        """Where the master is; raises `MasterNotFoundError` if no Sentinel tells."""
        failures: list[str] = []
        for place, sentinel in enumerate(self.sentinels):
            try:
                host, port = await _master_by(sentinel, service_name)
            except Exception as error:
                failures.append(str(error))
            else:
                # Who does not answer is not asked first again.
                self.sentinels.insert(0, self.sentinels.pop(place))
                return getattr(self, "_force_master_ip", None) or host, port
        raise MasterNotFoundError(f"no Sentinel tells who is {service_name}: {failures}")


async def _master_by(sentinel: Any, service: str) -> Address:
    told = await sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", service)
    if told is None:
        raise LookupError("it knows no such service")
    host, port = told
    return host.decode() if isinstance(host, bytes) else str(host), int(port)


class Watch:
    """Asks the Sentinels about once a second, while `node` is in use, who is the master.

    A master that is well when it is replaced takes itself for one for some eight seconds more,
    until the Sentinels make it a replica. What it is told to forget meanwhile, only it forgets.
    The clients of the Sentinels are closed with it.
    """

    def __init__(self, sentinels: Sentinel, service: str, node: Node) -> None:
        self._sentinels = sentinels
        self._master: Callable[[str], Awaitable[Address]] = sentinels.discover_master
        self._service = service
        self._node = node
        self._looking: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._was_idle = True

    def look(self) -> "asyncio.Task[None] | None":
        """See to it that `node` is the master's, if that was not done a moment ago.

        What this gives must have ended before a reply counts: it is long since anybody looked.
        """
        now = asyncio.get_running_loop().time()
        if self._looking is None or (self._looking.done() and now >= self._looked + CHECKED):
            self._was_idle = now >= self._looked + IDLE
            self._looked = now
            self._looking = asyncio.get_running_loop().create_task(self._follow())
        return self._looking if self._was_idle and not self._looking.done() else None

    async def _follow(self) -> None:
        links = self._node.links  # not those that are opened meanwhile, on newer news
        try:
            address = await self._master(self._service)
        except Exception as error:
            log.debug("the Sentinels do not tell who is %s: %r", self._service, error)
        else:
            self._node.leave_others(links, address)

    async def close(self) -> None:
        if self._looking is not None and not self._looking.done():
            self._looking.cancel()
            await asyncio.wait({self._looking})
        clients: list[Any] = self._sentinels.sentinels
        for client in clients:
            await client.aclose()
