"""A store of several nodes, each of which may fail by itself, and what tests of failures share."""

from collections.abc import Sequence
from typing import Any, cast

from cachekit import Cache
from cachekit.backend import (
    FORGET_PREFIX,
    NODES,
    UNREACHED,
    Backend,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.clock import Clock
from cachekit.testing.reference import ReferenceBackend
from tests.core.slow_store import SlowStore

REFUSED: ConnectionRefusedError = ConnectionRefusedError("refused")


class Nodes(Backend):
    """A key is on the node that its first letter names, or where it has `moved` to.

    Those that are `down` do not answer. `asked` are the keys that were sent, each with its node.
    """

    def __init__(self, clock: Clock) -> None:
        self.inner = ReferenceBackend(clock)
        self.moved: dict[str, str] = {}
        self.down: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.prefixes: list[str] = []

    def node_of(self, key: str) -> str:
        return self.moved.get(key) or key.removeprefix("v:test:")[0]

    def sent_to(self, node: str) -> list[str]:
        return [key for name, key in self.asked if name == node]

    def _reaches(self, key: str) -> bool:
        self.asked.append((self.node_of(key), key))
        return self.node_of(key) not in self.down

    async def read(self, keys: Sequence[str]) -> Found:
        there = [key for key in keys if self._reaches(key)]
        lost = dict.fromkeys((key for key in keys if key not in there), Unreached(REFUSED))
        return {**await self.inner.read(there), **lost}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return [
            (await self.inner.write([write]))[0] if self._reaches(write.key) else UNREACHED
            for write in writes
        ]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        self.prefixes += prefixes
        return UNREACHED if self.down else await self.inner.forget_prefix(prefixes)

    def capability(self, wanted: Capability[C]) -> C | None:
        known = cast("Any", wanted) in (NODES, FORGET_PREFIX)
        return cast("C", self) if known else None


def refuse(store: SlowStore) -> None:
    store.error = ConnectionRefusedError("refused")


def journaled(cache: Cache) -> int:
    return sum(node.journaled for node in cache.stats().nodes)


def entries(cache: Cache) -> list[str]:
    """What is in the journals."""
    guard = cache._engine.store._guard
    assert guard is not None
    pages = [gate.journal.page() for gate in guard.gates.all()]
    return [item for page in pages for item in (*page.keys, *page.prefixes)]
