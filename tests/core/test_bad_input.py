"""What no cache can make sense of is an error that says what to write instead."""

import asyncio
import math
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from cachekit import (
    MISSING,
    Cache,
    CacheClosedError,
    ConfigurationError,
    InvalidationError,
    Key,
    Prefix,
    Tag,
    UnsupportedError,
)
from cachekit.backend import DONE, Backend, Found, Outcome, Write
from cachekit.clock import SYSTEM
from cachekit_memory import MemoryBackend
from tests.core.conftest import Caches
from tests.core.helpers import PickleSerializer
from tests.core.slow_store import Shelf, SlowStore
from tests.core.threads import Threads, until_so


def new(backend: Any = None, **options: Any) -> Cache:
    return Cache(backend, **{"serializer": PickleSerializer(), **options})


@pytest.fixture
def cache(blocking: Caches) -> Cache:
    return blocking()


# -- durations

BAD_DURATIONS = [
    (0, "must be above 0 and at most ten years, not 0"),
    (-1, "must be above 0 and at most ten years, not -1"),
    (-0.0, "must be above 0"),
    (math.nan, "must be above 0 and at most ten years, not nan"),
    (math.inf, "must be above 0 and at most ten years, not inf"),
    (1e18, "must be above 0 and at most ten years"),
    (10**400, "must be above 0 and at most ten years"),
    (timedelta(0), "must be above 0"),
    (timedelta(seconds=-1), "must be above 0"),
    (timedelta.max, "must be above 0 and at most ten years"),
    (True, "must be seconds or a timedelta, not True"),
    ("60", "must be seconds or a timedelta, not '60'"),
    (b"60", "must be seconds or a timedelta"),
    (1j, "must be seconds or a timedelta"),
    ([60], r"must be seconds or a timedelta, not \[60\]"),
]


@pytest.mark.parametrize(("given", "message"), BAD_DURATIONS)
def test_a_bad_duration(cache: Cache, given: Any, message: str) -> None:
    never = "; None never expires"
    with pytest.raises(ConfigurationError, match=f"ttl {message}.*{never}"):
        new(ttl=given)
    with pytest.raises(ConfigurationError, match=f"ttl {message}"):
        cache.cached(ttl=given)
    with pytest.raises(ConfigurationError, match=f"ttl {message}"):
        cache.sync.set("k", 1, ttl=given)
    with pytest.raises(ConfigurationError, match=f"ttl {message}"):
        cache.sync.add("k", 1, ttl=given)
    with pytest.raises(ConfigurationError, match=f"ttl {message}"):
        cache.sync.get_or_set("k", lambda: 1, ttl=given)
    assert cache.sync.get("k") is None
    for name in ("load_timeout", "deadline"):
        with pytest.raises(ConfigurationError, match=f"{name} {message}(?!.*{never})"):
            new(**{name: given})


@pytest.mark.parametrize("given", [0.001, 1, timedelta(milliseconds=1), 10 * 365 * 86400, None])
def test_a_good_duration(cache: Cache, given: Any) -> None:
    cache.sync.set("k", 1, ttl=given)
    new(ttl=given)


def test_a_timeout_must_be_something(cache: Cache) -> None:
    for name in ("load_timeout", "deadline"):
        options: dict[str, Any] = {name: None}
        with pytest.raises(ConfigurationError, match=f"{name} must be seconds or a timedelta"):
            new(**options)


@pytest.mark.parametrize("given", [-0.1, 1, 1.5, math.nan, True, "0.1", None])
def test_a_bad_jitter(cache: Cache, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="jitter must be at least 0 and below 1, not"):
        new(jitter=given)
    with pytest.raises(ConfigurationError, match="jitter must be at least 0 and below 1, not"):
        cache.cached(jitter=given)


# -- keys and tags


@pytest.mark.parametrize("key", [1, None, b"k", ("a",), 1.5])
def test_a_key_that_is_no_text(cache: Cache, key: Any) -> None:
    message = f"a key is a str, not .*{type(key).__name__}"
    calls: list[Callable[[], Any]] = [
        lambda: cache.sync.get(key),
        lambda: cache.sync.get_many([key]),
        lambda: cache.sync.set(key, 1),
        lambda: cache.sync.set_many({"good": 1, key: 1}),
        lambda: cache.sync.add(key, 1),
        lambda: cache.sync.exists(key),
        lambda: cache.sync.get_or_set(key, lambda: 1),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=message):
            call()
    assert cache.sync.get("good") is None
    for call in (lambda: cache.sync.delete(key), lambda: cache.sync.delete_many([key])):
        with pytest.raises(TypeError, match=r"Key\(\) takes a str, not"):
            call()


