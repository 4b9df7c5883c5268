"""What moves between the Cache and its backends."""

import os
import threading
from collections.abc import Callable, Mapping
from enum import IntEnum
from itertools import islice
from math import inf
from typing import Any, Final

from cachekit.clock import Clock
from cachekit.copies import freeze, freeze_small
from cachekit.errors import EncodeError

_NEVER: Final = -inf


class Kind(IntEnum):
    """What an entry is."""

    VALUE = 1
    STUB = 2  # someone is loading: wait
    PASS = 3  # a load was tried in vain a moment ago
    TAG = 4  # the current version of a tag


VALUE: Final = Kind.VALUE
TAG: Final = Kind.TAG
"""The same, for where every hit passes: to look a member up in its class takes long."""


def new_version() -> int:
    """63 random bits. Not from `random`: equal seeds would give two workers one stub."""
    return int.from_bytes(os.urandom(8), "big") >> 1


class Caller:
    """Who asks: a decorated function by its name, or all direct calls of one policy, without one.

    Entries hold it. It holds nothing that could lead back to them.
    """

    __slots__ = ("name",)

    def __init__(self, name: str = "") -> None:
        self.name = name


class Entry:
    """A value, a stub, a pass or a tag record, with what decides whether it may be served.

    `tags` maps each tag's key to the version it had before the load; the first `declared` of them
    are what the call declared, the rest came from the result. `keep` is how long the store is to
    hold the entry in seconds (`None`: for good). `born` is when the load ended, in seconds since
    the epoch; `ttl`, `stale_while_revalidate`, `stale_if_error` and `load_time` are seconds;
    `fresh_until` and `serves_until` are on this process's monotonic clock. `codec`, `schema` and
    `revision` say who wrote the bytes; `skip_l1`: no process is to keep a copy of it. `again`: how
    often a store has given the same bytes anew.

    It has two faces: the value, kept so that no caller can change it, and `payload`, its bytes. An
    entry with both was decoded by `opener`, whose value it keeps.
    """

    __slots__ = (
        "__weakref__",
        "again",
        "born",
        "codec",
        "declared",
        "fresh_until",
        "keep",
        "kept",
        "kind",
        "links",
        "load_time",
        "opener",
        "payload",
        "revision",
        "schema",
        "serves_until",
        "skip_l1",
        "stale_if_error",
        "stale_while_revalidate",
        "tags",
        "thaw",
        "ttl",
        "version",
        "vouched",
    )

    def __init__(
        self,
        kind: Kind,
        version: int | None = None,
        tags: Mapping[str, int] | None = None,
        *,
        keep: float | None = None,
    ) -> None:
        self.kind = kind
        self.version = new_version() if version is None else version
        self.keep = keep
        self.tags: Mapping[str, int] = tags or {}
        self.declared = len(tags) if tags else 0
        self.links: tuple[tuple[Entry, int], ...] = UNLINKED if tags else ()
        self.fresh_until = self.serves_until = _NEVER
        self.ttl: float | None = None
        self.stale_while_revalidate = self.stale_if_error = 0.0
        self.born = self.load_time = 0.0
        self.codec = self.revision = ""
        self.schema = b""
        self.skip_l1 = False
        self.payload: bytes | None = None
        self.kept: Any = None
        self.thaw: Callable[[Any], Any] | None = None
        self.vouched: Caller | None = None
        self.opener: object = None
        self.again: int = 0

    def keeping(self, value: Any, *, share: bool) -> "Entry":
        """Take `value` as the face that is served; raises `EncodeError` if it cannot be copied."""
        self.kept, self.thaw = freeze(value, share=share)
        return self

    def keep_open(self, opener: object, value: Any, *, share: bool) -> bool:
        """Keep what `opener` has made of the bytes; False if it cannot be copied."""
        try:
            self.keeping(value, share=share)
        except EncodeError:
            return False
        self.opener = opener  # last: who finds it finds the rest
        return True

    def keep_read(self, opener: object, value: Any) -> None:
        """Keep what `opener` makes of bytes that come again and again, if copies cost little.

        For good: caches in other threads may have been given the same entry.
        """
        if not _KEEPING.acquire(blocking=False):
            return  # the next time; a fork may have left it taken, which then costs but time
        try:
            if self.opener is None:
                frozen = freeze_small(value)
                if frozen is not None:
                    self.kept, self.thaw = frozen
                self.opener = _NOBODY if frozen is None else opener  # last, as above
        finally:
            _KEEPING.release()

    def freshen(self, ttl: float | None, clock: Clock) -> None:
        """Born now, fresh for `ttl` seconds."""
        self.ttl = ttl
        self.born = clock.time()
        self.fresh_until = inf if ttl is None else clock.monotonic() + ttl
        self.serves_until = self.fresh_until

    def dated(self, time: float, now: float) -> "Entry":
        """A value that was read: fresh until its ttl has passed since it was born.

        `time` and `now` are this host's clocks: since the epoch, and monotonic.
        """
        if self.payload is not None:
            age = time - self.born
            left = inf if self.ttl is None else self.ttl - (age if age > 0.0 else 0.0)
            self.fresh_until = self.serves_until = now + left
        return self

    def outlast(self, spare: float) -> None:
        """Have the store keep it so many seconds longer than it is usable."""
        usable = max(self.stale_while_revalidate, self.stale_if_error)
        self.keep = None if self.ttl is None else self.ttl + usable + spare

    def copy(self) -> "Entry":
        """Another one of the same value, version and tags, whose life has yet to begin."""
        same = Entry(self.kind, version=self.version, keep=self.keep)
        for name in _COPIED:
            setattr(same, name, getattr(self, name))
        return same

    def twin(self) -> "Entry":
        """Another one of the same life, for whoever is to change it."""
        same = self.copy()
        same.born, same.fresh_until, same.serves_until = (
            self.born,
            self.fresh_until,
            self.serves_until,
        )
        return same

    def expire(self) -> None:
        """Its bytes cannot be read: whoever holds it has no use for it."""
        self.fresh_until = self.serves_until = _NEVER

    def vouch(self, caller: Caller | None, until: float) -> None:
        """From here on a hit of `caller` is served, until then, with nothing more to look at."""
        if caller is None:
            return
        self.vouched = caller
        self.serves_until = until

    def serves(self, now: float) -> bool:
        """The only rule of whether a hit may be served: fresh, and each tag at its version."""
        if now >= self.serves_until:
            return False
        for record, version in self.links:  # noqa: SIM110
            if record.version != version:
                return False
        return True

    def serves_stale(self, now: float) -> bool:
        """Whether its time allows that it is served at once, though perhaps not fresh."""
        return now < self.fresh_until + self.stale_while_revalidate

    def serves_failures(self, now: float) -> bool:
        """Whether its time allows that it is served, at the latest if its refresh fails."""
        return now < self.fresh_until + max(self.stale_while_revalidate, self.stale_if_error)

    def holds(self) -> bool:
        """Whether each tag is still at the version this entry carries."""
        for record, version in self.links:  # noqa: SIM110
            if record.version != version:
                return False
        return True

    def carry(self, tags: Mapping[str, int], derived: Mapping[str, int] | None = None) -> None:
        """Take over declared tags and their versions, and those `derived` from the result."""
        self.declared = len(tags)
        self.tags = {**tags, **derived} if derived else tags
        self.links = UNLINKED if self.tags else ()

    def declared_tags(self) -> dict[str, int]:
        """The tags, with their versions, that did not come from the result."""
        return dict(islice(self.tags.items(), self.declared))

    def link(self, records: Mapping[str, "Entry"]) -> None:
        """Hold the records of its tags, not their names; one that is missing is a dead one."""
        links: list[tuple[Entry, int]] = []
        for tag, version in self.tags.items():
            links.append((records.get(tag, DEAD), version))
        self.links = tuple(links)

    def __repr__(self) -> str:
        return f"<{self.kind.name.lower()} {self.version:x} tags={list(self.tags)}>"


_NOBODY: Final = object()
"""Has opened what is not worth while to keep."""

_KEEPING: Final = threading.Lock()

OFTEN: Final = 3
"""So many times the same bytes have come again when it is worth while to keep what they make."""

_COPIED: Final = tuple(
    name
    for name in Entry.__slots__
    if name
    not in ("__weakref__", "born", "fresh_until", "serves_until", "vouched", "opener", "again")
)

DEAD: Final = Entry(Kind.TAG, version=-1)
UNLINKED: Final = ((DEAD, 0),)
