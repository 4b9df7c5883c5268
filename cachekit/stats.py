"""Plain counters, and what users see of them."""

from dataclasses import dataclass, field, fields

from cachekit.backend import Measure, Tiers


@dataclass(slots=True)
class Info:
    """What one function, or one cache's direct calls, have seen so far.

    Counts may fall short by a few where many threads count at once.
    """

    hits: int = 0
    misses: int = 0
    loads: int = 0


@dataclass(slots=True)
class Counters:
    """What happened behind a cache's calls."""

    load_errors: int = 0
    shared: int = 0
    fills: int = 0
    refused_fills: int = 0
    leases: int = 0
    refused_leases: int = 0
    takeovers: int = 0
    stale: int = 0
    refreshes: int = 0
    unconfirmed_tags: int = 0
    waits: int = 0
    passes: int = 0
    renewals: int = 0
    unstored: int = 0
    alone: int = 0
    not_encoded: int = 0
    too_large: int = 0
    unreadable: int = 0
    foreign: int = 0
    unreached: int = 0
    degraded: int = 0
    far_hits: int = 0
    invalidations: int = 0
    unacknowledged: int = 0


@dataclass(frozen=True, slots=True)
class FunctionStats:
    """A moment's figures of one function, by its `name`; `""` are the direct calls."""

    name: str
    hits: int
    misses: int
    loads: int


@dataclass(frozen=True, slots=True)
class TierStats:
    """A moment's figures of one tier of a store that has several.

    - `hits`, `misses`: lookups that it answered, and that went past it to the next.
    - `bypasses`: lookups that did not ask it, since nobody could say that its copies were right; of
      all caches that share the store. Most of them are among the `misses`, too.
    """

    name: str
    hits: int
    misses: int
    bypasses: int


@dataclass(frozen=True, slots=True)
class NodeStats:
    """A moment's figures of one node of a store, which may fail by itself.

    - `is_open`: the node failed so often that its breaker lets no call through until a probe is
      answered.
    - `failures`: operations without an answer; `skipped`: operations that were not tried.
    - `journaled`: what was to be forgotten there and is not yet, right now. While that is not 0 the
      node is not asked for anything.
    - `replayed`: what was forgotten there later than it was asked for.
    - `overflows`: times that the journal was full, so that everything will be forgotten.
    """

    name: str
    is_open: bool
    failures: int
    skipped: int
    journaled: int
    replayed: int
    overflows: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """A moment's figures of one cache.

    - `hits`, `misses`, `loads`: of all functions and direct calls together. Hits and misses are
      counted by caller, and a stale value that is served at once is a hit. A thousand callers who
      share one load are a thousand misses, one of `loads` and 999 of `shared`.
    - `load_errors`: loads that raised or took longer than their timeout.
    - `shared`: calls that got their value from a load someone else had begun.
    - `fills`, `refused_fills`: values stored, and not stored since something forgot them meanwhile.
    - `leases`, `refused_leases`, `takeovers`: stubs put, not put, put over something invalid.
    - `stale`: values served past their ttl; `refreshes`: loads with the old value still there.
    - `unconfirmed_tags`: loads done again, since they named tags that had not been met before.
    - `waits`: times a call waited for another process's load.
    - `passes`: loads that failed and let others try at once.
    - `renewals`: stubs and passes kept alive under a long load.
    - `unstored`: loads that stored nothing since the store did not answer when they began, or since
      the load of another process had been waited for in vain.
    - `alone`: loads for one caller, neither stored nor shared: inside of `deferred()`, say.
    - `not_encoded`: values that could be neither copied nor encoded.
    - `too_large`: loaded values of more bytes than `max_value_bytes`, or the store, allows; served
      and not stored.
    - `unreadable`: values that could not be read: torn, corrupt, not signed or encrypted by who
      should. What a store of bytes found is of all caches that share it.
    - `foreign`: misses where there was a value of another serializer, schema, version or key.
    - `unreached`: backend operations without an answer.
    - `degraded`: reads and writes that did not ask the store, since it had failed before.
    - `far_hits`: those of `hits` for which a store had to be asked.
    - `invalidations`, `unacknowledged`: what forgets, done and not done.
    - `functions`: hits, misses and loads by function, those of direct calls first.
    - `tiers`: of a store with copies in front of it, the nearest first; else there are none.
    - `nodes`: of a store that does I/O.
    """

    hits: int
    misses: int
    loads: int
    load_errors: int
    shared: int
    fills: int
    refused_fills: int
    leases: int
    refused_leases: int
    takeovers: int
    stale: int
    refreshes: int
    unconfirmed_tags: int
    waits: int
    passes: int
    renewals: int
    unstored: int
    alone: int
    not_encoded: int
    too_large: int
    unreadable: int
    foreign: int
    unreached: int
    degraded: int
    far_hits: int
    invalidations: int
    unacknowledged: int
    functions: tuple[FunctionStats, ...] = ()
    tiers: tuple[TierStats, ...] = ()
    nodes: tuple[NodeStats, ...] = ()

    @property
    def hit_ratio(self) -> float:
        """Hits per lookup, 0.0 if there was none."""
        return self.hits / max(1, self.hits + self.misses)


@dataclass(slots=True)
class Ledger:
    """All counters of one cache; each function has an `Info` of its own, by its name."""

    counters: Counters = field(default_factory=Counters)
    direct: Info = field(default_factory=Info)
    functions: dict[str, Info] = field(default_factory=dict[str, Info])

    def function(self, name: str) -> Info:
        """The counters of the function of that name: one that is defined again keeps them."""
        return self.functions.setdefault(name, Info())

    def snapshot(self) -> Stats:
        infos = [("", self.direct), *self.functions.copy().items()]
        each = [FunctionStats(name, i.hits, i.misses, i.loads) for name, i in infos]
        sums = {f.name: sum(getattr(one, f.name) for one in each) for f in fields(Info)}
        counts = {f.name: getattr(self.counters, f.name) for f in fields(Counters)}
        return Stats(**sums, **counts, functions=tuple(each))


class StoreFigures:
    """What the stores of one cache have counted, one after the other: it never goes down.

    A cache that opens again may have another store, which begins at nothing.
    """

    def __init__(self) -> None:
        self._before: tuple[int, Measure | None] = (0, None)
        self._near_hits = 0

    def unreadable(self, store: Measure | None) -> int:
        """So far, `store` being what there is now, if it is open and counts."""
        before, known = self._before  # as one: two threads may ask at once
        if store is None or store is known:
            return before + _unreadable(known)
        before += _unreadable(known)
        self._before = (before, store)
        return before + store.unreadable

    def tiers(self, stats: Stats, tiers: Tiers | None) -> tuple[TierStats, ...]:
        """What each of two tiers has answered, of all that one cache asked."""
        if tiers is None:
            return ()
        # A hit of another thread may be in one of the two counts only.
        self._near_hits = max(self._near_hits, stats.hits - stats.far_hits)
        near, far = tiers.names
        missed = stats.far_hits + stats.misses
        return (
            TierStats(near, self._near_hits, missed, tiers.bypasses),
            TierStats(far, stats.far_hits, stats.misses, 0),
        )


def _unreadable(store: Measure | None) -> int:
    return 0 if store is None else store.unreadable