@pytest.mark.parametrize("key", [1, None, b"k", ("a",), ["a"]])
async def test_a_key_that_is_no_text_of_a_caller_who_awaits(cache: Cache, key: Any) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=f"a key is a str, not .*{type(key).__name__}"):
            await cache.get(key)


async def test_long_keys_that_were_asked_for_are_not_held(cache: Cache) -> None:
    tracemalloc.start()
    try:
        for number in range(1000):
            await cache.get(f"{number}" * 20_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10_000_000


def test_an_empty_key(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match="key must not be empty"):
        cache.sync.get("")
    with pytest.raises(ConfigurationError, match=r"Key\(\) must not be empty"):
        cache.sync.delete("")


@pytest.mark.parametrize("key", ["k" * 2**20, "schlüssel", "a b", "a\nb\0", "\ud800", "~", "v:t:"])
def test_any_text_is_a_key(cache: Cache, key: str) -> None:
    cache.sync.set(key, 1)
    assert cache.sync.get(key) == 1
    assert cache.sync.get(key + "x") is None
    cache.sync.delete(key)
    assert cache.sync.get(key) is None


def test_a_str_where_several_are_wanted(cache: Cache) -> None:
    for call in (cache.sync.get_many, cache.sync.delete_many):
        with pytest.raises(ConfigurationError, match=r"keys='abc' is one str: write keys=\["):
            call("abc")
    with pytest.raises(ConfigurationError, match=r"tags='abc' is one str: write tags=\['abc'\]"):
        cache.sync.set("k", 1, tags="abc")
    with pytest.raises(ConfigurationError, match=r"tags='abc' is one str: write tags=\['abc'\]"):
        cache.sync.get_or_set("k", lambda: 1, tags="abc")
    with pytest.raises(ConfigurationError, match=r"tags='abc' is one str: write tags=\['abc'\]"):
        cache.cached(tags="abc")


@pytest.mark.parametrize("tag", ["", 1, None])
def test_a_tag_that_is_no_text(cache: Cache, tag: Any) -> None:
    with pytest.raises((TypeError, ConfigurationError), match="tag"):
        cache.sync.set("k", 1, tags=[tag])
    with pytest.raises((TypeError, ConfigurationError), match="Tag"):
        cache.sync.invalidate(Tag(tag))


def test_many_values_are_a_mapping(cache: Cache) -> None:
    pairs: Any = [("a", 1)]
    with pytest.raises(TypeError, match=r"set_many\(\) takes a mapping of keys to values"):
        cache.sync.set_many(pairs)


def test_invalidate_takes_targets(cache: Cache) -> None:
    given: Any = "k"
    with pytest.raises(ConfigurationError, match="takes Key, Tag and Prefix objects, not 'k'"):
        cache.sync.invalidate(given)
    with pytest.raises(ConfigurationError, match=r"not \[Key"):
        cache.sync.invalidate([Key("k")])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"call clear\(\) for that"):
        Prefix("")
    cache.sync.invalidate()


def test_a_target_that_is_none_spoils_no_other(cache: Cache) -> None:
    cache.sync.set("k", 1)
    bad: Any = "k"
    with pytest.raises(ConfigurationError):
        cache.sync.invalidate(Key("k"), bad)
    assert cache.sync.get("k") == 1


# -- functions


def test_arguments_without_an_identity(cache: Cache) -> None:
    @cache.cached
    def get(thing: Any) -> int:
        return 1

    assert get([1, {"a": {1, 2}}]) == get([1, {"a": {2, 1}}]) == 1
    assert get.info.loads == 1
    with pytest.raises(TypeError, match=r"get, argument 'thing'.*no identity.*ignore=\('thing',\)"):
        get(object())
    with pytest.raises(TypeError, match=r"get, argument 'thing'.*no identity"):
        get.invalidate(object())
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        get(loop)


BAD_TEMPLATES: list[tuple[dict[str, Any], str]] = [
    ({"key": "k:{m}"}, r"'k:\{m\}'.*no parameter 'm'; its parameters: \['n'\]"),
    ({"key": "k:{}"}, "name the parameter"),
    ({"key": "k:{n"}, r"k:\{n'.*write '\{\{'"),
    ({"key": "k:{n!r}"}, "has a conversion or a format"),
    ({"key": "k:{n:03}"}, "has a conversion or a format"),
    ({"key": "k:{n[0]}"}, "is no parameter or attribute of one"),
    ({"key": ""}, "write a str that is not empty"),
    ({"key": 5}, "write a str that is not empty"),
    ({"key": "k:{n}", "ignore": ["n"]}, "uses 'n', which is ignored"),
    ({"key": "k", "tags": ["t:{n}"]}, "does not hold"),
    ({"tags": ["t:{m}"]}, "no parameter 'm'"),
    ({"tags": [""]}, "each is a str that is not empty"),
    ({"tags": [1]}, "each is a str that is not empty"),
    ({"ignore": ["m"]}, r"no such parameter, only \['n'\]"),
    ({"name": ""}, "write a str that is not empty"),
    ({"serializer": "nothing"}, "no plug-in for 'nothing'; installed: .*msgpack"),
    ({"serializer": 5}, "serializer=5 is none: give an object with id"),
]


