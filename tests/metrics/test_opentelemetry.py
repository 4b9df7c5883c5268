"""What OpenTelemetry is told: by its SDK, as its exporters have it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracer

from cachekit import Cache, Listener
from cachekit.metrics.figures import FIGURES
from cachekit.metrics.opentelemetry import LoadSpans, LoadTimes, observe
from tests.metrics.helpers import CANARY, Tiered, raises, used

Point = tuple[str, frozenset[tuple[str, Any]]]


class Metrics:
    """A meter, and what it has been told."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])
        self.meter = self.provider.get_meter("test")

    def data(self) -> list[Any]:
        data: Any = self._reader.get_metrics_data()
        return [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def points(self) -> dict[Point, Any]:
        """Each point, by the name and the attributes: a number, or a histogram."""
        return {
            one(metric.name, **point.attributes): getattr(point, "value", point)
            for metric in self.data()
            for point in metric.data.data_points
        }


def one(name: str, **attributes: Any) -> Point:
    return name.removeprefix("cachekit."), frozenset(attributes.items())


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics()
    yield metrics
    metrics.provider.shutdown()


# -- figures


async def test_the_figures_are_those_of_the_cache(metrics: Metrics) -> None:
    cache = Cache()
    observe(cache, metrics.meter)
    await used(cache)
    found = metrics.points()
    for name in ("hits", "misses", "loads"):
        assert found[one(name, cache="default", function="price")] == 2
    assert found[one("load_errors", cache="default")] == 1
    assert found[one("fills", cache="default", outcome="stored")] == 1
    assert found[one("invalidations", cache="default", acknowledged="true")] == 1


async def test_they_are_read_at_each_collection(metrics: Metrics) -> None:
    cache = Cache()
    observe({"shop": cache}, metrics.meter)
    for number in range(3):
        assert metrics.points()[one("misses", cache="shop", function="")] == number
        await cache.get("none")


async def test_two_caches_are_told_apart_and_one_may_come_later(metrics: Metrics) -> None:
    caches = {"shop": Cache(), "sessions": Cache()}
    observe(caches, metrics.meter)
    await used(caches["sessions"])
    found = metrics.points()
    assert found[one("hits", cache="sessions", function="price")] == 2
    assert found[one("hits", cache="shop", function="")] == 0
    caches["late"] = Cache()
    assert one("hits", cache="late", function="") in metrics.points()


def test_tiers_and_nodes(metrics: Metrics) -> None:
    observe({"shop": Tiered()}, metrics.meter)
    found = metrics.points()
    assert found[one("tier_hits", cache="shop", tier="memory")] == 7
    assert found[one("tier_bypasses", cache="shop", tier="memory")] == 1
    assert found[one("breaker_open", cache="shop", node="store:6379")] == 1
    assert found[one("journaled", cache="shop", node="store:6379")] == 3


def test_counts_only_grow_and_gauges_are_as_they_are(metrics: Metrics) -> None:
    observe(Tiered(), metrics.meter)
    rising = {it.name: getattr(it.data, "is_monotonic", False) for it in metrics.data()}
    assert rising == {f"cachekit.{figure.name}": not figure.gauge for figure in FIGURES}


async def test_the_time_of_a_load_is_recorded_and_one_that_fails_too(metrics: Metrics) -> None:
    shop = Cache(listeners=[LoadTimes(metrics.meter, cache="shop")])
    sessions = Cache(listeners=[LoadTimes(metrics.meter, cache="sessions")])
    await used(shop)
    await sessions.get_or_set("k", lambda: 1)
    found = metrics.points()
    assert found[one("load", cache="shop", function="price")].count == 2
    assert found[one("load", cache="sessions", function="")].count == 1
    assert found[one("load", cache="shop", function="price")].explicit_bounds[-1] == 30


async def test_no_key_and_no_tag_is_told(metrics: Metrics) -> None:
    cache = Cache(listeners=[LoadTimes(metrics.meter)])
    observe(cache, metrics.meter)
    await used(cache)
    assert not any(CANARY in str(point) for point in metrics.points())


# -- harm


class BrokenTracer(NoOpTracer):
    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no exporter")


class BrokenMeter(NoOpMeter):
    def create_histogram(self, *args: Any, **kwargs: Any) -> Any:
        return BrokenHistogram()


class BrokenHistogram:
    def record(self, *args: Any) -> None:
        raise RuntimeError("no exporter")


broken_meter: Any = BrokenMeter

LISTENERS: dict[str, Callable[[], Listener]] = {
    "spans": lambda: LoadSpans(BrokenTracer()),
    "times": lambda: LoadTimes(broken_meter("test")),
}


@pytest.mark.parametrize("which", LISTENERS)
async def test_a_listener_that_raises_harms_nobody(
    which: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(listeners=[LISTENERS[which]()])
    with caplog.at_level(logging.ERROR, "cachekit"):
        for key in "abc":
            assert await cache.get_or_set(key, lambda: 1) == 1
        with pytest.raises(LookupError):
            await cache.get_or_set("d", raises)
    assert [record.message for record in caplog.records] == ["a listener raises"]


@pytest.mark.parametrize("listener", [LoadSpans, LoadTimes])
def test_a_hit_is_heard_by_nobody(listener: type[Listener]) -> None:
    """So that it costs what it costs without."""
    assert listener.hit is Listener.hit
    assert listener.miss is Listener.miss


async def test_without_a_provider_nothing_happens() -> None:
    cache = Cache(listeners=[LoadSpans(), LoadTimes()])
    observe(cache)
    assert await cache.get_or_set("k", lambda: 1) == 1
