"""The servers of a Redis Cluster: each is asked for what it has."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from hiredis import ReplyError

from cachekit_redis.changes import Step
from cachekit_redis.node import Node
from cachekit_redis.patience import in_time
from cachekit_redis.servers import Answer
from cachekit_redis.slots import Slots
from cachekit_redis.wire import Command

_STALE: Final = ("MOVED", "CLUSTERDOWN", "READONLY")

Asking: TypeAlias = "asyncio.Task[list[Answer]]"


class Get(NamedTuple):
    """The step that reads `name`."""

    name: bytes

    def command(self, life: bytes) -> Command:
        return ("GET", self.name)

    def settle(self, reply: Any, life: bytes) -> bool:
        return True


@dataclass(slots=True, eq=False)
class _Part:
    """What goes to one node; `asks`: it is still taking over the slot.

    `host` is where the node was reached.
    """

    node: Node
    places: list[int]
    asks: bool = False
    host: str = ""

    async def ask(self, steps: Sequence[Step]) -> list[Answer]:
        link = await self.node.link()
        self.host = link.address[0]
        commands = [steps[place].command(link.life) for place in self.places]
        replies = await link.ask(self._asking(commands))
        life = link.life  # as it is after the replies
        return [(reply, life) for reply in (replies[1::2] if self.asks else replies)]

    def _asking(self, commands: Sequence[Command]) -> Sequence[Command]:
        if not self.asks:
            return commands
        return [each for command in commands for each in (("ASKING",), command)]


class Cluster:
    """All masters.

    What one of them does not answer within `timeout` seconds, from the moment on when it was
    needed, is an error in the place of its answers, and of no others.
    """

    are_one = False

    def __init__(self, slots: Slots, timeout: float) -> None:
        self._slots = slots
        self._timeout = timeout
        self._asking: set[Asking] = set()

    @property
    def layout(self) -> int:
        return self._slots.layout

    async def get(self, names: Sequence[bytes]) -> list[Answer]:
        return await self.do([Get(name) for name in names])

    async def do(self, steps: Sequence[Step]) -> list[Answer]:
        due = asyncio.get_running_loop().time() + self._timeout
        if not self._slots.are_known:
            await self._slots.look(self._timeout)
        answers: list[Answer] = [(ConnectionError("no server has this slot"), b"")] * len(steps)
        parts = self._by_owner(steps)
        await self._send(steps, answers, parts, due)
        if elsewhere := self._redirected(answers, parts):
            await self._send(steps, answers, elsewhere, due)
        if any(_is_stale(reply) for reply, _ in answers):
            self._slots.look_again()
        return answers

    async def masters(self) -> Sequence[Node]:
        await self._slots.look(self._timeout)
        return self._slots.masters

    def node_of(self, name: bytes) -> str:
        node = self._slots.known_owner(name)
        return "" if node is None else node.name

    async def close(self) -> None:
        asking = list(self._asking)
        for task in asking:
            task.cancel()
        if asking:
            await asyncio.wait(asking)
        await self._slots.close()

    def drop(self) -> None:
        self._slots.drop()

    def _by_owner(self, steps: Sequence[Step]) -> list[_Part]:
        parts: dict[Node, _Part] = {}
        for place, step in enumerate(steps):
            if node := self._slots.owner(step.name):
                parts.setdefault(node, _Part(node, [])).places.append(place)
        return list(parts.values())

    async def _send(
        self, steps: Sequence[Step], answers: list[Answer], parts: Iterable[_Part], due: float
    ) -> None:
        """Fill in what is answered until then. What comes later is read, and nobody's."""
        work = {self._start(steps, part): part for part in parts}
        if work:
            await in_time(work, due - asyncio.get_running_loop().time())
        for task, part in work.items():
            for place, answer in zip(part.places, self._answers(task, part), strict=True):
                answers[place] = answer

    def _start(self, steps: Sequence[Step], part: _Part) -> Asking:
        task = asyncio.get_running_loop().create_task(part.ask(steps))
        self._asking.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: Asking) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may have waited for it

    def _answers(self, task: Asking, part: _Part) -> Sequence[Answer]:
        error: BaseException | None
        if not task.done():
            error = TimeoutError(f"no answer from {part.node.name} within {self._timeout} s")
        elif task.cancelled():
            error = ConnectionError("the backend was closed")
        else:
            error = task.exception()
        if error is None:
            return task.result()
        self._slots.look_again()
        return [(error, b"")] * len(part.places)

    def _redirected(self, answers: Sequence[Answer], asked: Iterable[_Part]) -> list[_Part]:
        """What was not done where it was asked for, and where it is to be asked for."""
        parts: dict[tuple[Node, bool], _Part] = {}
        for place, host, reply in _replies(answers, asked):
            if type(reply) is ReplyError and str(reply).startswith(("MOVED ", "ASK ")):
                kind, slot, address = str(reply).split(" ")[:3]
                there, _, port = address.rpartition(":")
                node = self._slots.node((there, int(port)), host)
                if kind == "MOVED":
                    self._slots.moved(int(slot), node)
                asks = kind == "ASK"
                parts.setdefault((node, asks), _Part(node, [], asks)).places.append(place)
        return list(parts.values())


def _replies(answers: Sequence[Answer], asked: Iterable[_Part]) -> Iterator[tuple[int, str, Any]]:
    """Each with its place, and the host that it is from."""
    for part in asked:
        for place in part.places:
            yield place, part.host, answers[place][0]


def _is_stale(reply: Any) -> bool:
    return isinstance(reply, ReplyError) and str(reply).startswith(_STALE)
