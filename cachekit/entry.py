"""What moves between the Cache and its backends."""

import os
from collections.abc import Callable, Mapping
from enum import IntEnum
from math import inf
from typing import Any, Final

from cachekit.clock import Clock
from cachekit.copies import freeze
from cachekit.serializer import Serializer


class Kind(IntEnum):
    """What an entry is."""

    VALUE = 1
    STUB = 2  # someone is loading: wait
    PASS = 3  # a load was tried in vain a moment ago
    TAG = 4  # the current version of a tag


def new_version() -> int:
    """63 random bits. Not from `random`: equal seeds would give two workers one stub."""
    return int.from_bytes(os.urandom(8), "big") >> 1


class Entry:
    """A value, a stub, a pass or a tag record, with what decides whether it may be served.

    `tags` maps each tag's key to the version it had before the load; `keep` is how long the store
    is to hold the entry in seconds (`None`: for good); `fresh_until` is on this process's
    monotonic clock; `born` is when the load ended, in seconds since the epoch; `ttl` and
    `load_time` are seconds; `codec` and `schema` say who wrote the bytes.

    It has two faces: the value, kept so that no caller can change it, and `payload`, its bytes.
    """

    __slots__ = (
        "__weakref__",
        "born",
        "codec",
        "fresh_until",
        "keep",
        "kept",
        "kind",
        "links",
        "load_time",
        "payload",
        "schema",
        "tags",
        "thaw",
        "ttl",
        "version",
        "vouched",
    )

    def __init__(
        self,
        kind: Kind,
        *,
        version: int | None = None,
        tags: Mapping[str, int] | None = None,
        keep: float | None = None,
    ) -> None:
        self.kind = kind
        self.version = new_version() if version is None else version
        self.keep = keep
        self.tags: Mapping[str, int]
        self.links: tuple[tuple[Entry, int], ...]
        self.carry(tags or {})
        self.fresh_until = -inf
        self.born = 0.0
        self.ttl: float | None = None
        self.load_time = 0.0
        self.codec = ""
        self.schema = b""
        self.payload: bytes | None = None
        self.kept: Any = None
        self.thaw: Callable[[Any], Any] | None = None
        self.vouched: object = None

    def keeping(self, value: Any, *, share: bool) -> "Entry":
        """Take `value` as the face that is served; raises `EncodeError` if it cannot be copied."""
        self.kept, self.thaw = freeze(value, share=share)
        return self

    def freshen(self, ttl: float | None, clock: Clock) -> None:
        """Born now, fresh for `ttl` seconds."""
        self.ttl = ttl
        self.born = clock.time()
        self.fresh_until = inf if ttl is None else clock.monotonic() + ttl

    def serves(self, now: float) -> bool:
        """The only rule of whether a hit may be served: fresh, and each tag at its version."""
        if now >= self.fresh_until:
            return False
        for record, version in self.links:  # noqa: SIM110
            if record.version != version:
                return False
        return True

    def holds(self) -> bool:
        """Whether each tag is still at the version this entry carries."""
        return all(record.version == version for record, version in self.links)

    def carry(self, tags: Mapping[str, int]) -> None:
        """Take over tags and their versions."""
        self.tags = tags
        self.links = UNLINKED if tags else ()

    def link(self, records: Mapping[str, "Entry"]) -> None:
        """Hold the records of its tags, not their names; one that is missing is a dead one."""
        self.links = tuple((records.get(tag, DEAD), v) for tag, v in self.tags.items())

    def open(self, serializer: Serializer) -> Any:
        """The value, as the caller's own."""
        if self.payload is not None and self.thaw is None and self.kept is None:
            return serializer.loads(self.payload)
        return self.kept if self.thaw is None else self.thaw(self.kept)

    def __repr__(self) -> str:
        return f"<{self.kind.name.lower()} {self.version:x} tags={list(self.tags)}>"


DEAD: Final = Entry(Kind.TAG, version=-1)
UNLINKED: Final = ((DEAD, 0),)
