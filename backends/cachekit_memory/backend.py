"""`MemoryBackend`: a bounded, thread-safe table of entries."""

import os
import threading
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, Literal, TypeAlias, cast, get_args
from weakref import WeakSet

from cachetools import Cache, LRUCache

from cachekit.backend import (
    ABSENT,
    ANY,
    DONE,
    FORGET_PREFIX,
    LOCAL,
    PEEK,
    REFUSED,
    Backend,
    C,
    Capability,
    Condition,
    Found,
    Outcome,
    Write,
    offer,
)
from cachekit.clock import SYSTEM, Clock
from cachekit.entry import Entry, Kind
from cachekit.errors import ConfigurationError
from cachekit_memory.deadlines import Deadlines
from cachekit_memory.garbage import let_go_of
from cachekit_memory.s3fifo import S3FIFO
from cachekit_memory.size import size_of
from cachekit_memory.slotted import Slotted
from cachekit_memory.tags import TagRecords
from cachekit_memory.tinylfu import TinyLFU
from cachekit_memory.url import number_or_none, parameters

Eviction: TypeAlias = Literal["tinylfu", "s3fifo", "lru"]

MAX_ENTRIES: Final = 10_000


class MemoryBackend(Backend):
    """Keeps entries in this process, within bounds, for as long as each says.

    At most `max_entries` values are kept, and at most about `max_bytes` of them, as
    `cachekit_memory.size` estimates it (`None`: no such bound; both hold if both are given). A
    value larger than `max_bytes` is written and evicted at once. `policy` chooses what goes:
    `"tinylfu"` keeps what is asked for more often, `"s3fifo"` what is used again, `"lru"` what was
    used last. Only on `"lru"` does a hit wait for a lock. Stubs, passes and tag records live beside
    the values and are never evicted.

    Every method may be called on any thread, and none suspends. A forked child starts empty.
    """

    suspends = False

    def __init__(
        self,
        *,
        max_entries: int | None = MAX_ENTRIES,
        max_bytes: int | None = None,
        policy: Eviction = "tinylfu",
        clock: Clock = SYSTEM,
    ) -> None:
        self._max_entries = _bound("max_entries", max_entries)
        self._values = _values(policy, _bound("max_bytes", max_bytes))
        self._value = _looking_into(self._values)
        self._beside: dict[str, Entry] = {}
        self._deadlines = Deadlines()
        self._tags = TagRecords()
        self._clock = clock
        self._start()
        _living.add(self)

    @classmethod
    def from_url(cls, url: str) -> "MemoryBackend":
        """Made from `memory://?max_entries=10000&max_bytes=none&policy=tinylfu`, all optional."""
        given = parameters(url, ("max_entries", "max_bytes", "policy"))
        return cls(
            max_entries=number_or_none("max_entries", given.get("max_entries", str(MAX_ENTRIES))),
            max_bytes=number_or_none("max_bytes", given.get("max_bytes", "none")),
            policy=cast("Eviction", given.get("policy", "tinylfu")),
        )

    def __len__(self) -> int:
        """The number of values."""
        return len(self._values)

    def __bool__(self) -> bool:
        return True

    def capability(self, wanted: Capability[C]) -> C | None:
        peek = self._values if isinstance(self._values, Slotted) else self
        having: dict[Capability[Any], object] = {LOCAL: self, PEEK: peek, FORGET_PREFIX: self}
        return offer(wanted, having)

    async def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def peek(self, key: str) -> Entry | None:
        """The value under `key`; unless of LRU, `capability(PEEK)` has one that takes no lock."""
        with self._lock:
            return self._values.get(key)

    async def read(self, keys: Sequence[str]) -> Found:
        with self._lock:
            now = self._clock.monotonic()
            looked = [(key, self._use(key, now)) for key in keys]
        return {key: entry for key, entry in looked if entry is not None}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        with self._lock:
            now = self._clock.monotonic()
            return [self._write(write, now) for write in writes]

    async def forget_prefix(self, prefixes: Sequence[str]) -> Outcome:
        starts = tuple(prefixes)
        with self._lock:
            for key in [*self._values, *self._beside, *self._tags]:
                if key.startswith(starts):
                    self._drop(key)
        return DONE

    def _start(self) -> None:
        # Re-entrant: the destructor of a value, or a signal handler, may use the cache while its
        # thread is in here.
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        # Destructors of what goes may use this: they come when all tables are new.
        gone = [self._value(key) for key in self._values], self._beside
        self._values.clear()
        self._beside = {}
        self._deadlines = Deadlines()
        self._tags.clear()
        del gone
        self.evictions = 0
        """How many values the bounds have driven out."""

    def _use(self, key: str, now: float) -> Entry | None:
        entry = self._find(key, now)
        if entry is not None and entry.kind is Kind.VALUE:
            return self._values[key]
        if entry is not None and entry.kind is Kind.TAG:
            self._tags.hold(entry)
        return entry

    def _find(self, key: str, now: float) -> Entry | None:
        if self._deadlines.passed(key, now):
            self._drop(key)
        return self._look(key) or self._tags.get(key, now)

    def _look(self, key: str) -> Entry | None:
        """The value, stub or pass under `key`; that is no use of it."""
        return self._value(key) or self._beside.get(key)

    def _write(self, write: Write, now: float) -> Outcome:
        for key in self._deadlines.overdue(now):
            self._drop(key)
        if not _meets(write.expected, self._find(write.key, now)):
            return REFUSED
        if write.entry is None:
            self._drop(write.key)
        else:
            self._put(write.key, write.entry, now)
        return DONE

    def _put(self, key: str, entry: Entry, now: float) -> None:
        deadline = inf if entry.keep is None else now + entry.keep
        if entry.kind is Kind.TAG:
            self._drop_entry(key)
            self._tags.put(key, entry, now, deadline)
            return
        # Before the drop: what goes may be the last that names one of these tags.
        entry.link(self._tags.among(entry.tags, now))
        self._drop(key)
        if entry.kind is Kind.VALUE:
            self._tags.share(entry)
            self._admit(key, entry, deadline)
        else:
            self._beside[key] = entry
            self._deadlines.set(key, deadline)

    def _admit(self, key: str, value: Entry, deadline: float) -> None:
        """Make room in the policy; a value larger than all there is goes at once."""
        values, size = self._values, self._values.getsizeof(value)
        if size > values.maxsize:
            self.evictions += 1
            return
        while len(values) >= self._max_entries or values.currsize + size > values.maxsize:
            self._evict()
        let_go_of(value)
        old = self._value(key)  # held, as by `_drop_entry`
        values[key] = value
        self._deadlines.set(key, deadline)
        del old

    def _evict(self) -> None:
        key, _ = self._values.popitem()
        self._deadlines.drop(key)
        self.evictions += 1

    def _drop(self, key: str) -> None:
        self._drop_entry(key)
        self._tags.kill(key)

    def _drop_entry(self, key: str) -> None:
        entry = self._look(key)  # held until the tables agree: its destructor may use the cache
        if entry is not None:
            self._deadlines.drop(key)
            if entry.kind is Kind.VALUE:
                del self._values[key]
            else:
                del self._beside[key]


