"""`@cache.cached_many`: a function of a list of ids, each of them a key of its own."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, EncodeError, Key, Tag, current_load
from cachekit.testing import FakeClock
from tests.core.conftest import Caches
from tests.core.helpers import TTL, ends, start, ticks
from tests.core.slow_store import SlowStore

pytestmark = pytest.mark.virtual


class Products:
    """A table of products, which notes what it was asked for. There are none below 1."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.edition = 1

    def fetch(self, ids: Iterable[int]) -> dict[int, str]:
        self.asked.append(list(ids))
        return {n: f"product {n}, {self.edition}" for n in self.asked[-1] if n > 0}


@pytest.fixture
def products() -> Products:
    return Products()


def rows(*ids: int, edition: int = 1) -> dict[int, str]:
    return {n: f"product {n}, {edition}" for n in ids}


# -- functions


async def test_only_what_is_missing_is_loaded(either: Cache, products: Products) -> None:
    @either.cached_many(key="product:{ids}", tags=["product:{ids}", "products"])
    async def function(ids: list[int]) -> Mapping[int, str]:
        """The products."""
        return products.fetch(ids)

    assert await function([1, 2, -1]) == rows(1, 2)
    assert await function([3, 2, 1]) == rows(3, 2, 1)
    assert await function(n for n in (1, 2, 2)) == rows(1, 2)
    assert await function([]) == {}
    assert await function([-1]) == {}
    assert products.asked == [[1, 2, -1], [3], [-1]]
    assert (function.__name__, function.__doc__) == ("function", "The products.")
    assert (await function.__wrapped__([9]), function.key(1)) == (rows(9), "product:1")
    await either.invalidate(Tag("product:2"))
    assert await function.get([1, 2, 3]) == rows(1, 3)
    assert list(await function([2, 1])) == [2, 1]


async def test_what_it_has_besides_itself(either: Cache, products: Products) -> None:
    @either.cached_many(name="function")
    async def function(ids: list[int]) -> Mapping[int, str]:
        return products.fetch(ids)

    assert await function.get([1, 2]) == {}
    await function.set({1: "set", 2: "set"})
    assert await function([1, 2]) == {1: "set", 2: "set"}
    await function.invalidate([1])
    assert await function([1, 2]) == {**rows(1), 2: "set"}
    assert await function.refresh([1, 2]) == rows(1, 2)
    assert products.asked == [[1], [1, 2]]
    await either.invalidate(Key(function.key(2)))
    assert await function.get([1, 2]) == rows(1)
    await function.clear()
    assert await function.get([1, 2]) == {}
    assert (function.info.hits, function.info.misses, function.info.loads) == (4, 8, 2)


async def test_what_is_set_travels_together(slow: Cache, store: SlowStore) -> None:
    """And one value that cannot be stored harms no other."""

    @slow.cached_many(name="function", tags=["t"])
    async def function(ids: list[int]) -> Mapping[int, Any]:
        return {}

    await function.set(dict.fromkeys(range(100), "set"))
    assert store.operations <= 5
    with pytest.raises(EncodeError):
        await function.set({1: lambda: None, 2: "new"})
    assert await function.get([1, 2, 3]) == {1: "set", 2: "new", 3: "set"}


async def test_a_value_that_cannot_be_stored_harms_none_with_other_tags(slow: Cache) -> None:
    @slow.cached_many(name="function", tags=["t:{ids}"], key="k:{ids}")
    async def function(ids: list[int]) -> Mapping[int, Any]:
        return {}

    with pytest.raises(EncodeError):
        await function.set({1: lambda: None, 2: "two", 3: "three"})
    assert await function.get([1, 2, 3]) == {2: "two", 3: "three"}


async def test_clear_forgets_no_other_function(either: Cache, products: Products) -> None:
    @either.cached_many(name="one")
    async def one(ids: list[int]) -> Mapping[int, str]:
        return products.fetch(ids)

    @either.cached_many(name="other")
    async def other(ids: list[int]) -> Mapping[int, str]:
        return products.fetch(ids)

    await one([1])
    await other([1])
    await one.clear()
    assert (await one.get([1]), await other.get([1])) == ({}, rows(1))


async def test_other_parameters_are_part_of_the_key(either: Cache, products: Products) -> None:
    @either.cached_many(name="function", ignore=["db"])
    async def function(
        ids: list[int], lang: str = "en", *, db: object = None, full: bool = False
    ) -> Mapping[int, str]:
        return {n: f"{row} {lang} {full}" for n, row in products.fetch(ids).items()}

    assert await function([1]) == {1: "product 1, 1 en False"}
    assert await function([1], "en", db=object(), full=False) == {1: "product 1, 1 en False"}
    assert await function([1], lang="de", full=True) == {1: "product 1, 1 de True"}
    assert await function(ids=[1], lang="de", full=True) == {1: "product 1, 1 de True"}  # type: ignore[call-arg]
    assert products.asked == [[1], [1]]
    await function.invalidate([1], "de", full=True)
    assert await function.get([1], "de", full=True) == {}
    assert await function.get([1]) == {1: "product 1, 1 en False"}


async def test_two_calls_share_what_they_have_in_common(either: Cache, products: Products) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    @either.cached_many(name="function")
    async def function(ids: list[int]) -> Mapping[int, str]:
        begun.set()
        found = products.fetch(ids)
        await gate.wait()
        return found

    first = start(function([1, 2]))
    await begun.wait()
    second = start(function([2, 3]))
    await ticks()
    gate.set()
    assert await ends(first, second) == [rows(1, 2), rows(2, 3)]
    assert products.asked == [[1, 2], [3]]


