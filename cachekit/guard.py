"""What keeps a backend that does I/O from harming its callers."""

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

from cachekit.backend import (
    FENCE,
    FORGET_PREFIX,
    HOMES,
    LOCAL,
    NODES,
    TIERS,
    UNREACHED,
    Backend,
    C,
    Capability,
    ForgetPrefix,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.batch import of_size, pieces
from cachekit.carrier import FORGETTING, Carrier, Deaf
from cachekit.errands import Errands
from cachekit.errors import CacheError, UnsupportedError
from cachekit.gates import Gate, Gates
from cachekit.health import Health
from cachekit.options import Duration, count, seconds
from cachekit.runtime import running_loop
from cachekit.stats import NodeStats

T = TypeVar("T")
log: Final = logging.getLogger("cachekit")

_FAILS: Final = "%s is not asked for anything until it answers again: %s: %s"
_BACK: Final = "%s is asked again"
_UNACKNOWLEDGED: Final = ConnectionError("an invalidation was not acknowledged")

LAST: Final = 1.0
"""Seconds that closing spends on what is in the journal."""


class Guard(Backend):
    """`backend`, held to deadlines, and left alone while it fails. A cache makes one by itself.

    - Each operation may take `deadline` seconds. One past that is abandoned, and not cancelled.
    - A node that has failed `failures` times in a row is asked no more: operations on it fail at
      once. Then the guard tries it, at once and every `probe_interval` seconds or a little more
      often, until it answers.
    - What was to be forgotten and was not acknowledged is kept in a journal, and forgotten before
      the node is asked for anything again. Of more than `journal` such keys on one node all of
      their namespace is forgotten. The journal is in memory, and dies with this process.

    It does not raise for an operation that fails: that is `Unreached` or `UNREACHED`.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        deadline: Duration = 0.25,
        failures: int = 5,
        probe_interval: Duration = 1.0,
        journal: int = 10_000,
    ) -> None:
        self.backend = backend
        self.deadline = seconds("deadline", deadline)
        self._interval = seconds("probe_interval", probe_interval)
        tiers = backend.capability(TIERS)
        name = type(backend).__name__ if tiers is None else tiers.names[1]
        self.gates = Gates(name, count("failures", failures), count("journal", journal), self._try)
        self.gates.homes = backend.capability(HOMES)
        self._probes: dict[Gate, asyncio.Task[None]] = {}
        self._errands = Errands()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._road: Carrier | None = None
        self._is_open = False
        self._health = Health(self._now, _FAILS, _BACK)

    def _now(self) -> float:
        return 0.0 if self._loop is None else self._loop.time()

    def nodes(self) -> tuple[NodeStats, ...]:
        """The figures of each node, after those of what is not of one node."""
        return tuple(gate.stats() for gate in self.gates.all())

    def capability(self, wanted: Capability[C]) -> C | None:
        able = self.backend.capability(wanted)
        if cast("object", wanted) is LOCAL or able is None:
            return None
        return offer(wanted, {FORGET_PREFIX: self}) or able

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._is_open = False
            self._loop, self._probes, self._errands = loop, {}, Errands()
        self._road = Carrier(self.backend, loop, self.deadline, self.gates, Deaf())
        self.gates.copies = self.backend.capability(FENCE)
        await self.backend.open()
        self.gates.nodes = self.backend.capability(NODES)
        self._is_open = True
        for gate in self.gates.all():
            if gate.shut is not None:
                self._try(gate, gate.shut.cause)

    async def close(self) -> None:
        """Try once more to forget what is in the journal, then close."""
        self._is_open = False
        probes = list(self._probes.values())
        for task in probes:
            task.cancel()
        if probes:
            await asyncio.wait(probes)
        await asyncio.gather(*(self._try_last(gate) for gate in self._owing()))
        self.tell_left()
        if self._road is not None:
            await self._road.close()
        await self._errands.close(self.deadline)
        await self.backend.close()

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self._carrier.read(keys)  # and what others have asked for
        return {key: found[key] for key in keys if key in found}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        return await self._carrier.write(writes)

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        try:
            return await self._carrier.forget_prefix(self._able, prefixes)
        except CacheError:
            raise
        except Exception:
            return UNREACHED

    @property
    def _carrier(self) -> Carrier:
        if self._road is None:
            raise ConnectionError("the backend is not open")
        return self._road

    # -- trying a node that is not asked

    def _try(self, gate: Gate, error: BaseException | None = None) -> None:
        self._health.note(gate.name, error or _UNACKNOWLEDGED)
        if self._is_open and self._loop is running_loop() and gate not in self._probes:
            self._probes[gate] = self._errands.start(self._probe(gate))

    async def _probe(self, gate: Gate) -> None:
        """R17: nothing is asked of the node before its journal is empty."""
        probes = self._probes
        try:
            if not await (self._answers(gate) if gate.is_open else self._attempt(gate)):
                await self._pause()
                while not await self._answers(gate):
                    await self._pause()
            self.gates.open(gate)
            self._health.note(gate.name, None)
        finally:  # not later: it may be shut again before a callback of this task is called
            probes.pop(gate, None)

    async def _attempt(self, gate: Gate) -> bool:
        """The first one: others wait for it."""
        gate.attempt = attempt = asyncio.get_running_loop().create_future()
        try:
            return await self._answers(gate)
        finally:
            gate.attempt = None
            attempt.set_result(None)

    async def _pause(self) -> None:
        """Not all processes at once."""
        await asyncio.sleep(self._interval * random.uniform(0.5, 1.0))

    async def _answers(self, gate: Gate) -> bool:
        """Whether it does, and nothing is left in its journal."""
        try:
            if gate.sample and not len(gate.journal):
                await self._ask(gate.sample)
            while len(gate.journal):  # also with what was added while it was asked
                await self._replay(gate)
        except Exception as error:
            gate.failed(error)
            log.debug("%s does not answer: %r", gate.name, error)
            return False
        return True

    async def _ask(self, key: str) -> None:
        found = await self._within(self.backend.read([key]))
        if isinstance(answer := found.get(key), Unreached):
            raise answer.cause or ConnectionError("no answer")

    async def _within(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._errands.within(work, self.deadline)

    def _owing(self) -> list[Gate]:
        return [gate for gate in self.gates.all() if len(gate.journal)]

    async def _try_last(self, gate: Gate) -> None:
        with suppress(TimeoutError):
            if await self._errands.within(self._answers_now(gate), LAST):
                self.gates.open(gate)
                self._health.note(gate.name, None)

    async def _answers_now(self, gate: Gate) -> bool:
        """The first try may wait for a connection that was begun before it came back."""
        return await self._answers(gate) or await self._answers(gate)

    def tell_left(self) -> None:
        """Log what is left in the journal."""
        for gate in self._owing():
            log.error(
                "closed while %d invalidations were not acknowledged by %s: what they were for may "
                "be served by other processes until it expires",
                *(len(gate.journal), gate.name),
            )

    async def _replay(self, gate: Gate) -> None:
        page = gate.journal.page()
        for piece in pieces(page.writes()) if page.keys else ():
            if UNREACHED in of_size(await self._within(self.backend.write(piece)), len(piece)):
                raise ConnectionError("not all was acknowledged")
        if page.prefixes:
            work = self._able.forget_prefix(page.prefixes)
            if await self._errands.within(work, FORGETTING) is UNREACHED:
                raise ConnectionError("a prefix was not acknowledged")
        gate.replayed += gate.journal.strike(page)

    @property
    def _able(self) -> ForgetPrefix:
        able = self.backend.capability(FORGET_PREFIX)
        if able is None:
            raise UnsupportedError(f"{type(self.backend).__name__} cannot forget by Prefix")
        return able
