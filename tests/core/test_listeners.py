"""Listeners hear of every hit, miss and load, whichever way it came about."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest

from cachekit import Cache, Listener
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, Loads, ends, start, ticks

pytestmark = pytest.mark.virtual


class Ears(Listener):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def hit(self, name: str, key: str) -> None:
        self.heard.append(("hit", name, key))

    def miss(self, name: str, key: str) -> None:
        self.heard.append(("miss", name, key))

    def load(self, name: str, key: str) -> AbstractContextManager[object]:
        return self._load(name, key)

    @contextmanager
    def _load(self, name: str, key: str) -> Generator[None]:
        self.heard.append(("begin", name, key))
        try:
            yield
        except BaseException as error:
            self.heard.append(("fail", name, key, type(error).__name__))
            raise
        self.heard.append(("end", name, key))

    def said(self) -> list[str]:
        """What was heard since the last time, in short."""
        said = [" ".join(part for part in event if part) for event in self.heard]
        self.heard.clear()
        return said


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture(params=["memory", "slow"])
async def cache(request: pytest.FixtureRequest, caches: Caches, ears: Ears) -> Cache:
    cache = caches(caches.slow() if request.param == "slow" else None, listeners=[ears])
    await cache.open()
    return cache


async def test_direct_calls(cache: Cache, ears: Ears) -> None:
    load = Load().finish()
    await cache.get_or_set("k", load)
    assert ears.said() == ["miss k", "begin k", "end k"]
    await cache.get_or_set("k", load)
    await cache.get("k")
    assert ears.said() == ["hit k"] * 2
    await cache.get("none")
    await cache.get_many(["k", "none"])
    assert ears.said() == ["miss none", "hit k", "miss none"]
    await cache.exists("k")
    await cache.entry("k")
    await cache.set("k", 1)
    assert ears.said() == []


async def test_functions(cache: Cache, ears: Ears) -> None:
    """By name; on the shortest path of a hit, too."""

    @cache.cached(key="of:{n}", name="f")
    async def function(n: int) -> int:
        return n

    await function(1)
    assert ears.said() == ["miss f of:1", "begin f of:1", "end f of:1"]
    for _ in range(3):
        await function(1)
    await function.get(1)
    assert ears.said() == ["hit f of:1"] * 4
    await function.get(2)
    assert ears.said() == ["miss f of:2"]


async def test_who_shares_a_load_misses_and_the_load_is_one(cache: Cache, ears: Ears) -> None:
    load = Load()
    callers = [start(cache.get_or_set("k", load)) for _ in range(3)]
    await load.begun.wait()
    await ticks()
    load.finish()
    await ends(*callers)
    said = ears.said()
    assert sorted(said) == ["begin k", "end k", *["miss k"] * 3]


async def test_a_load_that_fails_or_is_given_up(cache: Cache, ears: Ears) -> None:
    await ends(start(cache.get_or_set("k", Load().fail(LookupError("none")))))
    assert ears.said() == ["miss k", "begin k", "fail k LookupError"]
    await ends(start(cache.get_or_set("l", Load(), load_timeout=1)))
    assert ears.said()[2] in ("fail l TimeoutError", "fail l CancelledError")
    caller = start(cache.get_or_set("m", Load()))
    await ticks()
    caller.cancel()
    await ends(caller)
    await ticks()
    assert ears.said() == ["miss m", "begin m", "fail m CancelledError"]


async def test_what_is_stale_is_a_hit_and_its_refresh_a_load(cache: Cache, ears: Ears) -> None:
    options: Any = {"ttl": TTL, "stale_while_revalidate": 60.0}
    await cache.set("k", "old", **options)
    await asyncio.sleep(TTL)
    assert await cache.get_or_set("k", Load().finish(), **options) == "old"
    await ticks()
    assert sorted(ears.said()) == ["begin k", "end k", "hit k"]


async def test_what_serves_for_a_failure_was_a_miss(cache: Cache, ears: Ears) -> None:
    options: Any = {"ttl": TTL, "stale_if_error": 60.0}
    await cache.set("k", "old", **options)
    await asyncio.sleep(TTL)
    assert await cache.get_or_set("k", Load().fail(LookupError()), **options) == "old"
    assert ears.said() == ["miss k", "begin k", "fail k LookupError"]


async def test_many_keys(cache: Cache, ears: Ears) -> None:
    """Each is a hit or a miss; the load is that of the first."""
    await cache.set("a", 1)
    await cache.get_or_set_many(["a", "b", "c"], Loads().finish())
    assert sorted(ears.said()) == ["begin b", "end b", "hit a", "miss b", "miss c"]


async def test_in_a_deferred_block(cache: Cache, ears: Ears) -> None:
    await cache.set("k", 1)
    async with cache.deferred():
        await cache.get_or_set("k", Load().finish())
        await cache.get_or_set("l", Load().finish())
    assert ears.said() == ["hit k", "miss l", "begin l", "end l"]


async def test_what_a_listener_raises_is_logged_once(
    caches: Caches, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    """And harms nobody, not even the other listeners."""

    class Deaf(Listener):
        def hit(self, name: str, key: str) -> None:
            raise RuntimeError("deaf")

        miss = hit

        def load(self, name: str, key: str) -> AbstractContextManager[object]:
            raise RuntimeError("deaf")

    cache = caches(listeners=[Deaf(), ears])
    with caplog.at_level(logging.ERROR, "cachekit"):
        for _ in range(3):
            assert await cache.get_or_set("k", Load().finish()) == "value 1"
    assert ears.said() == ["miss k", "begin k", "end k", "hit k", "hit k"]
    assert [record.message for record in caplog.records] == ["a listener raises"]


@pytest.mark.parametrize("when", ["__enter__", "__exit__"])
async def test_also_if_what_surrounds_the_load_raises(
    caches: Caches, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    class Around:
        def __enter__(self) -> None:
            if when == "__enter__":
                raise RuntimeError("deaf")

        def __exit__(self, *error: object) -> None:
            if when == "__exit__":
                raise RuntimeError("deaf")

    class Deaf(Listener):
        def load(self, name: str, key: str) -> AbstractContextManager[Any]:
            return Around()

    cache = caches(listeners=[Deaf()])
    with caplog.at_level(logging.ERROR, "cachekit"):
        assert await cache.get_or_set("k", Load().finish()) == "value 1"
        failing = Load().fail(LookupError("none"))
        assert isinstance((await ends(start(cache.get_or_set("l", failing))))[0], LookupError)
    assert [record.message for record in caplog.records] == ["a listener raises"]


async def test_a_listener_swallows_no_error(caches: Caches) -> None:
    class Greedy(Listener):
        def load(self, name: str, key: str) -> AbstractContextManager[object]:
            return self._load()

        @contextmanager
        def _load(self) -> Generator[None]:
            with suppress(LookupError):
                yield

    cache = caches(listeners=[Greedy()])
    with pytest.raises(LookupError):
        await cache.get_or_set("k", Load().fail(LookupError("none")))


async def test_only_what_is_overridden_is_called(caches: Caches) -> None:
    """So a hit with a listener of misses costs what one without costs."""

    class Misses(Listener):
        heard = 0

        def miss(self, name: str, key: str) -> None:
            self.heard += 1

    listener, plain = Misses(), caches()
    cache = caches(listeners=[listener])
    await cache.get_or_set("k", Load().finish())
    assert listener.heard == 1
    assert cache._engine.reader.hit.__name__ == plain._engine.reader.hit.__name__
    assert caches(listeners=[Ears()])._engine.reader.hit.__name__ != "_hit"


def test_those_who_block(frozen: Caches, fake_clock: FakeClock, ears: Ears) -> None:
    cache = frozen(listeners=[ears])

    @cache.cached(key="of:{n}", name="f", ttl=TTL)
    def function(n: int) -> int:
        return n

    for _ in range(3):
        function(1)
    fake_clock.advance(TTL)
    cache.sync.get("of:1")
    loaded = ["miss f of:1", "begin f of:1", "end f of:1"]
    assert ears.said() == [*loaded, "hit f of:1", "hit f of:1", "miss of:1"]
