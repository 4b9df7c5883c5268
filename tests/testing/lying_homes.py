"""Backends that are wrong about where something is, or how much of it they take."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from cachekit.backend import (
    FORGET_PREFIX,
    HOMES,
    NODES,
    REFUSED,
    ROOM,
    C,
    Capability,
    Outcome,
    Write,
    offer,
)
from cachekit.entry import Entry
from cachekit.envelope import pack
from cachekit.keys import home_in
from tests.testing.liar import FORGETS, Liar


class DrawsHomesByLot(Liar):
    claims = FORGETS | {HOMES, NODES}
    names: Sequence[str] = ("a", "b", "c")

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {HOMES: self, NODES: self, FORGET_PREFIX: self})

    def homes(self) -> Sequence[str]:
        return self.names

    def home(self, key: str) -> str:
        return self.names[hash((id(self), key)) % len(self.names)]

    def node_of(self, key: str) -> str:
        return self.home(key)


class NamesHomesAsItLikes(DrawsHomesByLot):
    names = ("a", "b~", "b~")


class SendsAway(DrawsHomesByLot):
    def home(self, key: str) -> str:
        return "elsewhere"


class LeavesClaimsAlone(DrawsHomesByLot):
    def home(self, key: str) -> str:
        return home_in(key) or self.names[crc32(_named(key)) % 3]


class TakesRecordsForKeys(DrawsHomesByLot):
    def home(self, key: str) -> str:
        return self.names[crc32(_named(key[1:])) % 3]


class SpreadsAHome(LeavesClaimsAlone):
    def node_of(self, key: str) -> str:
        return self.home(key[:-1])


class MixesUpHomes(TakesRecordsForKeys):
    def _look(self, key: str) -> Entry | None:
        return super()._look(self._mixed(key))

    def _write(self, write: Write) -> Outcome:
        return super()._write(write._replace(key=self._mixed(write.key)))

    def _mixed(self, key: str) -> str:
        home = home_in(key)
        return key.replace(f"@{home}~", "@a~", 1) if home else key


class HasLessRoom(Liar):
    claims = FORGETS | {ROOM}
    most_bytes: Any = 5_000

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {ROOM: self, FORGET_PREFIX: self})

    def _write(self, write: Write) -> Outcome:
        large = write.entry is not None and len(pack(write.key, write.entry)) > self.most_bytes
        return REFUSED if large else super()._write(write)


class HasRoomForAWhile(HasLessRoom):
    def _look(self, key: str) -> Entry | None:
        entry = super()._look(key)
        return None if entry and len(entry.payload or b"") >= self.most_bytes else entry

    def _write(self, write: Write) -> Outcome:
        return Liar._write(self, write)


class KnowsNoRoom(HasLessRoom):
    most_bytes = None


def _named(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