@pytest.mark.parametrize(("options", "message"), BAD_TEMPLATES)
def test_a_function_that_cannot_be_named_so(
    cache: Cache, options: dict[str, Any], message: str
) -> None:
    def get(n: int) -> int:
        return n

    with pytest.raises(ConfigurationError, match=message):
        cache.cached(**options)(get)


def test_a_key_function_that_returns_no_key(cache: Cache) -> None:
    made: list[Any] = [None, "", 5]

    @cache.cached(key=lambda: made[0])
    def get() -> int:
        return 1

    while made:
        with pytest.raises(TypeError, match="a key is a str that is not empty"):
            get()
        made.pop(0)


# -- loaders


async def _coroutine() -> int:
    return 1


@pytest.mark.parametrize("loader", [None, 5, "text", [1]])
async def test_a_loader_that_cannot_be_called(caches: Caches, loader: Any) -> None:
    cache = caches()
    message = "loader must be a function without arguments, not"
    with pytest.raises(TypeError, match=message):
        await cache.get_or_set("k", loader)
    with pytest.raises(TypeError, match=message):
        cache.sync.get_or_set("k", loader)
    assert cache.stats().loads == 0


async def test_a_coroutine_as_loader(caches: Caches) -> None:
    cache = caches()
    given: Any = _coroutine()
    with pytest.raises(TypeError, match="for a coroutine write lambda: it"):
        await cache.get_or_set("k", given)
    given = _coroutine()
    with pytest.raises(TypeError, match="for a coroutine write lambda: it"):
        cache.sync.get_or_set("k", given)


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_an_async_loader_for_one_who_blocks(blocking: Caches, kind: str) -> None:
    cache = blocking(blocking.slow() if kind == "slow" else None)
    loader: Any = _coroutine
    with pytest.raises(TypeError, match="a blocking call needs a plain function as loader"):
        cache.sync.get_or_set("k", loader)
    assert cache.sync.get("k", MISSING) is MISSING


async def test_any_awaitable_for_one_who_blocks(caches: Caches) -> None:
    cache = caches()
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with pytest.raises(TypeError, match="a blocking call needs a plain function as loader"):
        cache.sync.get_or_set("k", lambda: future)


async def test_any_awaitable_is_awaited(caches: Caches) -> None:
    cache = caches()
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(1)
    assert await cache.get_or_set("k", lambda: future) == 1


async def test_a_loader_that_wants_arguments(caches: Caches) -> None:
    cache = caches()
    loader: Any = lambda n: n  # noqa: E731
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        await cache.get_or_set("k", loader)


