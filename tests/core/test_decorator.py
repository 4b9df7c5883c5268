"""`@cache.cached`: what it makes of functions, and what it refuses."""

import asyncio
import functools
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from cachekit import MISSING, Cache, ConfigurationError, Info, Key, Prefix, Tag
from cachekit.testing import FakeClock
from cachekit_memory import MemoryBackend
from tests.core.conftest import Caches
from tests.core.helpers import PickleSerializer

CACHE = Cache(serializer=PickleSerializer())


@pytest.fixture
def cache(blocking: Caches) -> Cache:
    """In memory, for tests with and without an event loop."""
    return blocking()


@CACHE.cached(ttl=60)
async def documented(number: int, *, text: str = "a") -> dict[str, int]:
    """What it does."""
    return {text: number}


@CACHE.cached
def plain(number: int, *, text: str = "a") -> dict[str, int]:
    """What it does."""
    return {text: number}


# -- a real function


def test_it_is_what_it_was_to_those_who_look() -> None:
    assert inspect.isfunction(documented)
    assert inspect.iscoroutinefunction(documented)
    assert asyncio.iscoroutinefunction(documented)
    assert not inspect.iscoroutinefunction(plain)
    for function, name in ((documented, "documented"), (plain, "plain")):
        assert function.__name__ == name
        assert function.__qualname__ == name
        assert function.__module__ == __name__
        assert function.__doc__ == "What it does."
        assert inspect.signature(function) == inspect.signature(function.__wrapped__)
        assert list(inspect.signature(function).parameters) == ["number", "text"]
        assert inspect.get_annotations(function)["return"] == dict[str, int]
        assert pickle.loads(pickle.dumps(function)) is function


async def test_the_function_under_it_is_within_reach() -> None:
    assert not hasattr(plain.__wrapped__, "invalidate")
    before = plain.info.loads
    assert plain.__wrapped__(3) == {"a": 3}
    assert await documented.__wrapped__(3) == {"a": 3}
    assert plain.info.loads == before


def test_its_own_attributes_stay(cache: Cache) -> None:
    def get(n: int) -> int:
        return n

    get.mark = "mine"  # type: ignore[attr-defined]
    assert cache.cached(get).mark == "mine"  # type: ignore[attr-defined]


# -- what it can do


async def test_all_that_an_async_function_can_do(cache: Cache) -> None:
    calls: list[int] = []

    @cache.cached(key="double:{n}", tags=["doubles"])
    async def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    assert double.key(n=2) == "double:2"
    assert await double.get(2) is MISSING
    assert await double(2) == await double(n=2) == await cache.get("double:2") == 4
    await double.set(5, 2)
    assert await double(2) == 5
    await double.invalidate(n=2)
    assert await double(2) == 4
    assert await double.refresh(2) == 4
    await cache.invalidate(Tag("doubles"))
    assert await double.get(2) is MISSING
    assert calls == [2, 2, 2]


def test_it_counts(cache: Cache) -> None:
    @cache.cached
    def double(n: int) -> int:
        return 2 * n

    assert double.info == Info()
    double(1), double(1), double(2), double.get(1), double.get(3)
    assert double.info == Info(hits=2, misses=3, loads=2)
    assert (cache.stats().hits, cache.stats().misses, cache.stats().loads) == (2, 3, 2)
    assert cache.stats().hit_ratio == 0.4


def test_its_key_names_it_and_all_of_its_arguments(cache: Cache) -> None:
    @cache.cached
    def get(a: int, b: str = "b", *rest: int, c: bool = False, **more: int) -> int:
        return 1

    name = f"{__name__}.test_its_key_names_it_and_all_of_its_arguments.<locals>.get"
    assert get.key(1) == get.key(a=1, b="b", c=False)
    assert get.key(1).startswith(f"{name}(1,'b',")
    keys = {get.key(1), get.key(1, "c"), get.key(1, "b", 2), get.key(1, c=True), get.key(1, d=1)}
    assert len(keys) == 5
    assert get.key(1, x=1, y=2) == get.key(1, y=2, x=1)


def test_wrong_arguments_are_the_functions_own_error(cache: Cache) -> None:
    @cache.cached
    def get(a: int) -> int:
        return a

    with pytest.raises(TypeError, match=r"get\(\) missing 1 required positional argument: 'a'"):
        get()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
        get(1, b=2)  # type: ignore[call-arg]


