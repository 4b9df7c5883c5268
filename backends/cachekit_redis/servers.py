"""Where keys are: on one server, or on those of a Cluster (`cachekit_redis.cluster`)."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from hiredis import ReplyError

from cachekit_redis.changes import Step
from cachekit_redis.node import Link, Node
from cachekit_redis.sentinels import Watch

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

    async def close(self) -> None: ...


class One:
    """A single server, or whichever is the master of those that Sentinels `watch`."""

    are_one = True

    def __init__(self, node: Node, watch: Watch | None = None) -> None:
        self._node = node
        self._watch = watch

    @property
    def layout(self) -> int:
        return self._node.lives

    async def get(self, names: Sequence[bytes]) -> list[Answer]:
        if not names:
            return []
        link = await self._link()
        (found,) = await link.ask((("MGET", *names),))
        if isinstance(found, ReplyError):
            raise found
        return [(data, link.life) for data in found]

    async def do(self, steps: Sequence[Step]) -> list[Answer]:
        link = await self._link()
        replies = await link.ask([step.command(link.life) for step in steps])
        return [(reply, link.life) for reply in replies]

    async def masters(self) -> Sequence[Node]:
        await self._link()
        return (self._node,)

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
        await self._node.close()

    async def _link(self) -> Link:
        if self._watch is not None:
            self._watch.look()
        return await self._node.link()