def _values(policy: str, max_bytes: float) -> Cache[str, Entry]:
    getsizeof = None if max_bytes == inf else size_of
    if policy == "lru":
        return LRUCache(max_bytes, getsizeof)
    if policy == "s3fifo":
        return S3FIFO(max_bytes, getsizeof)
    if policy == "tinylfu":
        return TinyLFU(max_bytes, getsizeof)
    raise ConfigurationError(f"policy must be one of {get_args(Eviction)}, not {policy!r}")


def _looking_into(values: Cache[str, Entry]) -> Callable[[str], Entry | None]:
    """Gives the value under a key, which is no use of it."""
    if isinstance(values, Slotted):
        return values.look

    def look(key: str) -> Entry | None:
        return _VALUE(values, key) if key in values else None

    return look


def _bound(name: str, value: Any) -> float:
    if value is None:
        return inf
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(
            f"{name} must be a whole number of at least 1, or None for no bound; not {value!r}"
        )
    return value


def _meets(expected: int | Condition, found: Entry | None) -> bool:
    if found is None or isinstance(expected, Condition):
        return expected is ANY or (expected is ABSENT and found is None)
    return found.version == expected


_VALUE: Final[Callable[[Cache[str, Entry], str], Entry]] = cast("Any", Cache).__getitem__
"""That of the class all policies come from: those of their own count a use."""

_living: Final[WeakSet[MemoryBackend]] = WeakSet()


def _start_living() -> None:
    for backend in list(_living):
        backend._start()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):  # R12
    os.register_at_fork(after_in_child=_start_living)