def test_equal_arguments_of_other_types_are_other_calls(cache: Cache) -> None:
    @cache.cached
    def kind(value: object) -> str:
        return type(value).__name__

    values = [1, 1.0, True, "1", b"1", None, (1,), [1], {1}]
    assert [kind(value) for value in values] == [type(value).__name__ for value in values]


def test_a_value_is_its_callers_own(cache: Cache) -> None:
    @cache.cached
    def get() -> list[int]:
        return [1]

    get().append(2)
    get().append(3)
    assert get() == [1]


def test_share_hands_out_the_object_itself(cache: Cache) -> None:
    @cache.cached(share=True)
    def get() -> list[int]:
        return [1]

    assert get() is get()


def test_none_is_cached(cache: Cache) -> None:
    @cache.cached
    def nothing() -> None:
        return None

    assert nothing.get() is MISSING
    nothing(), nothing()
    assert nothing.get() is None
    assert nothing.info.loads == 1


def test_an_error_is_not_cached(cache: Cache) -> None:
    @cache.cached
    def fail() -> int:
        raise LookupError("no such thing")

    for _ in range(2):
        with pytest.raises(LookupError, match="no such thing"):
            fail()
    assert fail.info.loads == 2


def test_ttl_of_one_function(blocking: Caches) -> None:
    clock = FakeClock()
    cache = Cache(MemoryBackend(clock=clock), clock=clock, serializer=PickleSerializer(), ttl=10)

    @cache.cached(ttl=timedelta(minutes=1))
    def minute() -> int:
        return 1

    @cache.cached(ttl=None)
    def ever() -> int:
        return 1

    @cache.cached
    def usual() -> int:
        return 1

    minute(), ever(), usual()
    found = []
    for seconds in (9, 2, 48, 2, 10**8):
        clock.advance(seconds)
        found.append([f.get() is not MISSING for f in (minute, ever, usual)])
    assert found == [[True, True, True]] + [[True, True, False]] * 2 + [[False, True, False]] * 2


def test_ignored_arguments_are_not_in_the_key(cache: Cache) -> None:
    @cache.cached(ignore=["session"])
    def get(session: object, n: int) -> int:
        return n

    assert get(object(), 1) == get(object(), 1) == 1
    assert get.info.loads == 1
    with pytest.raises(ConfigurationError, match=r"ignore='db'.*no such parameter"):
        cache.cached(ignore="db")(get.__wrapped__)


def test_tags_that_name_arguments(cache: Cache) -> None:
    @cache.cached(key="item:{user}:{n}", tags=["items", "user:{user}"])
    def item(user: str, n: int) -> int:
        return n

    item("ann", 1), item("bob", 1)
    cache.sync.invalidate(Tag("user:ann"))
    assert (item.get("ann", 1), item.get("bob", 1)) == (MISSING, 1)
    cache.sync.invalidate(Tag("items"))
    assert item.get("bob", 1) is MISSING


def test_a_tag_that_the_key_does_not_determine_is_refused(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match="does not hold"):

        @cache.cached(key="item:{n}", tags=["user:{user}"])
        def item(user: str, n: int) -> int:
            return n


def test_what_was_set_by_hand_is_a_miss_that_the_function_replaces(cache: Cache) -> None:
    @cache.cached(key="k:{n}", tags=["t"])
    def get(n: int) -> str:
        return "loaded"

    cache.sync.set("k:1", "by hand")
    assert get.get(1) is MISSING
    assert get(1) == "loaded"
    assert cache.sync.get("k:1") == "loaded"
    cache.sync.set("k:2", "by hand", tags=["t", "more"])
    assert get(2) == "loaded"  # else get.clear() would not forget it
    get.set("by its own hand", 3)
    assert get(3) == "by its own hand"
    cache.sync.invalidate(Tag("t"))
    assert [get.get(n) for n in (1, 2, 3)] == [MISSING] * 3


def test_a_hit_without_a_read_heeds_the_tags_too(cache: Cache) -> None:
    @cache.cached(key="k", tags=["t"])
    def get() -> str:
        return "loaded"

    get(), get()
    cache.sync.set("k", "by hand")
    assert get() == "loaded"


def test_prefix_of_a_function_forgets_its_calls(cache: Cache) -> None:
    @cache.cached(name="shop.get")
    def get(n: int) -> int:
        return n

    get(1), get(2)
    cache.sync.invalidate(Prefix("shop.get("))
    assert (get.get(1), get.get(2)) == (MISSING, MISSING)


