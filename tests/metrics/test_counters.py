"""No counter ever goes down, whatever becomes of the cache and its store."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from cachekit import Cache
from cachekit.backend import MEASURE, C, Capability, Found, offer
from cachekit.metrics.figures import FIGURES
from cachekit.metrics.prometheus import CacheCollector, LoadTimes
from cachekit.testing import FakeClock, Fault, FaultyBackend, ReferenceBackend
from tests.metrics.helpers import failing
from tests.metrics.scraping import Series, scraped


class Stores:
    """What a cache opens: each time another store, all of the same entries."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.inner = ReferenceBackend(self.clock)
        self.now = self.another()

    def another(self) -> FaultyBackend:
        self.now = FaultyBackend(Measured(self.clock, self.inner.records))
        return self.now

    def damage(self) -> None:
        """Lose the end of each entry."""
        for key, (data, ends) in self.inner.records.items():
            self.inner.records[key] = data[:-3], ends


class Measured(ReferenceBackend):
    """Counts what it finds unreadable."""

    unreadable = 0

    async def read(self, keys: Sequence[str]) -> Found:
        found = await super().read(keys)
        self.unreadable += sum(key in self.records and key not in found for key in keys)
        return found

    def capability(self, wanted: Capability[C]) -> C | None:
        return offer(wanted, {MEASURE: self})


async def _loads() -> int:
    return 1


async def _raises() -> int:
    raise LookupError("none")


def has_fallen(series: Series, before: dict[Series, float], now: dict[Series, float]) -> bool:
    """Whether a counter has; there are none of nodes while the cache is closed."""
    name, labels = series
    missing = before[series] if "node" in dict(labels) else -1
    return name not in GAUGES and now.get(series, missing) < before[series]


GAUGES = {f"cachekit_{figure.name}" for figure in FIGURES if figure.gauge}

STEPS: dict[str, Callable[[Cache, Stores], Awaitable[object]]] = {
    "get": lambda cache, stores: cache.get("k"),
    "load": lambda cache, stores: cache.get_or_set("k", _loads, ttl=10),
    "fail": lambda cache, stores: failing(cache.get_or_set("k", _raises)),
    "forget": lambda cache, stores: failing(cache.delete("k")),
    "later": lambda cache, stores: asyncio.to_thread(stores.clock.advance, 11),
    "break": lambda cache, stores: asyncio.to_thread(stores.now.fail, Fault.LOST),
    "damage": lambda cache, stores: asyncio.to_thread(stores.damage),
    "close": lambda cache, stores: cache.close(),
    "open": lambda cache, stores: cache.open(),
}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=15))
@example(["load", "damage", "get", "close", "open"])
@example(["load", "break", "get", "break", "forget", "fail", "later", "get"])
def test_no_counter_ever_goes_down(steps: list[str]) -> None:
    asyncio.run(_counted(steps))


async def _counted(steps: Iterable[str]) -> None:
    stores, registry = Stores(), CollectorRegistry()
    options: Any = {"namespace": "test", "clock": stores.clock, "stale_if_error": 60}
    cache = Cache(stores.another, listeners=[LoadTimes(registry)], **options)
    registry.register(CacheCollector(cache))
    before = scraped(registry)
    for step in steps:
        await failing(STEPS[step](cache, stores))
        now = scraped(registry)
        assert [series for series in before if has_fallen(series, before, now)] == []
        before = now
    await cache.close()
