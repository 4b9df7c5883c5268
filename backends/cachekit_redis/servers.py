"""Where keys are: on one server, or on those of a Cluster (`cachekit_redis.cluster`)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from hiredis import ReplyError

from cachekit_redis.changes import Step
from cachekit_redis.node import Link, Node
from cachekit_redis.sentinels import Watch
from cachekit_redis.wire import Command

Answer: TypeAlias = tuple[Any, bytes]
"""A reply, or the error that came in its place, and the life of the server it is from."""


class Servers(Protocol):
    """All that hold the keys of one backend. An exception means that nothing was answered."""

    @property
    def are_one(self) -> bool:
        """Whether one script can reach every key."""
        ...

    @property
    def layout(self) -> int:
        """Another number whenever a key may have come to another server."""
        ...

    async def get(self, names: Sequence[bytes]) -> list[Answer]:
        """What is under each name."""
        ...

    async def do(self, steps: Sequence[Step]) -> list[Answer]:
        """What each step's command gives; those of one server are sent together, in order."""
        ...

    async def masters(self) -> Sequence[Node]:
        """All that hold keys, as they are known to be now."""
        ...

    def node_of(self, name: bytes) -> str:
        """Which server of a Cluster has this key, as far as that is known; else nothing."""
        ...

    async def close(self) -> None: ...

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        ...


class One:
    """A single server, or whichever is the master of those that Sentinels `watch`.

    `patience`: seconds that the Sentinels are waited for, before they are done without.
    """

    are_one = True

    def __init__(self, node: Node, watch: Watch | None = None, patience: float = 1.0) -> None:
        self._node = node
        self._watch = watch
        self._patience = patience

    @property
    def layout(self) -> int:
        return self._node.lives

    async def get(self, names: Sequence[bytes]) -> list[Answer]:
        if not names:
            return []
        (found,), life = await self._ask(lambda _: (("MGET", *names),))
        if isinstance(found, ReplyError):
            raise found
        return [(data, life) for data in found]

    async def do(self, steps: Sequence[Step]) -> list[Answer]:
        replies, life = await self._ask(lambda life: [step.command(life) for step in steps])
        return [(reply, life) for reply in replies]

    async def masters(self) -> Sequence[Node]:
        looking = self._look()
        await self._heard(looking, await self._node.link())
        return (self._node,)

    def node_of(self, name: bytes) -> str:
        return ""

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
        await self._node.close()

    def drop(self) -> None:
        self._node.drop()

    async def _ask(self, commands: Callable[[bytes], Sequence[Command]]) -> tuple[list[Any], bytes]:
        """The replies to what is to be sent in a certain life, and the life they are from."""
        looking = self._look()
        link = await self._node.link()
        replies = await link.ask(commands(link.life))
        await self._heard(looking, link)
        return replies, link.life

    def _look(self) -> "asyncio.Task[None] | None":
        return None if self._watch is None else self._watch.look()

    async def _heard(self, looking: "asyncio.Task[None] | None", link: Link) -> None:
        """Wait for the word of the Sentinels, if it must be waited for."""
        if looking is not None:
            await asyncio.wait({looking}, timeout=self._patience)
            link.check()