def test_its_key_by_a_function_of_the_arguments(cache: Cache) -> None:
    @cache.cached(key=lambda n, **_: f"even:{n % 2 == 0}", tags=["t"])
    def even(n: int, note: str = "") -> bool:
        return n % 2 == 0

    assert [even(1), even(3), even(2, note="x")] == [False, False, True]
    assert even.info.loads == 2
    assert even.key(5) == "even:False"


# -- names


def test_closures_and_lambdas_need_a_key_or_a_name(cache: Cache) -> None:
    def make(factor: int, **options: Any) -> Any:
        @cache.cached(**options)
        def times(n: int) -> int:
            return factor * n

        return times

    with pytest.raises(ConfigurationError, match=r"captures factor.*pass key= .* or name="):
        make(2)
    with pytest.raises(ConfigurationError, match=r"has no name of its own.*pass key= .* or name="):
        cache.cached(lambda: 1)
    assert make(2, key="double:{n}")(2) == 4
    assert make(3, name="triple")(2) == 6
    assert cache.cached(name="one")(lambda: 1)() == 1


def test_one_template_is_one_functions(cache: Cache) -> None:
    @cache.cached(key="k:{n}")
    def first(n: int) -> int:
        return n

    with pytest.raises(ConfigurationError, match=r"'k:\{n\}' is the key of .*first already"):

        @cache.cached(key="k:{n}")
        def second(n: int) -> int:
            return n

    cache.cached(name="one")(first.__wrapped__)
    with pytest.raises(ConfigurationError, match=r"'one' is the key of .*first already"):
        cache.cached(name="one")(lambda: 1)


def test_a_function_may_be_defined_again(cache: Cache) -> None:
    def define(value: int) -> Any:
        space: dict[str, Any] = {"__name__": "notebook"}
        exec(f"def get():\n    return {value}", space)
        return cache.cached(key="k")(space["get"])

    first = define(1)
    assert first() == 1
    second = define(2)
    assert second() == 1
    assert second.refresh() == 2
    assert first() == 2
    assert second.info is first.info


# -- what can be decorated


def test_partial_functions_and_callable_objects_need_a_name(cache: Cache) -> None:
    class Adder:
        def __call__(self, a: int, b: int) -> int:
            return a + b

    add = Adder()
    for decorated in (functools.partial(add, 1), add):
        with pytest.raises(ConfigurationError, match="has no name of its own"):
            cache.cached(decorated)
    cached = cache.cached(name="add")(add)
    assert (cached(1, 2), cached(1, b=2), cached.info.loads) == (3, 3, 1)
    plus = cache.cached(key="plus:{b}")(functools.partial(add, 1))
    assert (plus(2), plus.key(2)) == (3, "plus:2")


async def test_what_gives_a_coroutine_is_async(cache: Cache) -> None:
    class Adder:
        async def __call__(self, a: int, b: int) -> int:
            return a + b

    add = cache.cached(name="add")(Adder())
    assert inspect.iscoroutinefunction(add)
    assert await add(1, 2) == 3
    plus = cache.cached(name="plus")(functools.partial(Adder().__call__, 1))
    assert inspect.iscoroutinefunction(plus)
    assert await plus(2) == 3


def test_a_plain_function_that_returns_a_coroutine_is_told_so(cache: Cache) -> None:
    async def work() -> int:
        return 1

    @cache.cached(key="k")
    def get() -> Any:
        return work()

    with pytest.raises(TypeError, match="not an async one"):
        get()


