"""What Prometheus is told: by real registries, in the text that they serve."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as open_exposition
from prometheus_client.openmetrics import parser as open_parser

from cachekit import Cache, Listener
from cachekit.metrics.figures import FIGURES
from cachekit.metrics.prometheus import CacheCollector, LoadTimes
from cachekit.testing import FakeClock, Fault, FaultyBackend, ReferenceBackend
from cachekit_memory import MemoryBackend
from cachekit_tiered import TieredBackend
from tests.metrics.helpers import CANARY, Tiered, failing, used
from tests.metrics.scraping import Series, scraped


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def open_metrics(registry: CollectorRegistry) -> list[Metric]:
    """The same in the text of OpenMetrics, whose parser is the strict one."""
    write: Any = open_exposition.generate_latest
    read: Any = open_parser.text_string_to_metric_families
    return list(read(write(registry).decode()))


def one(name: str, **labels: str) -> Series:
    return f"cachekit_{name}", frozenset(labels.items())


async def test_the_figures_are_those_of_the_cache(registry: CollectorRegistry) -> None:
    cache = Cache()
    registry.register(CacheCollector(cache))
    await used(cache)
    found = scraped(registry)
    for name, number in {"hits": 2, "misses": 2, "loads": 2}.items():
        assert found[one(f"{name}_total", cache="default", function="price")] == number
    assert found[one("misses_total", cache="default", function="")] == 1
    assert found[one("load_errors_total", cache="default")] == 1
    assert found[one("fills_total", cache="default", outcome="stored")] == 1
    assert found[one("invalidations_total", cache="default", acknowledged="true")] == 1
    assert found[one("invalidations_total", cache="default", acknowledged="false")] == 0


async def test_they_are_read_at_each_scrape(registry: CollectorRegistry) -> None:
    cache = Cache()
    registry.register(CacheCollector({"shop": cache}))
    for number in range(3):
        assert scraped(registry)[one("misses_total", cache="shop", function="")] == number
        await cache.get("none")


async def test_calls_that_share_a_load_are_coalesced(registry: CollectorRegistry) -> None:
    cache = Cache()
    registry.register(CacheCollector(cache))

    async def load() -> int:
        await asyncio.sleep(0)
        return 1

    await asyncio.gather(*(cache.get_or_set("k", load) for _ in range(5)))
    assert scraped(registry)[one("coalesced_total", cache="default")] == 4


async def test_two_caches_are_told_apart_and_one_may_come_later(
    registry: CollectorRegistry,
) -> None:
    caches = {"shop": Cache(), "sessions": Cache()}
    registry.register(CacheCollector(caches))
    await used(caches["sessions"])
    found = scraped(registry)
    assert found[one("hits_total", cache="sessions", function="price")] == 2
    assert found[one("hits_total", cache="shop", function="")] == 0
    assert one("hits_total", cache="shop", function="price") not in found
    caches["late"] = Cache()
    assert one("hits_total", cache="late", function="") in scraped(registry)


def test_a_registry_takes_one_collector(registry: CollectorRegistry) -> None:
    registry.register(CacheCollector({"shop": Cache()}))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(CacheCollector({"sessions": Cache()}))


def test_registering_reads_nothing(registry: CollectorRegistry) -> None:
    """A registry may ask a collector what its figures are called: there may be no cache yet."""
    collector = CacheCollector({"shop": Cache()})
    registry.register(collector)
    assert [len(family.samples) for family in collector.describe()] == [0] * len(FIGURES)
    with pytest.raises(ValueError, match="Duplicated"):
        Counter("cachekit_hits", "Somebody else's.", registry=registry)


async def test_a_function_defined_again_is_the_same_series(registry: CollectorRegistry) -> None:
    cache = Cache(listeners=[LoadTimes(registry)])
    registry.register(CacheCollector(cache))
    for _ in range(3):  # as a factory does
        await used(cache)
    found = scraped(registry)
    assert found[one("hits_total", cache="default", function="price")] == 2 + 3 + 3
    assert found[one("load_seconds_count", cache="default", function="price")] == 4


async def test_tiers_and_nodes(registry: CollectorRegistry) -> None:
    registry.register(CacheCollector({"shop": Tiered()}))
    found = scraped(registry)
    for tier, (hits, misses, bypasses) in {"memory": (7, 3, 1), "redis": (2, 1, 0)}.items():
        assert found[one("tier_hits_total", cache="shop", tier=tier)] == hits
        assert found[one("tier_misses_total", cache="shop", tier=tier)] == misses
        assert found[one("tier_bypasses_total", cache="shop", tier=tier)] == bypasses
    of_node = {
        "breaker_open": 1,
        "journaled": 3,
        "node_failures_total": 5,
        "node_skipped_total": 40,
        "replayed_total": 2,
        "journal_overflows_total": 1,
    }
    for name, number in of_node.items():
        assert found[one(name, cache="shop", node="store:6379")] == number


async def test_a_store_that_does_not_acknowledge_is_told_of_and_then_not_asked(
    registry: CollectorRegistry,
) -> None:
    store = FaultyBackend(ReferenceBackend())
    async with Cache(store, namespace="test") as cache:
        registry.register(CacheCollector(cache))
        await cache.set("k", 1)
        assert scraped(registry)[one("journaled", cache="default", node="FaultyBackend")] == 0
        store.chances[Fault.LOST] = 1.0
        await failing(cache.delete("k"))
        await cache.get("k")
        found = scraped(registry)
        assert found[one("journaled", cache="default", node="FaultyBackend")] == 1
        assert found[one("invalidations_total", cache="default", acknowledged="false")] == 1
        assert found[one("degraded_total", cache="default")] == 1


async def test_the_hits_of_the_tiers_are_those_of_the_cache(registry: CollectorRegistry) -> None:
    clock = FakeClock()
    far, near = ReferenceBackend(clock), MemoryBackend(clock=clock)
    options: Any = {"namespace": "test", "clock": clock}
    async with Cache(ReferenceBackend(clock, far.records), **options) as elsewhere:
        await elsewhere.set("k", 1)
    async with Cache(TieredBackend(near, far, clock=clock), **options) as cache:
        registry.register(CacheCollector(cache))
        for key in ("k", "k", "k", "none"):
            await cache.get(key)
        found = scraped(registry)
    for tier, (hits, misses) in {"MemoryBackend": (2, 2), "ReferenceBackend": (1, 1)}.items():
        assert found[one("tier_hits_total", cache="default", tier=tier)] == hits
        assert found[one("tier_misses_total", cache="default", tier=tier)] == misses
    assert found[one("hits_total", cache="default", function="")] == 3


def test_names_and_help_are_as_prometheus_wants_them(registry: CollectorRegistry) -> None:
    LoadTimes(registry)
    registry.register(CacheCollector(Tiered()))
    families = open_metrics(registry)
    assert len(families) == len(FIGURES) + 1
    assert all(family.documentation.endswith(".") for family in families)
    assert {family.type for family in families} == {"counter", "gauge", "histogram"}


@given(st.text(), st.text(min_size=1))
def test_whatever_is_in_a_name_is_read_as_it_is(cache: str, function: str) -> None:
    registry = CollectorRegistry()
    named = Cache(listeners=[LoadTimes(registry, cache=cache)])
    registry.register(CacheCollector({cache: named}))
    named.cached(name=function)(lambda: 1)()
    found = scraped(registry)
    assert found[one("loads_total", cache=cache, function=function)] == 1
    assert found[one("load_seconds_count", cache=cache, function=function)] == 1


async def test_no_key_and_no_tag_is_told(registry: CollectorRegistry) -> None:
    cache = Cache(listeners=[LoadTimes(registry)])
    registry.register(CacheCollector(cache))
    await used(cache)
    assert CANARY not in generate_latest(registry).decode()


# -- load times


async def test_the_time_of_a_load_is_observed_and_one_that_fails_too(
    registry: CollectorRegistry,
) -> None:
    cache = Cache(listeners=[LoadTimes(registry)])
    await used(cache)
    found = scraped(registry)
    assert found[one("load_seconds_count", cache="default", function="price")] == 2
    assert found[one("load_seconds_bucket", cache="default", function="price", le="+Inf")] == 2
    assert 0 < found[one("load_seconds_sum", cache="default", function="price")] < 30


async def test_one_histogram_serves_several_caches(registry: CollectorRegistry) -> None:
    times = LoadTimes(registry, cache="shop")
    shop, sessions = Cache(listeners=[times]), Cache(listeners=[times.of("sessions")])
    await shop.get_or_set("k", lambda: 1)
    for key in "ab":
        await sessions.get_or_set(key, lambda: 1)
    found = scraped(registry)
    assert found[one("load_seconds_count", cache="shop", function="")] == 1
    assert found[one("load_seconds_count", cache="sessions", function="")] == 2


def test_the_buckets_may_be_chosen(registry: CollectorRegistry) -> None:
    Cache(listeners=[LoadTimes(registry, buckets=[0.5, 60])]).sync.get_or_set("k", lambda: 1)
    labels = {"cache": "default", "function": ""}
    for le in ("0.5", "60.0", "+Inf"):
        assert scraped(registry)[one("load_seconds_bucket", **labels, le=le)] == 1


def test_a_hit_is_heard_by_nobody(registry: CollectorRegistry) -> None:
    """So that it costs what it costs without."""
    assert LoadTimes.hit is Listener.hit
    assert LoadTimes.miss is Listener.miss
