"""All servers: each is asked for what it has."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

from cachekit.backend import UNREACHED
from cachekit_memcached.changes import Change
from cachekit_memcached.link import Link
from cachekit_memcached.node import LARGEST, Node
from cachekit_memcached.ring import Ring

T = TypeVar("T")

Answer: TypeAlias = "tuple[Sequence[str], Sequence[bytes | None] | Exception]"
"""Keys, and of each the bytes or `None` for nothing; or why their node has not answered."""

_space: Final = itemgetter(0)
"""What a key begins with: "v" for values, "t" for records, "c" for claims."""


class Nodes:
    """What one of them does not do is an error for its own keys, and for no others."""

    def __init__(self, nodes: Sequence[Node], ring: Ring) -> None:
        self._nodes = nodes
        self._ring = ring

    @property
    def largest(self) -> int:
        """Bytes of an item that all take who have said so."""
        told = [node.largest for node in self._nodes if node.largest is not None]
        return min(told, default=LARGEST)

    async def get(self, keys: Iterable[str], name: Callable[[str], bytes]) -> list[Answer]:
        """What is under `keys`, each of which is called `name(key)` there; by node.

        Records come behind values: none is read before what carries it, and so none is older.
        """
        parts = self._by_node(sorted(keys, key=_space, reverse=True), lambda key: key)
        return await _together([_get(node, some, [*map(name, some)]) for node, some in parts])

    async def carry_out(self, changes: Sequence[Change]) -> None:
        """Those of one key in order."""
        parts = self._by_node(changes, lambda change: change.key)
        await _together([_carry_out(node, some) for node, some in parts])

    def _by_node(self, items: Sequence[T], key: Callable[[T], str]) -> list[tuple[Node, list[T]]]:
        if len(self._nodes) == 1:
            return [(self._nodes[0], list(items))] if items else []
        parts: dict[int, list[T]] = {}
        for item in items:
            parts.setdefault(self._ring.place(key(item)), []).append(item)
        return [(self._nodes[place], part) for place, part in parts.items()]

    async def close(self) -> None:
        await asyncio.gather(*(node.close() for node in self._nodes))

    def drop(self) -> None:
        """Instead of `close()`, where the loop was closed already."""
        for node in self._nodes:
            node.drop()


async def _get(node: Node, keys: Sequence[str], names: Sequence[bytes]) -> Answer:
    try:
        return keys, await node.ask(lambda link: link.do(link.values(names), node.due))
    except Exception as error:
        return keys, error


async def _carry_out(node: Node, changes: Sequence[Change]) -> None:
    try:
        await node.ask(lambda link: _all_of(changes, link, node.due))
    except Exception as error:
        for change in changes:
            if change.outcome is UNREACHED:
                change.error = change.error or error


async def _all_of(changes: Sequence[Change], link: Link, due: float) -> None:
    chains: dict[str, list[Change]] = {}
    for change in changes:
        chains.setdefault(change.key, []).append(change)
    await _together([_in_turn(chain, link, due) for chain in chains.values()])


async def _in_turn(changes: Sequence[Change], link: Link, due: float) -> None:
    for change in changes:
        await change.carry_out(link, due)


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All of it at once; what is alone needs no task of its own."""
    return [await work[0]] if len(work) == 1 else list(await asyncio.gather(*work))
