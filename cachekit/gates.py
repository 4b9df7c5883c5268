"""Which nodes of a store are asked at the moment: a breaker and a journal for each."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from cachekit.backend import UNREACHED, Fence, Homes, Nodes, Outcome, Unreached, Write
from cachekit.journal import Journal
from cachekit.stats import NodeStats


class NotAskedError(ConnectionError):
    """A node is not asked at the moment, since it has failed before."""


class Gate:
    """One node. While it is `shut` the node is asked for nothing.

    It shuts when `most` operations in a row have failed, and when something is in its journal.
    """

    def __init__(self, name: str, most: int, journal: Journal) -> None:
        self.name = name
        self.journal = journal
        self.shut: Unreached | None = None
        self.is_open = False
        """Whether its breaker is."""
        self.failures = self.skipped = self.replayed = 0
        self.sample = ""
        """A key that it has."""
        self.attempt: asyncio.Future[None] | None = None
        """Done when it is known whether what was lost just now could be made good."""
        self._most = most
        self._in_a_row = 0

    def succeeded(self) -> None:
        self._in_a_row = 0

    def failed(self, error: BaseException) -> bool:
        """Whether that has opened the breaker."""
        self.failures += 1
        self._in_a_row += 1
        if self.is_open or self._in_a_row < self._most:
            return False
        self.is_open = True
        self.close(error)
        return True

    def close(self, error: BaseException | None) -> None:
        """Ask it for nothing, since `error`."""
        if self.shut is None:
            said = "" if error is None else f": {type(error).__name__}: {error}"
            why = NotAskedError(f"{self.name} is not asked, it failed before{said}")
            why.__cause__ = error
            self.shut = Unreached(why)

    def open(self) -> None:
        """Ask it again."""
        self.shut = None
        self.is_open = False
        self._in_a_row = 0

    def stats(self) -> NodeStats:
        return NodeStats(
            self.name,
            self.is_open,
            self.failures,
            self.skipped,
            len(self.journal),
            self.replayed,
            self.journal.overflows,
        )


class Gates:
    """All nodes of one backend; runs on its loop.

    `whole` stands for the store where nobody knows its nodes, and for what is not of one node.
    `shut` hears of each gate that is shut, and why.
    """

    def __init__(
        self,
        name: str,
        failures: int,
        journal: int,
        shut: Callable[[Gate, BaseException | None], None],
    ) -> None:
        self.are_shut = False
        self.nodes: Nodes | None = None
        self.homes: Homes | None = None
        self.copies: Fence | None = None
        self._failures = failures
        self._journal = journal
        self._shut = shut
        self.whole = self._gate(name)
        self._by_name: dict[str, Gate] = {}

    def _gate(self, name: str) -> Gate:
        return Gate(name, self._failures, Journal(self._journal, lambda: self.homes))

    def all(self) -> list[Gate]:
        return [self.whole, *self._by_name.values()]

    def _of(self, key: str) -> Gate:
        name = "" if self.nodes is None else self.nodes.node_of(key)
        if not name:
            return self.whole
        gate = self._by_name.get(name)
        if gate is None:
            gate = self._by_name[name] = self._gate(name)
        return gate

    @property
    def are_trying(self) -> bool:
        """Whether what was lost just now is being made good."""
        if not self._by_name:
            return self.whole.attempt is not None
        return any(gate.attempt is not None for gate in self.all())

    def unasked(self, keys: Iterable[str]) -> dict[str, Unreached]:
        """Those of `keys` that are not to be asked for now, with why."""
        if self.whole.shut is not None:
            return dict.fromkeys(keys, self.whole.shut)
        found = ((key, self._closed(key)) for key in keys)
        return {key: gate.shut for key, gate in found if gate is not None and gate.shut is not None}

    def _closed(self, key: str) -> Gate | None:
        """The shut gate that `key` is behind. What is in a journal may have moved to another."""
        if self.whole.shut is not None:
            return self.whole
        gate = self._of(key)
        if gate.shut is not None:
            return gate
        return next((g for g in self._by_name.values() if key in g.journal), None)

    def why(self) -> BaseException | None:
        """Something is not asked since this happened."""
        return next((gate.shut.cause for gate in self.all() if gate.shut is not None), None)

    def skip(self, keys: Iterable[str]) -> None:
        """Count what was not asked."""
        if self.whole.shut is not None:
            self.whole.skipped += 1
            return
        for gate in {self._closed(key) for key in keys}:
            if gate is not None:
                gate.skipped += 1

    def heard(
        self, asked: Callable[[], Iterable[str]], lost: Sequence[str], error: BaseException | None
    ) -> None:
        """What became of a batch: of all that was `asked`, these were `lost`."""
        if error is not None:
            self._have_failed(lost, error)
        elif not self._by_name:
            self.whole.succeeded()
        if self._by_name:
            missing = set(lost)
            for gate in {self._of(key) for key in asked() if key not in missing}:
                gate.succeeded()

    def _have_failed(self, lost: Sequence[str], error: BaseException) -> None:
        failed = {self._of(key): key for key in lost}
        for gate, key in failed.items():
            gate.sample = key
            if gate.failed(error):
                self._close(gate, error)

    def wrote(
        self, writes: Sequence[Write], outcomes: Sequence[Outcome], error: BaseException | None
    ) -> None:
        """What became of a batch of writes."""
        pairs = list(zip(writes, outcomes, strict=True))
        lost = [write for write, outcome in pairs if outcome is UNREACHED]
        self.heard(lambda: [write.key for write in writes], [write.key for write in lost], error)
        self.remember([write.key for write in lost if write.announce], (), error)

    def remember(
        self, keys: Sequence[str], prefixes: Sequence[str], error: BaseException | None = None
    ) -> None:
        """These were to be forgotten, and may not be: no copy is served, no node asked before."""
        if self.copies is not None and (keys or prefixes):
            self.copies.fence(keys, prefixes)
        by_gate: dict[Gate, list[str]] = {}
        for key in keys:
            by_gate.setdefault(self._of(key), []).append(key)
        if prefixes:
            by_gate.setdefault(self.whole, [])
        for gate, some in by_gate.items():
            gate.journal.add(some, prefixes if gate is self.whole else ())
            gate.close(error)
            self._close(gate, error)

    def _close(self, gate: Gate, error: BaseException | None) -> None:
        if not self.are_shut and self.copies is not None:
            self.copies.cut_off(True)
        self.are_shut = True
        self._shut(gate, error)

    async def attempts(self, keys: Iterable[str] | None, seconds: float) -> None:
        """What was lost just now, on the nodes of `keys` or on any, is being made good: wait for
        that, so long at most."""
        shut = self.all() if keys is None else {self._closed(key) for key in keys}
        waited = [gate.attempt for gate in shut if gate and gate.attempt is not None]
        if waited:
            await asyncio.wait(waited, timeout=seconds)

    def open(self, gate: Gate) -> None:
        """It has answered, and nothing is in its journal."""
        gate.open()
        self.are_shut = any(each.shut is not None for each in self.all())
        if not self.are_shut and self.copies is not None:
            self.copies.cut_off(False)
