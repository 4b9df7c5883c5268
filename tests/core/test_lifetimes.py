"""How long a value serves, and whether it is stored at all, by what it is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cachekit import MISSING, Cache, ConfigurationError
from cachekit.entry import Kind
from tests.core.helpers import Load, ends, start
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


def constant(value: Any) -> Any:
    async def load() -> Any:
        return value

    return load


async def lasts(cache: Cache, key: str = "k") -> float:
    """Seconds for which `key` will be served, a hundred at most."""
    for seconds in range(1000):
        if await cache.get(key, MISSING) is MISSING:
            return seconds / 10
        await asyncio.sleep(0.1)
    return 100.0


# -- ttl= as a function of the value


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(5, 5), (0.5, 0.5), (timedelta(seconds=7), 7), (None, 100), (float("inf"), 100)],
)
async def test_the_value_says_for_how_long(either: Cache, ttl: Any, seconds: float) -> None:
    value = {"ttl": ttl}
    assert await either.get_or_set("k", constant(value), ttl=lambda v: v["ttl"]) == value
    assert await lasts(either) == pytest.approx(seconds, abs=0.11)


async def test_a_function_may_have_a_ttl_by_result(either: Cache) -> None:
    @either.cached(key="of:{n}", ttl=lambda n: n)
    async def function(n: int) -> int:
        return n

    for n in (3, 6):
        await function(n)
    both = await asyncio.gather(lasts(either, "of:3"), lasts(either, "of:6"))
    assert both == pytest.approx([3, 6], abs=0.11)


async def test_what_is_set_may_have_one_too(either: Cache) -> None:
    await either.set_many({"a": 3, "b": 5}, ttl=lambda n: n)
    both = await asyncio.gather(lasts(either, "a"), lasts(either, "b"))
    assert both == pytest.approx([3, 5], abs=0.11)


@pytest.mark.parametrize("ttl", [0, -1, timedelta(0), -1e12])
async def test_with_none_left_it_is_not_stored(either: Cache, ttl: Any) -> None:
    """All who asked have it; R3: who comes next loads at once."""
    load, window = Load(), 60.0

    def ask() -> Any:
        work = either.get_or_set("k", load, ttl=lambda _: ttl, stale_while_revalidate=window)
        return start(work)

    callers = [ask() for _ in range(5)]
    await load.begun.wait()
    load.finish()
    assert await ends(*callers) == ["value 1"] * 5
    assert await either.get("k") is None
    before = asyncio.get_running_loop().time()
    assert await either.get_or_set("k", load, ttl=lambda _: 10) == "value 2"
    assert asyncio.get_running_loop().time() == before
    assert await either.get("k") == "value 2"


async def test_with_none_left_there_is_nothing_to_set(either: Cache) -> None:
    with pytest.raises(ConfigurationError, match="nothing to set"):
        await either.set("k", 1, ttl=lambda _: 0)
    with pytest.raises(ConfigurationError, match="nothing to set"):
        await either.add("k", 1, ttl=lambda _: -5)
    with pytest.raises(ConfigurationError, match="nothing to set"):
        await either.set_many({"k": 0, "other": 5}, ttl=lambda n: n)
    assert await either.get_many(["k", "other"]) == {"other": 5}


@pytest.mark.parametrize("ttl", ["60", float("nan"), True, object()])
async def test_what_is_no_ttl_is_an_error_of_the_load(either: Cache, ttl: Any) -> None:
    with pytest.raises(ConfigurationError, match="what ttl= returned"):
        await either.get_or_set("k", Load().finish(), ttl=lambda _: ttl)
    assert not await either.exists("k")


@pytest.mark.parametrize("option", ["ttl", "when"])
async def test_what_it_raises_is_the_loads_error(either: Cache, option: str) -> None:
    """For all who share the load; R3: the others may try at once."""
    load, error = Load(), LookupError("no such field")

    def raises(value: Any) -> Any:
        raise error

    options: Any = {option: raises}
    callers = [start(either.get_or_set("k", load, **options)) for _ in range(5)]
    await load.begun.wait()
    load.finish()
    assert await ends(*callers) == [error] * 5
    assert await either.get_or_set("k", load) == "value 2"


@pytest.mark.parametrize("options", [{"ttl": lambda _: 0}, {"when": lambda _: False}, {"ttl": len}])
async def test_what_is_not_stored_leaves_a_pass(
    slow: Cache, store: SlowStore, options: Any
) -> None:
    """R3: so that processes do not wait for each other in vain."""
    work = slow.get_or_set("k", constant(7), **options)
    await ends(start(work))
    assert store.shelf.keys(Kind.PASS) == ["v:test:k"]


async def test_a_ttl_by_result_is_asked_once_for_a_load(slow: Cache, store: SlowStore) -> None:
    asked: list[str] = []

    def ttl(value: str) -> float:
        asked.append(value)
        return 10

    load = Load().finish()
    await asyncio.gather(*(slow.get_or_set("k", load, ttl=ttl) for _ in range(20)))
    assert asked == ["value 1"]
    (fill,) = store.sent(Kind.VALUE)
    assert fill.entry is not None
    assert fill.entry.ttl == 10.0


# -- none_ttl=


@pytest.mark.parametrize(("ttl", "seconds"), [(2, 2), (timedelta(seconds=3), 3), (None, 100)])
async def test_none_may_have_a_ttl_of_its_own(either: Cache, ttl: Any, seconds: float) -> None:
    options: Any = {"ttl": lambda _: 10, "none_ttl": ttl}
    await either.get_or_set("other", constant("value"), **options)
    await either.get_or_set("k", constant(None), **options)
    both = await asyncio.gather(lasts(either, "other"), lasts(either))
    assert both == pytest.approx([10, seconds], abs=0.11)


async def test_without_it_none_is_like_any_value(either: Cache) -> None:
    await either.get_or_set("k", constant(None), ttl=5)
    assert await lasts(either) == pytest.approx(5, abs=0.11)


# -- when=


async def test_what_when_says_no_to_is_not_stored(either: Cache) -> None:
    load = Load(lambda n: None if n < 3 else n).finish()

    def there(value: object) -> bool:
        return value is not None

    values = [await either.get_or_set("k", load, when=there) for _ in range(5)]
    assert values == [None, None, 3, 3, 3]
    assert load.calls == 3


async def test_who_waits_has_it_all_the_same(either: Cache) -> None:
    load = Load()
    callers = [start(either.get_or_set("k", load, when=lambda _: False)) for _ in range(5)]
    await load.begun.wait()
    load.finish()
    assert await ends(*callers) == ["value 1"] * 5
    assert not await either.exists("k")


# -- jitter=


@pytest.mark.parametrize("ttl", [10, lambda _: 10])
async def test_jitter_shortens_and_never_lengthens(either: Cache, ttl: Any) -> None:
    keys = [f"k{n}" for n in range(200)]
    for key in keys:
        await either.get_or_set(key, constant(1), ttl=ttl, jitter=0.5)
    await asyncio.sleep(5)
    assert len(await either.get_many(keys)) == 200
    await asyncio.sleep(2.5)
    assert 60 < len(await either.get_many(keys)) < 140
    await asyncio.sleep(2.5)
    assert await either.get_many(keys) == {}
