"""The spans of loads, as the SDK's exporter has them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer, get_current_span

from cachekit import Cache
from cachekit.metrics.opentelemetry import LoadSpans
from cachekit.testing import FakeClock
from tests.metrics.helpers import CANARY, failing, raises, used


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


async def test_no_key_and_no_tag_is_told(traces: Traces) -> None:
    await used(Cache(listeners=[LoadSpans(traces.tracer)]))
    assert len(traces.spans) == 2
    assert not any(CANARY in str(span.attributes) + span.name for span in traces.spans)


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
