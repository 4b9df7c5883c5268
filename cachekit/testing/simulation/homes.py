"""The ways from one process to the homes of its store, which answer each for itself."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from math import inf
from typing import Any, Final, TypeVar

from cachekit.backend import (
    HOMES,
    NODES,
    UNREACHED,
    C,
    Capability,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.entry import Entry, Kind
from cachekit.testing.simulation.link import RECOVERY, Link
from cachekit.testing.simulation.nodes import Node, Nodes
from cachekit.testing.simulation.trips import Trip

T = TypeVar("T")

_ROOM: Final = 1000
"""A journal with so much room is never full."""

_IN_TIME: Final = 0.2
"""Seconds after which it is not too late for the answers of the others."""

_LATE: Final = ConnectionError("this home did not answer in time")


class HomesLink(Link):
    """A link to each home of the store: what is asked of several is asked of each at once.

    One that fails takes along its own keys. Who has not answered within the weather's `patience`
    is given up; what it was sent may be done all the same.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._troubled: dict[Node | None, float] = {}
        """When something went wrong with one, or with what is of all of them."""

    @property
    def _nodes(self) -> Nodes:
        assert self.shore.nodes is not None
        return self.shore.nodes

    async def read(self, keys: Sequence[str]) -> Found:
        shares = self._nodes.shares(keys)
        answers = await self._each(
            {n: self._read([keys[i] for i in share], n) for n, share in shares.items()}
        )
        found: dict[str, Entry | Unreached] = {}
        for node, share in shares.items():
            answer = answers[node]
            if isinstance(answer, Exception):
                found.update((keys[i], Unreached(answer)) for i in share)
            else:
                found.update(answer)
        self._count_beside(found)
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        shares = self._nodes.shares(write.key for write in writes)
        answers = await self._each(
            {n: self._write([writes[i] for i in share], n) for n, share in shares.items()}
        )
        outcomes: list[Outcome] = [UNREACHED] * len(writes)
        for node, share in shares.items():
            answer = answers[node]
            if not isinstance(answer, Exception):
                for index, outcome in zip(share, answer, strict=True):
                    outcomes[index] = outcome
        return outcomes

    def capability(self, wanted: Capability[C]) -> C | None:
        homes = self.backend.capability(HOMES)
        return offer(wanted, {HOMES: homes, NODES: self}) or super().capability(wanted)

    def node_of(self, key: str) -> str:
        return self._nodes.of(key).name

    def calm_since(self, moment: float) -> bool:
        def is_calm(node: Node) -> bool:
            return max(node.down_until, node.slow_until) < moment - RECOVERY

        return super().calm_since(moment) and self._nodes.are(is_calm)

    def has_reached(self, keys: Sequence[str], since: float) -> bool:
        """What goes wrong with other homes makes no difference, if each has a journal of its own
        and who is late is given up in time."""
        if self.weather.journal < _ROOM or self.weather.patience > _IN_TIME:
            return False
        bad = [self.down_until, self._troubled.get(None, -inf)]
        for node in {self._nodes.of(key) for key in keys}:
            bad += [node.down_until, node.slow_until, self._troubled.get(node, -inf)]
        return max(bad) < since - RECOVERY

    def _plan(self, size: int, node: Node | None = None) -> Trip:
        trip = super()._plan(size, node)
        if trip.fault:
            self._troubled[node] = self._now()
        return trip

    def _fault(self, node: Node | None) -> str:
        """By prefix, all of them are asked together."""
        nodes = self._nodes.all() if node is None else [node]
        if self._now() >= self.good_until:
            for each in nodes:
                if fault := each.fault(self._now(), self.rng):
                    return fault
        return super()._fault(node)

    async def _each(
        self, work: Mapping[Node, Coroutine[Any, Any, T]]
    ) -> Mapping[Node, T | Exception]:
        loop = asyncio.get_running_loop()
        tasks = {node: loop.create_task(_answer(each)) for node, each in work.items()}
        try:
            await asyncio.wait(tasks.values(), timeout=self.weather.patience)
        finally:
            late = [node for node, task in tasks.items() if not task.done()]
            for node in late:
                tasks[node].cancel()
        return {node: _LATE if node in late else task.result() for node, task in tasks.items()}

    def _count_beside(self, found: Found) -> None:
        """What is found while something else is down."""
        now = self._now()
        if not self._nodes.are(lambda node: node.down_until <= now):
            there = any(isinstance(e, Entry) and e.kind is Kind.VALUE for e in found.values())
            self.history.covered["values beside a home that is down"] += there


async def _answer(work: Coroutine[Any, Any, T]) -> T | Exception:
    try:
        return await work
    except Exception as error:
        return error
