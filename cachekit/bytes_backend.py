"""`BytesBackend`: a backend for whoever has a store of bytes."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    REFUSED,
    UNREACHED,
    Backend,
    Condition,
    Found,
    Outcome,
    Unreached,
    Write,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry
from cachekit.envelope import pack, unpack
from cachekit.errors import UnreadableError

log: Final = logging.getLogger("cachekit")

Expected: TypeAlias = bytes | Condition
"""`ANY`, `ABSENT` or the very bytes that must be there."""

AT_ONCE: Final = 16
"""So many keys of one `write` are under way at a time."""

_ATTEMPTS: Final = 3


class BytesBackend(Backend):
    """A store of bytes as a backend: subclass it and give `get_many` and `put_if`.

    This class packs and unpacks the entries, decides the conditions, and counts what cannot be
    read as absent. An operation that fails harms no other key: what `get_many` or `put_if` raises
    means that the keys it was called with were not reached.
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
    async def put_if(
        self, key: str, data: bytes | None, keep: float | None, expected: Expected
    ) -> bool:
        """Put `data` under `key`, if what is there is as `expected`. Whether it was.

        `None` for `data` deletes. From `keep` seconds on nothing is there any more (`None`: it
        stays for good). `expected` is `ANY`, `ABSENT` (nothing, or something whose time is over)
        or the very bytes that must be there. Between looking and putting nobody else may write:
        it is one step of the store, or one transaction.
        """

    async def read(self, keys: Sequence[str]) -> Found:
        found = await self.get_many(keys)
        entries = {key: self._entry(key, data) for key, data in found.items()}
        return {key: entry for key, entry in entries.items() if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        answers: dict[int, Outcome | Exception] = {}
        queues = iter(_by_key(writes))

        async def run() -> None:
            for queue in queues:
                for place in queue:
                    answers[place] = await self._try(writes[place])

        await asyncio.gather(*(run() for _ in range(min(AT_ONCE, len(writes)))))
        return _outcomes([answers[place] for place in range(len(writes))])

    async def _try(self, write: Write) -> Outcome | Exception:
        try:
            return DONE if await self._apply(write) else REFUSED
        except Exception as error:
            log.debug("the write of %s failed: %r", write.key, error)
            return error

    async def _apply(self, write: Write) -> bool:
        key, entry, expected, _ = write
        data = None if entry is None else pack(key, entry)
        keep = None if entry is None else entry.keep
        if isinstance(expected, Condition):
            done = await self.put_if(key, data, keep, expected)
            if done or expected is ANY:
                return done
        for _ in range(_ATTEMPTS):
            there = await self._look(key)
            if not self._meets(key, there, expected):
                return False
            if await self.put_if(key, data, keep, ABSENT if there is None else there):
                return True
        raise ConnectionError(f"{key} changed during each of {_ATTEMPTS} attempts to write it")

    async def _look(self, key: str) -> bytes | None:
        there = (await self.get_many([key])).get(key)
        if isinstance(there, Unreached):
            raise there.cause or ConnectionError(f"no answer for {key}")
        return there

    def _meets(self, key: str, there: bytes | None, expected: int | Condition) -> bool:
        entry = None if there is None else self._entry(key, there)
        if isinstance(entry, Entry):
            return entry.version == expected
        return expected is ABSENT

    def _entry(self, key: str, data: bytes | Unreached) -> Entry | Unreached | None:
        if isinstance(data, Unreached):
            return data
        try:
            return unpack(key, data, self.clock)
        except UnreadableError as error:
            if not self.unreadable:
                log.warning("what a store holds cannot be read, and counts as absent: %s", error)
            self.unreadable += 1
            return None


def meets(expected: Expected, there: bytes | None) -> bool:
    """Whether `there` is as `expected`, for a `put_if` that looks and puts under a lock."""
    if isinstance(expected, Condition):
        return expected is ANY or there is None
    return there == expected


def _by_key(writes: Sequence[Write]) -> Iterable[list[int]]:
    """The places of the writes of each key: what concerns one key stays in order."""
    places: dict[str, list[int]] = {}
    for place, write in enumerate(writes):
        places.setdefault(write.key, []).append(place)
    return places.values()


def _outcomes(answers: Sequence[Outcome | Exception]) -> Sequence[Outcome]:
    """One outcome for each write; raises if there was no answer at all."""
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    if errors and len(errors) == len(answers):
        raise errors[0]
    return [UNREACHED if isinstance(answer, Exception) else answer for answer in answers]