def test_a_wrapped_function_keeps_its_name(cache: Cache) -> None:
    def twice(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapper(n: int) -> int:
            return 2 * function(n)

        return wrapper

    @cache.cached
    @twice
    def get(n: int) -> int:
        return n

    assert get(1) == 2
    assert get.key(1).endswith("get(1)")


def test_builtin_functions(cache: Cache) -> None:
    size = cache.cached(len)
    assert (size([1, 2]), size((1, 2)), size([1, 2])) == (2, 2, 2)
    assert size.info.loads == 2


def test_decorated_twice_is_refused(cache: Cache) -> None:
    def get(n: int) -> int:
        return n

    once = cache.cached(get)
    with pytest.raises(ConfigurationError, match="get is cached by this cache: decorate it once"):
        cache.cached(once)

    with pytest.raises(ConfigurationError, match="decorate it once"):

        class Repo:
            @cache.cached
            @cache.cached
            def get(self, n: int) -> int:
                return n


async def test_one_cache_in_front_of_another(caches: Caches) -> None:
    near, far = caches(), caches()

    @near.cached
    @far.cached
    async def get(n: int) -> int:
        return n

    @dataclass(frozen=True)
    class Repo:
        name: str

        @near.cached
        @far.cached
        async def get(self, n: int) -> str:
            return f"{self.name}{n}"

    assert (await get(1), await get(1)) == (1, 1)
    await near.clear()
    assert await get(1) == 1
    assert await Repo("a").get(1) == "a1"
    assert (far.stats().hits, far.stats().loads, near.stats().loads) == (1, 2, 3)


def numbers() -> Iterator[int]:
    yield 1


async def later_numbers() -> AsyncIterator[int]:
    yield 1


ANY_NUMBERS: Any = numbers


class Thing:
    name = property(lambda self: "a")
    lazy = functools.cached_property(lambda self: "a")


@pytest.mark.parametrize(
    ("decorated", "message"),
    [
        (numbers, "numbers is a generator, which can be consumed only once: return a list"),
        (later_numbers, "later_numbers is a generator"),
        (functools.partial(numbers), "is a generator"),
        (Thing.__dict__["name"], "a property cannot be cached: decorate the function under it"),
        (Thing.__dict__["lazy"], "cached.. decorates functions, not <functools.cached_property"),
        (Thing, "cached.. decorates functions, not <class"),
        (60, "cached.. decorates functions, not 60"),
        ("key", "cached.. decorates functions, not 'key'"),
        (staticmethod(numbers), "is a generator"),
        (classmethod(ANY_NUMBERS), "is a generator"),
    ],
)
def test_what_cannot_be_cached(cache: Cache, decorated: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        cache.cached(decorated)
    with pytest.raises(TypeError, match=message):
        cache.cached(name="it")(decorated)


# -- several caches, and none


def test_a_disabled_cache_loads_each_time() -> None:
    cache = Cache("memory://", disabled=True, serializer=PickleSerializer())

    @cache.cached
    def get(n: int) -> list[int]:
        return [n]

    assert get(1) == get(1) == [1]
    get.set([2], 1)
    assert get.get(1) is MISSING
    get.invalidate(1)
    assert get.refresh(1) == [1]
    assert get.info.loads == 3
    assert cache.sync.get_or_set("k", lambda: 1) == 1
    assert not cache.sync.exists("k")
    cache.sync.clear()


def test_caches_are_apart(blocking: Caches) -> None:
    def get(n: int) -> int:
        return n

    first, second = blocking().cached(get), blocking().cached(get)
    first.set(10, 1)
    assert (first(1), second(1)) == (10, 1)


async def test_events_name_what_is_forgotten(cache: Cache) -> None:
    @dataclass(frozen=True)
    class Renamed:
        id: int

    @cache.cached(key="user:{id}", tags=["users"])
    async def user(id: int) -> int:
        return id

    @cache.on(Renamed)
    def renamed(event: Renamed) -> list[Key | Tag]:
        return [Key("user:{}", event.id)]

    await user(1), await user(2)
    assert await cache.emit(Renamed(1)) == (Key("user:1"),)
    assert (await user.get(1), await user.get(2)) == (MISSING, 2)
    assert renamed(Renamed(3)) == [Key("user:3")]


async def test_invalidators_given_to_the_cache(caches: Caches) -> None:
    one = caches(invalidators=lambda event: Key(event))
    several = caches(invalidators=[lambda event: Key(event), lambda event: [Tag(event)]])
    assert await one.emit("k") == (Key("k"),)
    assert await several.emit("k") == (Key("k"), Tag("k"))

    @several.on(str)
    def more(event: str) -> Prefix:
        return Prefix(event)

    assert await several.emit("k") == (Key("k"), Tag("k"), Prefix("k"))


async def test_deferred_forgets_a_functions_calls_at_its_end(cache: Cache) -> None:
    calls: list[int] = []

    @cache.cached(key="k:{n}")
    async def get(n: int) -> int:
        calls.append(n)
        return len(calls)

    await get(1)
    async with cache.deferred():
        await get.invalidate(1)
        assert await get(1) == 2
        assert await get.refresh(1) == 3
        await get.set(100, 1)
        assert await get.get(1) is MISSING
    assert await get(1) == 4
