"""The servers of a Redis Cluster, and which of them holds what."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from hiredis import ReplyError
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot

from cachekit_redis.changes import Step
from cachekit_redis.node import Address, Node, opened
from cachekit_redis.servers import Answer
from cachekit_redis.settings import Settings
from cachekit_redis.wire import Command

_SLOTS: Final = 16384
_QUIET: Final = 0.5
"""Seconds from one look at the map to the next, however much fails."""

_STALE: Final = ("MOVED", "CLUSTERDOWN", "READONLY")


class Get(NamedTuple):
    """The step that reads `name`."""

    name: bytes

    def command(self, life: bytes) -> Command:
        return ("GET", self.name)

    def settle(self, reply: Any, life: bytes) -> bool:
        return True


class Cluster:
    """All masters; `connect` makes connections to an address, `given` are some to begin with."""

    are_one = False
    layout = 0

    def __init__(
        self,
        given: Sequence[Address],
        connect: Callable[[str, int], AbstractConnection],
        settings: Settings,
        remap: Callable[[Address], Address] | None = None,
    ) -> None:
        self._given = list(given)
        self._connect = connect
        self._settings = settings
        self._remap = remap or _as_it_is
        self._nodes: dict[Address, Node] = {}
        self._owners: list[Node | None] = [None] * _SLOTS
        self._looking: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._left: set[asyncio.Task[None]] = set()

    async def get(self, names: Sequence[bytes]) -> list[Answer]:
        return await self.do([Get(name) for name in names])

    async def do(self, steps: Sequence[Step]) -> list[Answer]:
        if not self._nodes:
            await self._in_time(self._look())
        answers: list[Answer] = [(ConnectionError("no server has this slot"), b"")] * len(steps)
        await self._send(steps, answers, self._by_owner(steps, range(len(steps))))
        if elsewhere := self._redirected(answers):
            await self._send(steps, answers, elsewhere)
        if any(_is_stale(reply) for reply, _ in answers):
            self._look_again()
        return answers

    async def masters(self) -> Sequence[Node]:
        await self._in_time(self._look())
        return list(dict.fromkeys(node for node in self._owners if node is not None))

    async def close(self) -> None:
        tasks = [task for task in (self._looking, *self._left) if task and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for node in self._nodes.values():
            await node.close()
        self._nodes = {}

    # -- sending

    def _by_owner(self, steps: Sequence[Step], places: Iterable[int]) -> "list[_Part]":
        parts: dict[Node, _Part] = {}
        for place in places:
            node = self._owners[key_slot(steps[place].name)]
            if node is None:
                self._look_again()
            else:
                parts.setdefault(node, _Part(node, [])).places.append(place)
        return list(parts.values())

    async def _send(
        self, steps: Sequence[Step], answers: list[Answer], parts: "Sequence[_Part]"
    ) -> None:
        work = [self._send_part(steps, answers, part) for part in parts]
        await _all(work)

    async def _send_part(self, steps: Sequence[Step], answers: list[Answer], part: "_Part") -> None:
        try:
            link = await part.node.link()
            commands = [steps[place].command(link.life) for place in part.places]
            replies = await link.ask(part.asking(commands))
            life = link.life  # as it is after the replies
        except Exception as error:
            self._look_again()
            answers_of: Iterator[Any] = iter([error] * len(part.places))
            life = b""
        else:
            answers_of = iter(replies[1::2] if part.asks else replies)
        for place, reply in zip(part.places, answers_of, strict=True):
            answers[place] = reply, life

    def _redirected(self, answers: Sequence[Answer]) -> "list[_Part]":
        """What was not done where it was asked for, and where it is to be asked for."""
        parts: dict[tuple[Node, bool], _Part] = {}
        for place, (reply, _) in enumerate(answers):
            if type(reply) is ReplyError and str(reply).startswith(("MOVED ", "ASK ")):
                kind, slot, address = str(reply).split(" ")[:3]
                node = self._node(self._remap(_address(address)))
                if kind == "MOVED":
                    self._owners[int(slot)] = node
                asks = kind == "ASK"
                parts.setdefault((node, asks), _Part(node, [], asks)).places.append(place)
        return list(parts.values())

    # -- the map

    def _node(self, address: Address) -> Node:
        if address not in self._nodes:
            host, port = address
            connect = self._connect
            name = f"{host}:{port}"
            self._nodes[address] = Node(name, lambda: connect(host, port), self._settings)
        return self._nodes[address]

    def _look_again(self) -> None:
        if asyncio.get_running_loop().time() >= self._looked + _QUIET:
            self._look()

    def _look(self) -> "asyncio.Task[None]":
        """One look at the map at a time, for all who wait."""
        if self._looking is None or self._looking.done():
            self._looked = asyncio.get_running_loop().time()
            self._looking = asyncio.get_running_loop().create_task(self._draw())
            self._looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._looking

    async def _in_time(self, task: "asyncio.Task[None]") -> None:
        await asyncio.wait({task}, timeout=self._settings.timeout)
        if not task.done():
            raise TimeoutError("no server of the cluster told its map in time")
        if task.cancelled():
            raise ConnectionError("the look at the map of the cluster was given up")
        task.result()

    async def _draw(self) -> None:
        """Ask one server after the other; raises the last one's error if none answers."""
        failure: Exception = ConnectionError("no address of the cluster is known")
        for address in dict.fromkeys((*self._nodes, *self._given)):
            try:
                ranges = await self._told(address)
            except Exception as error:
                failure = error
            else:
                return self._take(address, ranges)
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

    def _take(self, told_by: Address, ranges: Sequence[Any]) -> None:
        owners: list[Node | None] = [None] * _SLOTS
        for first, last, master, *_ in ranges:
            host = master[0].decode() if master[0] else told_by[0]
            node = self._node(self._remap((host, int(master[1]))))
            owners[first : last + 1] = [node] * (last + 1 - first)
        self.layout += owners != self._owners
        self._owners = owners
        alive = set(owners)
        for address, node in list(self._nodes.items()):
            if node not in alive:
                del self._nodes[address]
                task = asyncio.get_running_loop().create_task(node.close())
                self._left.add(task)
                task.add_done_callback(self._left.discard)


class _Part(NamedTuple):
    """What goes to one node; `asks`: it is still taking over the slot."""

    node: Node
    places: list[int]
    asks: bool = False

    def asking(self, commands: Sequence[Command]) -> Sequence[Command]:
        if not self.asks:
            return commands
        return [each for command in commands for each in (("ASKING",), command)]


async def _all(work: Sequence[Awaitable[None]]) -> None:
    if len(work) == 1:
        await work[0]
    else:
        await asyncio.gather(*work)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _as_it_is(address: Address) -> Address:
    return address


def _is_stale(reply: Any) -> bool:
    return isinstance(reply, ReplyError) and str(reply).startswith(_STALE)
