"""The figures that are told of a cache: their names, their labels, and where in its stats they are.

A name is that of the figure in `Stats`, where it has one there. Whatever its labels, the sum over
all of them means something; that is why what a tier did has names of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cachekit.cache import Cache
from cachekit.errors import ConfigurationError
from cachekit.stats import NodeStats, Stats, TierStats

Caches: TypeAlias = Cache | Mapping[str, Cache]
Sample: TypeAlias = tuple[tuple[str, ...], float]
"""The values of the labels, and the figure."""

DEFAULT: Final = "default"
"""What the one cache is called that was given without a name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a count that only grows, or, if it is a `gauge`, something as it is now.

    `labels` are those that `read` gives values for; the name of the cache comes before them.
    """

    name: str
    help: str
    read: Callable[[Stats], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    gauge: bool = False

    @property
    def all_labels(self) -> tuple[str, ...]:
        return ("cache", *self.labels)

    def of_all(self, seen: Mapping[str, Stats]) -> Iterable[Sample]:
        """The samples of all caches, by their names."""
        for name, stats in seen.items():
            for values, number in self.read(stats):
                yield (name, *values), number


def named(what: str, caches: Caches) -> Mapping[str, Cache]:
    """The caches by name; `what` asks for them."""
    given: Any = caches
    if not isinstance(given, (Cache, Mapping)):
        raise ConfigurationError(
            f"{what} takes a Cache or a mapping {{name: cache}}, not {given!r}"
        )
    return {DEFAULT: caches} if isinstance(caches, Cache) else caches


def stats_of(caches: Mapping[str, Cache]) -> dict[str, Stats]:
    """What each of them says now."""
    return {name: cache.stats() for name, cache in list(caches.items())}


def _plain(name: str, says: str, field: str = "") -> Figure:
    return Figure(name, says, lambda stats: [((), getattr(stats, field or name))])


def _by_function(name: str, says: str) -> Figure:
    def read(stats: Stats) -> Iterable[Sample]:
        return [((function.name,), getattr(function, name)) for function in stats.functions]

    return Figure(name, says, read, ("function",))


def _two(name: str, says: str, label: str, **fields: str) -> Figure:
    """One figure of two fields of `Stats`, each by the value that `label` has for it."""

    def read(stats: Stats) -> Iterable[Sample]:
        return [((value,), getattr(stats, field)) for value, field in fields.items()]

    return Figure(name, says, read, (label,))


def _by_tier(name: str, says: str, get: Callable[[TierStats], float]) -> Figure:
    def read(stats: Stats) -> Iterable[Sample]:
        return [((tier.name,), get(tier)) for tier in stats.tiers]

    return Figure(name, says, read, ("tier",))


def _by_node(
    name: str, says: str, get: Callable[[NodeStats], float], *, gauge: bool = False
) -> Figure:
    def read(stats: Stats) -> Iterable[Sample]:
        return [((node.name,), get(node)) for node in stats.nodes]

    return Figure(name, says, read, ("node",), gauge)


FIGURES: Final = (
    _by_function("hits", "Lookups that were answered from the cache; stale values, too."),
    _by_function("misses", "Lookups that the cache had no answer for."),
    _by_function("loads", "Calls of what loads."),
    _plain("load_errors", "Loads that raised or took too long."),
    _plain("coalesced", "Calls that were given the value of a load begun by another.", "shared"),
    _plain("stale", "Values served past their ttl."),
    _plain("refreshes", "Loads begun while the old value was there."),
    _two(
        "fills",
        "Loaded values, by what became of them.",
        "outcome",
        stored="fills",
        refused="refused_fills",
    ),
    _two(
        "leases",
        "Marks that keep others from loading.",
        "outcome",
        taken="leases",
        refused="refused_leases",
    ),
    _plain("takeovers", "Leases taken over something invalid."),
    _plain("waits", "Times that a call waited for another process's load."),
    _plain("passes", "Loads that failed and let others try at once."),
    _plain("renewals", "Leases kept alive under a long load."),
    _plain("unconfirmed_tags", "Loads done again for tags that had not been met before."),
    _plain("unstored", "Loads that stored nothing, since the store did not answer."),
    _plain("alone", "Loads for one caller, neither stored nor shared."),
    _plain("not_encoded", "Values that could be neither copied nor encoded."),
    _plain("too_large", "Loaded values of too many bytes to be stored."),
    _plain("unreadable", "Values in the store that could not be read."),
    _plain("foreign", "Misses where there was a value of another format or version."),
    _plain("unreached", "Operations of the store without an answer."),
    _plain("degraded", "Reads and writes that did not ask the store: it had failed before."),
    _plain("far_hits", "Hits for which a store had to be asked."),
    _two(
        "invalidations",
        "What was to be forgotten, by whether the store acknowledged it.",
        "acknowledged",
        true="invalidations",
        false="unacknowledged",
    ),
    _by_tier("tier_hits", "Lookups that this tier answered.", lambda tier: tier.hits),
    _by_tier("tier_misses", "Lookups that went past this tier.", lambda tier: tier.misses),
    _by_tier(
        "tier_bypasses",
        "Lookups that did not ask this tier: it may have been out of date.",
        lambda tier: tier.bypasses,
    ),
    _by_node(
        "breaker_open",
        "1 while no call is let through to this node.",
        lambda node: int(node.is_open),
        gauge=True,
    ),
    _by_node(
        "journaled",
        "What is still to be forgotten at this node.",
        lambda node: node.journaled,
        gauge=True,
    ),
    _by_node(
        "node_failures", "Operations that this node did not answer.", lambda node: node.failures
    ),
    _by_node("node_skipped", "Operations not tried at this node.", lambda node: node.skipped),
    _by_node(
        "replayed",
        "What was forgotten at this node later than it was asked for.",
        lambda node: node.replayed,
    ),
    _by_node(
        "journal_overflows",
        "Times that so much was to be forgotten that all will be.",
        lambda node: node.overflows,
    ),
)
"""All that is told."""

BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Seconds of a load, up to the `load_timeout` of who says nothing about it."""
