"""Deleting by prefix."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from hiredis import ReplyError

from cachekit_redis.life import UNKNOWN
from cachekit_redis.node import Node
from cachekit_redis.servers import Servers

_STEP: Final = 1000
"""Keys looked at between two commands of others."""

_ROUNDS: Final = 10


async def unlink_all(servers: Servers, prefixes: Sequence[bytes]) -> None:
    """Delete what begins with one of `prefixes` on every master; raises if that was not done.

    What is there from the beginning to the end of a scan is found, and so is each stub of a load
    that had begun: what a load puts there that begins later is not older than this call.
    """
    layout, quiet, wanted = -1, 0, 0
    for _ in range(_ROUNDS):
        masters = await servers.masters()
        if servers.layout == layout and quiet >= wanted:
            return
        layout = servers.layout  # a key may move from a server not yet scanned to one that was
        scans = [await _unlink_on(node, prefixes) for node in masters]
        quiet = 0 if any(scan.found for scan in scans) else quiet + 1
        # A slot that is on its way is in no map. What has moved with it is absent where lives are
        # told apart; where they are not, it is found when all are scanned once more.
        wanted = 2 if not servers.are_one and any(scan.of_any_life for scan in scans) else 0
    raise ConnectionError("keys moved, or new ones came, whenever the servers were scanned")


class _Scan(NamedTuple):
    """Whether something was `found` on a server, and whether its lives are not told apart."""

    found: bool
    of_any_life: bool


async def _unlink_on(node: Node, prefixes: Sequence[bytes]) -> _Scan:
    something = of_any_life = False
    async for found, life in _found(node, prefixes):
        if found:
            await _unlink(node, found)
        something |= bool(found)
        of_any_life |= life == UNKNOWN
    return _Scan(something, of_any_life)


async def _found(node: Node, prefixes: Sequence[bytes]) -> AsyncIterator[tuple[list[bytes], bytes]]:
    """What begins so, step by step, and the life of the server."""
    pattern = literally(_beginning(prefixes)) + b"*"
    cursor = b"0"
    while True:
        replies, life = await node.ask((("SCAN", cursor, "MATCH", pattern, "COUNT", _STEP),))
        if isinstance(replies[0], ReplyError):
            raise replies[0]
        cursor, names = replies[0]
        yield [name for name in names if name.startswith(tuple(prefixes))], life
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