async def test_what_is_stale_is_refreshed_together(either: Cache, products: Products) -> None:
    @either.cached_many(name="function", ttl=TTL, stale_while_revalidate=60.0)
    async def function(ids: list[int]) -> Mapping[int, str]:
        return products.fetch(ids)

    await function([1, 2])
    await asyncio.sleep(TTL)
    products.edition = 2
    assert await function([1, 2]) == rows(1, 2)
    await ticks()
    assert await function([1, 2]) == rows(1, 2, edition=2)
    assert products.asked == [[1, 2], [1, 2]]


async def test_with_an_ignored_argument_one_caller_refreshes(
    either: Cache, products: Products
) -> None:
    """R5: nothing is run behind its back."""

    @either.cached_many(name="function", ignore=["db"], ttl=TTL, stale_while_revalidate=60.0)
    async def function(ids: list[int], db: object) -> Mapping[int, str]:
        return products.fetch(ids)

    await function([1, 2], object())
    await asyncio.sleep(TTL)
    products.edition = 2
    assert await function([1, 2], object()) == rows(1, 2, edition=2)
    assert products.asked == [[1, 2], [1, 2]]


async def test_tags_from_the_result(either: Cache, products: Products) -> None:
    @either.cached_many(name="function")
    async def function(ids: list[int]) -> Mapping[int, str]:
        current_load().tag("of this season")
        return products.fetch(ids)

    await function([1, 2])
    await ticks()
    assert await function.get([1, 2]) == rows(1, 2)
    await either.invalidate(Tag("of this season"))
    assert await function.get([1, 2]) == {}


async def test_in_a_deferred_block_and_disabled(caches: Caches, products: Products) -> None:
    for cache, loads in ((caches(), 2), (caches(disabled=True), 3)):

        @cache.cached_many(name="function")
        async def function(ids: list[int]) -> Mapping[int, str]:
            return products.fetch(ids)

        products.asked.clear()
        await function([1])
        async with cache.deferred():
            await function.invalidate([2])
            assert await function([1, 2]) == rows(1, 2)
        assert await function([1]) == rows(1)
        assert len(products.asked) == loads


# -- methods


async def test_methods_bind(either: Cache, products: Products) -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.name = name

        def cache_key(self) -> str:
            return self.name

        @either.cached_many(name="prices", key="{self.name}:{ids}")
        async def prices(self, ids: list[int]) -> Mapping[int, str]:
            return {n: f"{self.name} {row}" for n, row in products.fetch(ids).items()}

        @either.cached_many(key="of all:{ids}", ignore_self=True)
        @classmethod
        async def of_all(cls, ids: list[int]) -> Mapping[int, str]:
            return products.fetch(ids)

        @either.cached_many(key="static:{ids}")
        @staticmethod
        async def static(ids: list[int]) -> Mapping[int, str]:
            return products.fetch(ids)

    here, there = Shop("here"), Shop("there")
    assert await here.prices([1, 2]) == {1: "here product 1, 1", 2: "here product 2, 1"}
    assert await there.prices([1]) == {1: "there product 1, 1"}
    assert await here.prices([2]) == {2: "here product 2, 1"}
    assert products.asked == [[1, 2], [1]]
    assert here.prices.key(1) == "here:1"
    await here.prices.invalidate([1])
    assert (await here.prices.get([1]), len(await there.prices.get([1]))) == ({}, 1)
    await here.prices.set({1: "set"})
    assert await here.prices([1]) == {1: "set"}
    assert len(await here.prices.refresh([1])) == 1
    await Shop.prices.clear()
    assert (await here.prices.get([1]), await there.prices.get([1])) == ({}, {})
    assert await Shop.of_all([1]) == await here.static([1]) == rows(1)
    assert await here.of_all.get([1]) == rows(1)


# -- those who block


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_a_plain_def(frozen: Caches, fake_clock: FakeClock, products: Products, kind: str) -> None:
    cache = frozen(frozen.slow() if kind == "slow" else None)

    @cache.cached_many(name="function", ttl=TTL)
    def function(ids: list[int]) -> Mapping[int, str]:
        return products.fetch(ids)

    assert function([1, 2]) == function([2, 1]) == rows(1, 2)
    assert function.get([1, 3]) == rows(1)
    function.set({3: "set"})
    assert function([3]) == {3: "set"}
    function.invalidate([3])
    assert function.refresh([1, 3]) == rows(1, 3)
    assert products.asked == [[1, 2], [1, 3]]
    function.clear()
    assert function.get([1, 2, 3]) == {}
    fake_clock.advance(TTL)


# -- what it does not take


async def test_wrong_use(cache: Cache, products: Products) -> None:
    @cache.cached_many(name="function")
    async def function(ids: list[Any]) -> Mapping[Any, Any]:
        return products.fetch(ids)

    for text in ("ab", b"ab"):
        with pytest.raises(TypeError, match="ids must be a list of ids, not"):
            await function(text)
    with pytest.raises(TypeError, match="takes a list of ids as ids"):
        await function()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"set\(\) takes a mapping of what is there, by name"):
        await function.set([1])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="decorate it once"):
        cache.cached_many(name="function")(function)

    async def none() -> Any: ...

    async def by_name(*, ids: Any) -> Any: ...

    for wrong in (none, by_name):
        with pytest.raises(ConfigurationError, match="first parameter is a list of ids"):
            cache.cached_many(wrong)  # type: ignore[arg-type]


async def test_what_returns_no_mapping(either: Cache) -> None:
    @either.cached_many(name="function")
    async def function(ids: list[int]) -> Any:
        return ids

    with pytest.raises(TypeError, match="a mapping of what is there, by name"):
        await function([1])
