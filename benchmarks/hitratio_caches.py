"""Who has hit ratios: plain policies, the best that there can be, ours and those of others."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from heapq import heappop, heappush
from importlib import import_module
from math import inf
from typing import Any, Final

from cachetools import LFUCache

from benchmarks.results import OURS
from cachekit.backend import PEEK
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction

Play = Callable[[Sequence[int], int], int]
"""How many of the requests hit a cache of so many entries that is empty at first."""


@dataclass(frozen=True)
class Subject:
    """A cache, and what installs it, if that may be missing."""

    name: str
    play: Play
    package: str = ""
    note: str = ""
    floor: bool = False
    drawn: bool = True


def opt(requests: Sequence[int], size: int) -> int:
    """Belady's: what is asked for latest goes, or is not let in. Nobody can do better."""
    cached: dict[int, int] = {}
    farthest: list[tuple[int, int]] = []
    hits = 0
    for key, next_use in zip(requests, _next_uses(requests), strict=True):
        hits += key in cached
        cached[key] = next_use
        heappush(farthest, (-next_use, key))
        if len(cached) > size:
            _drop_farthest(cached, farthest)
    return hits


def _next_uses(requests: Sequence[int]) -> list[int]:
    """For each request, where its key is asked for next; past the end, if nowhere."""
    seen: dict[int, int] = {}
    uses: list[int] = []
    for place in range(len(requests) - 1, -1, -1):
        uses.append(seen.get(requests[place], len(requests)))
        seen[requests[place]] = place
    return uses[::-1]


def _drop_farthest(cached: dict[int, int], farthest: list[tuple[int, int]]) -> None:
    while True:
        use, key = heappop(farthest)
        if cached.get(key) == -use:  # else it was asked for since
            del cached[key]
            return


def lru(requests: Sequence[int], size: int) -> int:
    """What was not used for longest goes."""
    cached: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in requests:
        if key in cached:
            hits += 1
            cached.move_to_end(key)
        else:
            cached[key] = None
            if len(cached) > size:
                cached.popitem(last=False)
    return hits


class Node:
    """A key in the queue of SIEVE, between an older and a newer one."""

    __slots__ = ("key", "newer", "older", "used")

    def __init__(self, key: int, older: "Node | None") -> None:
        self.key = key
        self.used = False
        self.older = older
        self.newer: Node | None = None
        if older:
            older.newer = self


class Sieve:
    """Zhang and others: "SIEVE is Simpler than LRU", NSDI 2024: one queue, and a hand in it."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self._newest: Node | None = None
        self._hand: Node | None = None

    def add(self, key: int) -> None:
        self._newest = self.nodes[key] = Node(key, self._newest)

    def evict(self) -> None:
        """Take out the first unused one that the hand finds, from the oldest to the newest."""
        node = self._hand or next(iter(self.nodes.values()))
        while node.used:
            node.used = False
            node = node.newer or next(iter(self.nodes.values()))
        self._hand = node.newer
        self._unlink(node)

    def _unlink(self, node: Node) -> None:
        if node.older:
            node.older.newer = node.newer
        if node.newer:
            node.newer.older = node.older
        else:
            self._newest = node.older
        del self.nodes[node.key]


def sieve(requests: Sequence[int], size: int) -> int:
    cached, hits = Sieve(), 0
    for key in requests:
        node = cached.nodes.get(key)
        if node is not None:
            hits += 1
            node.used = True
        else:
            if len(cached.nodes) >= size:
                cached.evict()
            cached.add(key)
    return hits


def _ours(policy: Eviction | None = None) -> Play:
    """As the memory backend uses its policy, which is told of hits by its `peek` alone."""
    backend = MemoryBackend(policy=policy) if policy else MemoryBackend()
    make: Any = type(backend.capability(PEEK))

    def play(requests: Sequence[int], size: int) -> int:
        cache, hits = make(inf), 0
        for key in requests:
            if cache.peek(key) is not None:
                hits += 1
                continue
            if len(cache) >= size:
                cache.popitem()
            cache[key] = True
        return hits

    return play


def through(cache: Any, put: Callable[[int, bool], object], requests: Sequence[int]) -> int:
    """How often `cache.get(key)` is not None, if what is missing is then put there."""
    get, hits = cache.get, 0
    for key in requests:
        if get(key) is not None:
            hits += 1
        else:
            put(key, True)
    return hits


def _mapping(module: str, name: str) -> Play:
    def play(requests: Sequence[int], size: int) -> int:
        cache = getattr(import_module(module), name)(size)
        return through(cache, cache.__setitem__, requests)

    return play


def _moka(policy: str) -> Play:
    def play(requests: Sequence[int], size: int) -> int:
        cache: Any = import_module("moka_py").Moka(size, policy=policy)
        return through(cache, cache.set, requests)

    return play


def _theine(requests: Sequence[int], size: int) -> int:
    hits = 0
    with closing(import_module("theine").Cache(size)) as cache:
        for key in requests:
            if cache.get(key)[1]:
                hits += 1
            else:
                cache.set(key, True)
    return hits


def _lfu(requests: Sequence[int], size: int) -> int:
    cache: LFUCache[int, bool] = LFUCache(size)
    return through(cache, cache.__setitem__, requests)


_BATCHES: Final = "evicts in batches, and has some dozens of entries more than it should until then"

SUBJECTS: Final = (
    Subject("OPT (Belady)", opt),
    Subject(OURS, _ours()),
    Subject(f"{OURS}, S3-FIFO", _ours("s3fifo")),
    Subject("moka-py", _moka("tiny_lfu"), "moka-py", _BATCHES),
    Subject("theine", _theine, "theine"),
    Subject("SIEVE", sieve),
    Subject("LFU", _lfu),
    Subject("LRU", lru, floor=True),
    Subject("cachebox, LFU", _mapping("cachebox", "LFUCache"), "cachebox", drawn=False),
    Subject("cachebox, LRU", _mapping("cachebox", "LRUCache"), "cachebox", drawn=False),
    Subject("moka-py, LRU", _moka("lru"), "moka-py", _BATCHES, drawn=False),
)
"""In the order in which they are shown. What is not drawn would lie on another's curve."""
