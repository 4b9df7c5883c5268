"""Deleting by prefix."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from hiredis import ReplyError

from cachekit_redis.node import Node
from cachekit_redis.servers import Servers

_STEP: Final = 1000
"""Keys looked at between two commands of others."""

_ROUNDS: Final = 4


async def unlink_all(servers: Servers, prefixes: Sequence[bytes]) -> None:
    """Delete what begins with one of `prefixes` on every master; raises if that was not done.

    What is there from the beginning to the end of a scan is found, and so is each stub of a load
    that had begun: what a load puts there that begins later is not older than this call.
    """
    layout = -1
    for _ in range(_ROUNDS):
        masters = await servers.masters()
        if servers.layout == layout:
            return
        layout = servers.layout  # a key may move from a server not yet scanned to one that was
        for node in masters:
            async for found in _found(node, prefixes):
                await _unlink(node, found)
    raise ConnectionError("slots moved whenever the servers were scanned")


async def _found(node: Node, prefixes: Sequence[bytes]) -> AsyncIterator[list[bytes]]:
    pattern = literally(_beginning(prefixes)) + b"*"
    cursor = b"0"
    while True:
        replies, _ = await node.ask((("SCAN", cursor, "MATCH", pattern, "COUNT", _STEP),))
        if isinstance(replies[0], ReplyError):
            raise replies[0]
        cursor, names = replies[0]
        found = [name for name in names if name.startswith(tuple(prefixes))]
        if found:
            yield found
        if cursor == b"0":
            return


async def _unlink(node: Node, names: Sequence[bytes]) -> None:
    replies, _ = await node.ask([("UNLINK", name) for name in names])
    for reply in replies:
        if isinstance(reply, ReplyError):
            raise reply


def _beginning(prefixes: Sequence[bytes]) -> bytes:
    """What all of them begin with."""
    first, last = min(prefixes), max(prefixes)
    same = (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, len(first))]


def literally(text: bytes) -> bytes:
    """A pattern that matches `text` and nothing else."""
    return re.sub(rb"([*?\[\]\\^-])", rb"\\\1", text)
