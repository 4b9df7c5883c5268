"""Which server of a Redis Cluster has which slot."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot

from cachekit_redis.node import Address, Node
from cachekit_redis.patience import in_time
from cachekit_redis.settings import Settings
from cachekit_redis.wire import opened

_SLOTS: Final = 16384
_QUIET: Final = 0.5
"""Seconds from one look at the map to the next, however much fails."""

_UNTOLD: Final = ("", "?")
"""A host that a server does not tell, or does not know: it is that of the server itself."""


class Slots:
    """The map as the servers tell it. `connect` makes connections to an address.

    `given` are some addresses to begin with; `remap` says where an address is reached.
    """

    def __init__(
        self,
        given: Sequence[Address],
        connect: Callable[[str, int], AbstractConnection],
        settings: Settings,
        remap: Callable[[Address], Address] | None = None,
    ) -> None:
        self.layout = 0
        self._given = list(given)
        self._connect = connect
        self._settings = settings
        self._remap = remap or _as_it_is
        self._nodes: dict[Address, Node] = {}
        self._owners: list[Node | None] = [None] * _SLOTS
        self._looking: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._left: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def are_known(self) -> bool:
        """Whether there was a look at the map."""
        return bool(self._nodes)

    @property
    def masters(self) -> Sequence[Node]:
        """All that have slots."""
        return list(dict.fromkeys(node for node in self._owners if node is not None))

    def owner(self, name: bytes) -> Node | None:
        """Who has the slot of this key; `None` calls for a look at the map."""
        node = self.known_owner(name)
        if node is None:
            self.look_again()
        return node

    def known_owner(self, name: bytes) -> Node | None:
        """The same, and nothing comes of it if that is not known."""
        return self._owners[key_slot(name)]

    def moved(self, slot: int, node: Node) -> None:
        """Somebody said so; the map may not tell yet."""
        self._owners[slot] = node

    def node(self, address: Address, told_by: str) -> Node:
        """The server at `address`, as it was told by the one at the host `told_by`."""
        host, port = address
        host, port = address = self._remap((told_by if host in _UNTOLD else host, port))
        if address not in self._nodes:
            self._check()
            connect = self._connect
            name = f"{host}:{port}"
            self._nodes[address] = Node(name, lambda: connect(host, port), self._settings)
        return self._nodes[address]

    def look_again(self) -> None:
        """See to it that there is a look at the map, if there was none just now."""
        if not self._closed and asyncio.get_running_loop().time() >= self._looked + _QUIET:
            self._look()

    async def look(self, seconds: float) -> None:
        """Wait for a look at the map; raises if there was none within `seconds`."""
        task = self._look()
        if not await in_time({task}, seconds):
            raise TimeoutError("no server of the cluster told its map in time")
        if task.cancelled():
            raise ConnectionError("the look at the map of the cluster was given up")
        task.result()

    async def close(self) -> None:
        self._closed = True
        tasks = [task for task in (self._looking, *self._left) if task and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        nodes, self._nodes = self._nodes, {}
        for node in nodes.values():
            await node.close()

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        for node in self._nodes.values():
            node.drop()

    def _check(self) -> None:
        if self._closed:
            raise ConnectionError("the backend was closed")

    def _look(self) -> "asyncio.Task[None]":
        """One look at the map at a time, for all who wait."""
        self._check()
        if self._looking is None or self._looking.done():
            self._looked = asyncio.get_running_loop().time()
            self._looking = asyncio.get_running_loop().create_task(self._draw())
            self._looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._looking

    async def _draw(self) -> None:
        """Ask one server after the other; raises the last one's error if none answers."""
        failure: Exception = ConnectionError("no address of the cluster is known")
        for address in dict.fromkeys((*self._nodes, *self._given)):
            try:
                ranges = await self._told(address)
            except Exception as error:
                failure = error
            else:
                return self._take(address[0], ranges)
        raise failure

    async def _told(self, address: Address) -> list[Any]:
        """The map as one server knows it; a replica will do, too."""
        wire = await opened(self._connect(*address), self._settings.timeout)
        try:
            (ranges,) = await wire.ask((("CLUSTER", "SLOTS"),))
        finally:
            wire.close()
        if isinstance(ranges, ReplyError):
            raise ConnectionError(f"{address[0]}:{address[1]} is of no Cluster: {ranges}")
        if not ranges:
            raise ConnectionError(f"{address[0]}:{address[1]} knows of no slots yet")
        return list(ranges)

    def _take(self, told_by: str, ranges: Sequence[Any]) -> None:
        owners: list[Node | None] = [None] * _SLOTS
        for first, last, master, *_ in ranges:
            node = self.node(((master[0] or b"").decode(), int(master[1])), told_by)
            owners[first : last + 1] = [node] * (last + 1 - first)
        self.layout += owners != self._owners
        self._owners = owners
        self._leave_all_but(set(owners))

    def _leave_all_but(self, alive: "set[Node | None]") -> None:
        for address, node in list(self._nodes.items()):
            if node not in alive:
                del self._nodes[address]
                task = asyncio.get_running_loop().create_task(node.close())
                self._left.add(task)
                task.add_done_callback(self._left.discard)


def _as_it_is(address: Address) -> Address:
    return address
