"""`BytesBackend`: a backend for whoever has a store of bytes."""

import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    MEASURE,
    REFUSED,
    UNREACHED,
    Backend,
    C,
    Capability,
    Condition,
    Found,
    Outcome,
    Unreached,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.errors import UnreadableError

log: Final = logging.getLogger("cachekit")

Expected: TypeAlias = bytes | Condition

_ATTEMPTS: Final = 4


class Put(NamedTuple):
    """Bytes to put under a key, on a condition.

    `data` of `None` deletes. From `keep` seconds on nothing is there any more (`None`: it stays
    for good). `expected` is `ANY`, `ABSENT` (nothing, or something whose time is over) or the very
    bytes that must be there.
    """

    key: str
    data: bytes | None
    keep: float | None
    expected: Expected

    def replaces(self, there: bytes | None) -> bool:
        """Whether the condition holds where `there` is what is there, `None` for nothing."""
        if isinstance(self.expected, Condition):
            return self.expected is ANY or there is None
        return there == self.expected


class BytesBackend(Backend):
    """A store of bytes as a backend: subclass it and give `get_many` and `put_many`.

    This class packs and unpacks the entries, decides which bytes a version stands for, and counts
    what cannot be read as absent. What the two methods raise means that the store did not answer.
    """

    clock: Clock = SYSTEM
    """Tells how old what is read has become; set another one on an object in tests."""

    unreadable = 0
    """How often bytes were found that are no entry of their key."""

    @abstractmethod
    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes | Unreached]:
        """The bytes under `keys`, without those of which there are none or whose time is over.

        A store of several nodes gives `Unreached` for the keys of one that does not answer.
        """

    @abstractmethod
    async def put_many(self, puts: Sequence[Put]) -> Sequence[bool | Unreached]:
        """Carry out each of `puts` whose condition holds; for each whether it did, in order.

        Between looking at a key and putting nobody else may write there: it is one step of the
        store, or one transaction, or done under a lock. `puts` never hold a key twice.
        """

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self.get_many(keys)
        entries = {key: _entry(self, key, data) for key, data in found.items()}
        broken = [
            Put(key, None, None, data)
            for key, data in found.items()
            if entries[key] is None and not isinstance(data, Unreached)
        ]
        if broken:
            await _drop(self, broken)
        return {key: entry for key, entry in entries.items() if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        batch = _Batch(self)
        try:
            for turn in _turns(_packed(writes)):
                await batch.put(turn)
        except Exception as error:
            if not batch.answers:
                raise
            log.debug("of %s writes %s were answered: %r", len(writes), len(batch.answers), error)
        return [batch.answers.get(place, UNREACHED) for place in range(len(writes))]

    def capability(self, wanted: Capability[C]) -> C | None:
        """Who has more to offer asks `super()` for the rest."""
        return offer(wanted, {MEASURE: self})


def _entry(backend: BytesBackend, key: str, data: bytes | Unreached) -> Entry | Unreached | None:
    if isinstance(data, Unreached):
        return data
    try:
        return unpack(key, bytes(data), backend.clock)  # some drivers give a bytearray
    except UnreadableError as error:
        if not backend.unreadable:
            log.warning("what a store holds cannot be read, and counts as absent: %s", error)
        backend.unreadable += 1
        return None


async def _drop(backend: BytesBackend, broken: Sequence[Put]) -> None:
    """Delete what cannot be read, if it is still that; if not, it is as absent as before."""
    try:
        await backend.put_many(broken)
    except Exception as error:
        log.debug("what cannot be read was not deleted: %r", error)


class _Batch:
    """Turns writes on the condition of a version into puts on the condition of certain bytes.

    It stands outside of `BytesBackend`, where no name can meet one of a subclass.
    """

    def __init__(self, backend: BytesBackend) -> None:
        self.answers: dict[int, Outcome] = {}
        self._backend = backend

    async def put(self, turn: "list[_Packed]") -> None:
        """Put what is in `turn`, each key once, and note the answers."""
        known = [(it, it.expected) for it in turn if isinstance(it.expected, Condition)]
        ready: list[_Ready] = [*known]
        unsure = [it for it in turn if not isinstance(it.expected, Condition)]
        for _ in range(_ATTEMPTS):
            ready += await self._look(unsure)
            unsure = await self._try(ready)
            if not unsure:
                return
            ready = []
        log.debug("changed whenever it was to be written: %s", [it.key for it in unsure])

    async def _look(self, unsure: "list[_Packed]") -> "list[_Ready]":
        """Those whose condition holds, each with what it holds for."""
        ready: list[_Ready] = []
        if not unsure:
            return ready
        found = await self._backend.get_many([it.key for it in unsure])
        for it in unsure:
            there = found.get(it.key)
            if isinstance(there, Unreached):
                self.answers[it.place] = UNREACHED
            elif self._meets(it, there):
                ready.append((it, ABSENT if there is None else there))
            else:
                self.answers[it.place] = REFUSED
        return ready

    def _meets(self, it: "_Packed", there: bytes | None) -> bool:
        entry = None if there is None else _entry(self._backend, it.key, there)
        if isinstance(entry, Entry):
            return entry.version == it.expected
        return it.expected is ABSENT

    async def _try(self, ready: "list[_Ready]") -> "list[_Packed]":
        """Those that may have been refused for another reason than their own condition.

        Their key holds something unreadable, or the same version in other bytes.
        """
        unsure: list[_Packed] = []
        if not ready:
            return unsure
        puts = [Put(it.key, it.data, it.keep, expected) for it, expected in ready]
        done = await self._backend.put_many(puts)
        for (it, _), answer in list(zip(ready, done, strict=True)):
            if answer or it.expected is ANY:
                self.answers[it.place] = _outcome(answer)
            else:
                unsure.append(it)
        return unsure


class _Packed(NamedTuple):
    """A `Write` in bytes; `place` is where it stands among those of its batch."""

    place: int
    key: str
    data: bytes | None
    keep: float | None
    expected: int | Condition


_Ready = tuple[_Packed, Expected]
"""What may be put, and the condition for that."""


def _packed(writes: Sequence[Write]) -> Iterator[_Packed]:
    """The writes, without those of entries that no bytes can hold."""
    for place, (key, entry, expected, _) in enumerate(writes):
        try:
            data = None if entry is None else pack(key, entry)
        except ValueError as error:
            log.warning("an entry was not written: %s", error)
        else:
            yield _Packed(place, key, data, None if entry is None else entry.keep, expected)


def _turns(packed: Iterable[_Packed]) -> list[list[_Packed]]:
    """Those that may travel together: the writes of one key are of as many turns, in order."""
    turns: list[list[_Packed]] = []
    seen: dict[str, int] = {}
    for it in packed:
        turn = seen[it.key] = seen.get(it.key, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(it)
    return turns


def _outcome(answer: bool | Unreached) -> Outcome:
    if isinstance(answer, Unreached):
        return UNREACHED
    return DONE if answer else REFUSED