class OddError(Exception):
    """Takes what no copy of it would give."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


@pytest.mark.parametrize(
    "error", [LookupError("no"), OddError(1, 2), StopIteration(1), TimeoutError()]
)
@pytest.mark.parametrize("kind", ["memory", "slow"])
async def test_a_loader_that_raises(caches: Caches, kind: str, error: Exception) -> None:
    cache = caches(caches.slow() if kind == "slow" else None)

    def load() -> int:
        raise error

    raised = await asyncio.gather(cache.get_or_set("k", load), return_exceptions=True)
    wanted = RuntimeError if isinstance(error, StopIteration) else type(error)
    assert isinstance(raised[0], wanted)
    assert await cache.get("k", MISSING) is MISSING
    assert await cache.get_or_set("k", lambda: 1) == 1


def test_a_blocking_loader_that_raises_stop_iteration(cache: Cache) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        cache.sync.get_or_set("k", lambda: next(iter(())))
    assert cache.sync.get_or_set("k", lambda: 1) == 1


def test_emit_without_an_invalidator(cache: Cache) -> None:
    with pytest.raises(ConfigurationError, match=r"Cache\(invalidators=.*@cache.on\(EventType\)"):
        cache.sync.emit("event")


def test_invalidators_that_are_none(cache: Cache) -> None:
    async def later(event: Any) -> list[Key]:
        return []

    for given in (5, [5], [None], later, [later], "text"):
        with pytest.raises(ConfigurationError, match="is no plain function of an event"):
            new(invalidators=given)
    with pytest.raises(ConfigurationError, match="needs the types of the events"):
        cache.on()
    with pytest.raises(ConfigurationError, match="told apart by their class"):
        cache.on("event")(lambda event: [])  # type: ignore[arg-type]


def test_an_invalidator_that_names_no_targets() -> None:
    for answer in ("k", None, [1], 5):
        cache = new(invalidators=lambda event, answer=answer: answer)
        with pytest.raises(TypeError, match="returns Key, Tag or Prefix objects"):
            cache.sync.emit("event")


# -- backends


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("nothing://host", r"no plug-in for nothing://; installed: .*memory"),
        ("redis://host", "namespace= is missing: RedisBackend is shared with other"),
        ("memory", r"'memory' is no URL of a backend: write 'scheme://"),
        ("", r"'' is no URL of a backend"),
        ("memory://?size=5", "memory:// has no parameter 'size'"),
        (5, r"5 is no backend: give a URL such as 'memory://', a Backend"),
        ([], "a chain of 0 backends"),
        (["memory://", "memory://", "memory://"], "a chain of 3 backends"),
        (["redis://localhost", "memory://"], "l1 must be in this process"),
        (["memory://", "redis://localhost"], "namespace= is missing"),
        (
            SlowStore(Shelf(SYSTEM)),
            "namespace= is missing: SlowStore is shared with other",
        ),
        ([SlowStore(Shelf(SYSTEM))], "namespace= is missing"),
    ],
)
def test_a_backend_that_is_none(backend: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        new(backend)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SlowStore(Shelf(SYSTEM)), "namespace= is missing"),
        (lambda: "nothing://", "no plug-in for nothing://"),
        (lambda: 5, "5 is no backend"),
        (SlowStore, r"SlowStore\(\) made no backend, it raised TypeError: .* argument: 'shelf'"),
        (lambda: int("x"), r"<lambda>\(\) made no backend, it raised ValueError: invalid literal"),
    ],
)
async def test_a_backend_made_at_opening_that_is_none(make: Any, message: str) -> None:
    cache = new(make)
    uses: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        cache.open,
        lambda: cache.set("k", 1),
        lambda: cache.delete("k"),
        lambda: cache.get("k"),
        lambda: cache.get_or_set("k", lambda: 1),
    ]
    for use in uses:
        with pytest.raises(ConfigurationError, match=message):
            await use()


def test_a_backend_that_could_not_be_made_is_made_when_it_can() -> None:
    settings: dict[str, int] = {}

    def make() -> Backend:
        return MemoryBackend(max_entries=settings["size"])

    cache = new(make).sync
    with pytest.raises(ConfigurationError, match="KeyError: 'size'") as caught:
        cache.get("k")
    assert isinstance(caught.value.__cause__, KeyError)
    settings["size"] = 5
    assert cache.get_or_set("k", lambda: 1) == 1
    cache.close()


class Falsy(MemoryBackend):
    def __bool__(self) -> bool:
        return False


def test_a_backend_that_seems_empty_is_used_all_the_same() -> None:
    backend = Falsy()
    with new(backend).sync as cache:
        cache.set("k", 1)
        assert len(backend) == 1


class Bare(Backend):
    """Neither forgets by prefix nor does anything else but the least."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}

    async def read(self, keys: Sequence[str]) -> Found:
        return {key: self.stored[key] for key in keys if key in self.stored}

    async def write(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        for write in writes:
            self.stored[write.key] = write.entry
        return [DONE] * len(writes)


def test_prefix_on_a_backend_that_cannot() -> None:
    with new(Bare(), namespace="test").sync as cache:
        with pytest.raises(UnsupportedError, match="Bare cannot forget by Prefix; use a Tag"):
            cache.invalidate(Prefix("k"))
        assert cache.get_or_set("k", lambda: 1) == 1


@pytest.mark.parametrize("namespace", ["a:b", "a~b", "a b", "ä", "x" * 41, 5, b"a"])
def test_a_bad_namespace(namespace: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"namespace=.* will not do: write at most 40"):
        new(namespace=namespace)


# -- use at the wrong time and place


async def test_use_after_close(caches: Caches) -> None:
    cache = caches()

    @cache.cached
    async def get(n: int) -> int:
        return n

    await get(1)
    await cache.close()
    uses: list[Coroutine[Any, Any, Any]] = [
        get(1),
        get.get(1),
        get.invalidate(1),
        get.refresh(1),
        cache.get("k"),
        cache.get_many(["k"]),
        cache.exists("k"),
        cache.set("k", 1),
        cache.add("k", 1),
        cache.delete("k"),
        cache.invalidate(Tag("t")),
        cache.invalidate(Prefix("k")),
        cache.clear(),
        cache.get_or_set("k", lambda: 1),
        asyncio.to_thread(cache.sync.get, "k"),
    ]
    for use in uses:
        with pytest.raises(CacheClosedError, match=r"open it again with `await cache.open\(\)`"):
            await use
    with pytest.raises(CacheClosedError):
        async with cache.deferred():
            await cache.delete("k")
    async with cache:
        assert await get(1) == 1


@pytest.mark.parametrize("kind", ["memory", "slow"])
async def test_two_event_loops_at_once(caches: Caches, threads: Threads, kind: str) -> None:
    cache = caches(caches.slow() if kind == "slow" else None)
    await cache.set("k", 1)

    async def elsewhere() -> list[Any]:
        await cache.set("j", 2)
        await cache.invalidate(Tag("t"))
        return [await cache.get(key) for key in "kj"]

    other = threads.run(lambda: asyncio.run(elsewhere()))
    await until_so(other.done)
    assert other.result() == [1, 2]
    assert await cache.get("j") == 2


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_one_event_loop_after_the_other(blocking: Caches, kind: str) -> None:
    cache = blocking(blocking.slow() if kind == "slow" else None)
    asyncio.run(cache.set("k", 1))
    assert asyncio.run(cache.get("k")) == 1
    assert asyncio.run(cache.get_or_set("j", lambda: 2)) == 2
    asyncio.run(cache.close())
    with pytest.raises(CacheClosedError):
        asyncio.run(cache.get("k"))


def test_a_loop_that_stands_still_is_a_backend_that_fails(blocking: Caches) -> None:
    cache = blocking(blocking.slow(), deadline=0.01)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(cache.set("k", 1))
        assert cache.sync.get("k", "nothing") == "nothing"
        with pytest.raises(InvalidationError):
            cache.sync.delete("k")
    finally:
        loop.run_until_complete(cache.close())
        loop.close()


class Other(PickleSerializer):
    id = "other"  # type: ignore[misc]


class Changed(PickleSerializer):
    fingerprint = b"2"  # type: ignore[misc]


@dataclass(frozen=True)
class Pair:
    first: Cache
    second: Cache


@pytest.mark.parametrize("kind", ["memory", "slow"])
@pytest.mark.parametrize("serializer", [Other(), Changed()])
def test_caches_of_one_namespace_with_two_serializers_take_turns(
    blocking: Caches, kind: str, serializer: PickleSerializer
) -> None:
    store: Backend = blocking.slow() if kind == "slow" else blocking.memory()
    first, second = blocking(store), blocking(store, serializer=serializer)
    first.sync.set("k", "first")
    assert second.sync.get("k", "nothing") == "nothing"
    assert not second.sync.exists("k")
    assert second.sync.get_or_set("k", lambda: "second") == "second"
    assert second.sync.get("k") == "second"
    assert first.sync.get("k", "nothing") == "nothing"
    assert first.sync.get_or_set("k", lambda: "again") == "again"
    second.sync.set("k", "by hand")
    assert first.sync.get("k", "nothing") == "nothing"
    assert not first.sync.add("k", "added"), "there is something, and add may be a lock"
    first.sync.delete("k")
    assert first.sync.add("k", "added")
    assert first.sync.get("k") == "added"


@pytest.mark.parametrize("kind", ["memory", "slow"])
def test_caches_of_two_namespaces_never_meet(blocking: Caches, kind: str) -> None:
    store: Backend = blocking.slow() if kind == "slow" else blocking.memory()
    first, second = blocking(store, namespace="a"), blocking(store, namespace="b")
    first.sync.set("k", 1, tags=["t"])
    second.sync.set("k", 2, tags=["t"])
    first.sync.invalidate(Tag("t"))
    assert (first.sync.get("k"), second.sync.get("k")) == (None, 2)
    first.sync.set("k", 1)
    second.sync.clear()
    assert (first.sync.get("k"), second.sync.get("k")) == (1, None)
    second.sync.set("k", 2)
    first.sync.invalidate(Prefix("k"), Key("k"))
    assert (first.sync.get("k"), second.sync.get("k")) == (None, 2)


async def test_options_that_were_given_before_are_checked_again() -> None:
    async with Cache() as cache:
        assert await cache.get_or_set("a", lambda: 1, ttl=1) == 1
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="ttl"):
                await cache.get_or_set("a", lambda: 1, ttl=True)
