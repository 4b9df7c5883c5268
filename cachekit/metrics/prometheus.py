"""Prometheus: `CacheCollector` for what is counted, `LoadTimes` for how long loads take."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from typing import Final, Self, TypeAlias

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Histogram
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ImportError(
        f"cachekit.metrics.prometheus needs prometheus-client ({error}): "
        "pip install 'cachekit-framework[prometheus]'",
        name=error.name,
    ) from error

from cachekit.listeners import Listener
from cachekit.metrics.figures import BUCKETS, DEFAULT, FIGURES, Caches, Figure, named, stats_of

__all__ = ["CacheCollector", "LoadTimes"]

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily

PREFIX: Final = "cachekit_"


class CacheCollector(Collector):
    """The figures of one cache or of several, read from `Cache.stats()` at each scrape.

    `caches`: a cache, which is called `default`, or all of them by name; one that is put into that
    mapping later is told of from then on. A registry takes one collector, so name them all there.

    >>> from prometheus_client import CollectorRegistry
    >>> from cachekit import Cache
    >>> registry = CollectorRegistry()
    >>> registry.register(CacheCollector({"shop": Cache()}))
    >>> registry.get_sample_value("cachekit_hits_total", {"cache": "shop", "function": ""})
    0
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = named("CacheCollector()", caches)

    def describe(self) -> Iterable[Family]:
        """The names of the figures, which `registry.register` asks for."""
        return map(_family, FIGURES)

    def collect(self) -> Iterable[Family]:
        """The figures now: all of one scrape are of one moment of their cache."""
        seen = stats_of(self._caches)
        for figure in FIGURES:
            family = _family(figure)
            for labels, number in figure.of_all(seen):
                family.add_metric(labels, number)
            yield family


class LoadTimes(Listener):
    """How long loads take, failed ones too: the histogram `cachekit_load_seconds`.

    `listeners=[LoadTimes()]`. Its labels are the name of the cache and that of the function, `""`
    for direct calls. Loads of several keys count once.

    `buckets`: their upper bounds in seconds.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = REGISTRY,
        *,
        cache: str = DEFAULT,
        buckets: Sequence[float] = BUCKETS,
    ) -> None:
        self._cache = cache
        self._seconds = Histogram(
            f"{PREFIX}load_seconds",
            "How long loads took, and those that failed.",
            ("cache", "function"),
            registry=registry,
            buckets=buckets,
        )

    def of(self, cache: str) -> Self:
        """The listener for one more cache: a registry takes one histogram of a name."""
        other = copy(self)
        other._cache = cache
        return other

    def load(self, name: str, key: str) -> AbstractContextManager[object]:
        return self._seconds.labels(self._cache, name).time()


def _family(figure: Figure) -> Family:
    kind = GaugeMetricFamily if figure.gauge else CounterMetricFamily
    return kind(PREFIX + figure.name, figure.help, labels=figure.all_labels)
