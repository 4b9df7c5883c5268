"""What OpenTelemetry is told: by its SDK, as its exporters have it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, StatusCode, Tracer, get_current_span

from cachekit import Cache, Listener
from cachekit.metrics.figures import FIGURES
from cachekit.metrics.opentelemetry import LoadSpans, LoadTimes, observe
from cachekit.testing import FakeClock
from tests.metrics.helpers import CANARY, Tiered, failing, raises, used

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


async def test_no_key_and_no_tag_is_told(metrics: Metrics, traces: "Traces") -> None:
    listeners = [LoadTimes(metrics.meter), LoadSpans(traces.tracer)]
    cache = Cache(listeners=listeners)
    observe(cache, metrics.meter)
    await used(cache)
    assert not any(CANARY in str(point) for point in metrics.points())
    assert len(traces.spans) == 2
    assert not any(CANARY in str(span.attributes) + span.name for span in traces.spans)


# -- spans


class Traces:
    """A tracer, and the spans that have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = self.provider.get_tracer("test")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def tree(self) -> set[tuple[str, str | None]]:
        """The name of each span with that of what it is inside of."""
        names = {span.context.span_id: span.name for span in self.spans if span.context}
        parents = [(span.name, span.parent and span.parent.span_id) for span in self.spans]
        return {(name, None if parent is None else names[parent]) for name, parent in parents}

    def loader(self, name: str) -> Any:
        """A function that has a span of its own."""

        def load(*args: object) -> str:
            with self.tracer.start_as_current_span(name):
                return name

        return load

    def slow_loader(self, name: str) -> Any:
        async def load(*args: object) -> str:
            with self.tracer.start_as_current_span(name):
                await asyncio.sleep(0)
                return name

        return load


@pytest.fixture
def traces() -> Iterator[Traces]:
    traces = Traces()
    yield traces
    traces.provider.shutdown()


async def test_what_a_load_does_is_inside_of_it_and_the_load_inside_of_its_call(
    traces: Traces,
) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    with traces.tracer.start_as_current_span("request"):
        await cache.get_or_set("k", traces.slow_loader("query"))
        await cache.get_or_set("k", traces.slow_loader("query"))
    wanted = {("request", None), ("cachekit.load", "request"), ("query", "cachekit.load")}
    assert (traces.tree(), len(traces.spans)) == (wanted, 3)


@pytest.mark.parametrize("slow", [False, True])
async def test_a_load_inside_of_a_load(traces: Traces, slow: bool) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    load = traces.slow_loader("query") if slow else traces.loader("query")

    async def outer() -> object:
        with traces.tracer.start_as_current_span("outer"):
            return await cache.get_or_set("inner", load)

    await cache.get_or_set("outer", outer)
    assert traces.tree() == {
        ("cachekit.load", None),
        ("outer", "cachekit.load"),
        ("cachekit.load", "outer"),
        ("query", "cachekit.load"),
    }


def test_of_those_who_block(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    with traces.tracer.start_as_current_span("request"):
        cache.sync.get_or_set("k", traces.loader("query"))
    wanted = {("request", None), ("cachekit.load", "request"), ("query", "cachekit.load")}
    assert traces.tree() == wanted


async def test_several_keys_are_one_load(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer, keys=True)])
    await cache.get_or_set_many(["a", "b"], lambda keys: dict.fromkeys(keys, 1))
    (span,) = traces.spans
    assert dict(span.attributes or {})["cachekit.key"] == "a"


async def test_a_refresh_is_of_the_call_that_found_the_old_value(traces: Traces) -> None:
    clock, begun = FakeClock(), asyncio.Event()
    options: Any = {"clock": clock, "ttl": 10, "stale_while_revalidate": 60}
    cache = Cache(listeners=[LoadSpans(traces.tracer)], **options)

    async def load() -> str:
        begun.set()
        return str(await traces.slow_loader("query")())

    await cache.set("k", "old")
    clock.advance(11)
    with traces.tracer.start_as_current_span("request"):
        assert await cache.get_or_set("k", load) == "old"
    await begun.wait()
    await cache.close()  # what is under way ends
    assert ("cachekit.load", "request") in traces.tree()


async def test_who_shares_a_load_has_no_span_of_it(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    load = traces.slow_loader("query")
    await asyncio.gather(*(cache.get_or_set("k", load) for _ in range(5)))
    assert len(traces.spans) == 2


async def price(n: int) -> int:
    return n


async def test_it_says_which_function_and_only_if_asked_for_which_key(traces: Traces) -> None:
    for keys in (False, True):
        cache = Cache(listeners=[LoadSpans(traces.tracer, cache="shop", keys=keys)])
        await cache.cached(key="price:{n}", name="price")(price)(7)
    silent, telling = traces.spans
    known = {"cachekit.cache": "shop", "cachekit.function": "price"}
    assert dict(silent.attributes or {}) == known
    assert dict(telling.attributes or {}) == {**known, "cachekit.key": "price:7"}


async def test_what_a_load_raises_is_recorded_and_goes_on(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])

    async def load() -> int:
        raise LookupError("no such price")

    with pytest.raises(LookupError, match="no such price"):
        await cache.get_or_set("k", load)
    (span,) = traces.spans
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    attributes = span.events[0].attributes or {}
    assert attributes["exception.message"] == "no such price"


async def test_a_load_that_takes_too_long_is_an_error(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    with pytest.raises(TimeoutError):
        await cache.get_or_set("k", asyncio.Event().wait, load_timeout=0.001)
    (span,) = traces.spans
    assert span.status.status_code is StatusCode.ERROR


async def test_one_that_is_cancelled_ends_its_span_and_is_none(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    begun = asyncio.Event()

    async def load() -> None:
        begun.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(cache.get_or_set("k", load))
    await begun.wait()
    call.cancel()
    await asyncio.wait([call])
    await cache.close()
    (span,) = traces.spans
    assert span.status.status_code is StatusCode.UNSET


async def test_after_a_load_the_span_around_it_is_current_again(traces: Traces) -> None:
    cache = Cache(listeners=[LoadSpans(traces.tracer)])
    with traces.tracer.start_as_current_span("request") as request:
        await cache.get_or_set("k", lambda: 1)
        await failing(cache.get_or_set("l", raises))
        assert get_current_span() is request


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
