"""`max_value_bytes`: what is larger is served and not stored, and not read either."""

import asyncio
import logging
import tracemalloc
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError, Serializer, Step, TooLargeError, UnreadableError
from cachekit.backend import DONE, REFUSED
from cachekit.signing import Signing
from cachekit.testing.shapes import shape
from cachekit_aesgcm import AesGcmEncryption
from cachekit_msgpack import MsgpackSerializer
from cachekit_orjson import OrjsonSerializer
from cachekit_pickle import PickleSerializer
from cachekit_zstd import ZstdCompression
from tests.core.helpers import Load, Loads, ends, start, ticks
from tests.core.slow_store import SlowStore
from tests.serializers.conftest import Plain
from tests.serializers.looking import entry_of, values
from tests.serializers.things import Product, product

pytestmark = pytest.mark.virtual

KEY = bytes(range(32))
LIMIT = 10_000


class Raw:
    """Bytes as they are, so that a test knows their number."""

    id: str = "raw"
    fingerprint: bytes = b""

    def dumps(self, value: Any) -> bytes:
        assert isinstance(value, bytes)
        return value

    def loads(self, data: bytes) -> Any:
        return data


class Padding:
    """A step that adds so many bytes, or takes so many off."""

    id: str = "padding"

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, data: bytes, context: bytes) -> bytes:
        return data + bytes(self.size)

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if len(data) - self.size > limit:
            raise UnreadableError("too long")
        return data[: len(data) - self.size]


STEPS: dict[str, list[Step]] = {
    "alone": [],
    "signing": [Signing([KEY])],
    "zstd": [ZstdCompression()],
    "aesgcm": [AesGcmEncryption([KEY])],
    "all": [ZstdCompression(), Signing([KEY]), AesGcmEncryption([KEY])],
    "padding": [Padding(1024)],
}

SERIALIZERS: dict[str, Serializer] = {
    "msgpack": MsgpackSerializer(),
    "orjson": OrjsonSerializer(),
    "pickle": PickleSerializer([KEY]),
}

each_step = pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
each_serializer = pytest.mark.parametrize("serializer", SERIALIZERS.values(), ids=SERIALIZERS)


def noise(size: int) -> bytes:
    """It does not become smaller."""
    return (b"".join(number.to_bytes(2, "big") for number in range(65536)) * 2)[:size]


def zeros(size: int) -> bytes:
    return bytes(size)


# -- writing


@each_step
@pytest.mark.parametrize("make", [noise, zeros])
async def test_exactly_as_many_bytes_as_allowed(
    caches: Plain, steps: list[Step], make: Any
) -> None:
    cache = caches(caches.slow(), serializer=Raw(), steps=steps, max_value_bytes=LIMIT)
    await cache.set("k", make(LIMIT))
    assert await cache.get("k") == make(LIMIT)
    with pytest.raises(TooLargeError, match=r"the raw of the value has 10,001 bytes, more than "):
        await cache.set("l", make(LIMIT + 1))
    assert list(values(cache)) == ["k"]
    assert await cache.get_or_set("m", lambda: make(LIMIT + 1)) == make(LIMIT + 1)
    assert (cache.stats().too_large, cache.stats().unreadable) == (1, 0)


@each_serializer
@each_step
async def test_the_limit_is_of_what_the_serializer_makes(
    caches: Plain, steps: list[Step], serializer: Serializer
) -> None:
    """The signature of a bound serializer counts, what steps add or save does not."""
    size = len(serializer.dumps("x" * 5000))
    cache = caches(caches.slow(), serializer=serializer, steps=steps)
    await cache.set("k", "x" * 5000, max_value_bytes=size)
    with pytest.raises(TooLargeError):
        await cache.set("k", "y" * 5001, max_value_bytes=size)
    assert await cache.get_or_set("k", Load(), max_value_bytes=size) == "x" * 5000
    load = Load("new {}".format).finish()
    assert await cache.get_or_set("k", load, max_value_bytes=size - 1) == "new 1"
    assert cache.stats().unreadable == 1


async def test_what_steps_add_may_not_make_it_unreadable(caches: Plain) -> None:
    """1024 bytes are theirs; what is more would be stored in vain, and loaded by each caller."""
    cache = caches(caches.slow(), serializer=Raw(), steps=[Padding(1025)], max_value_bytes=LIMIT)
    await cache.set("k", noise(LIMIT - 1))
    assert await cache.get("k") == noise(LIMIT - 1)
    with pytest.raises(TooLargeError, match=r"padding makes 11,025 bytes, and 1024 more"):
        await cache.set("l", noise(LIMIT))
    load = Load(lambda n: noise(LIMIT))
    callers = [start(cache.get_or_set("l", load)) for _ in range(3)]
    await load.begun.wait()
    await ticks()
    load.finish()
    assert await ends(*callers) == [noise(LIMIT)] * 3
    assert (load.calls, cache.stats().too_large, cache.stats().unreadable) == (1, 1, 0)
    assert list(values(cache)) == ["k"]


async def test_a_set_that_is_too_large_stores_nothing(caches: Plain) -> None:
    cache = caches(caches.slow(), max_value_bytes=100)
    advice = r"more than max_value_bytes=100: allow more, or cache parts of it"
    with pytest.raises(TooLargeError, match=advice):
        await cache.set("k", "x" * 200)
    with pytest.raises(TooLargeError, match=advice):
        await cache.add("k", "x" * 200)
    with pytest.raises(TooLargeError, match=advice):
        await cache.set_many({"k": "x" * 200, "l": "x"})

    @cache.cached(key="f")
    async def function() -> str:
        raise AssertionError

    @cache.cached_many(key="m:{ids}")
    async def many(ids: list[int]) -> dict[int, str]:
        raise AssertionError

    with pytest.raises(TooLargeError, match=advice):
        await function.set("x" * 200)
    with pytest.raises(TooLargeError, match=advice):
        await many.set({1: "x" * 200, 2: "x"})
    assert set(values(cache)) == {"l", "m:2"}
    await cache.set("k", "x" * 200, max_value_bytes=300)
    assert await cache.get_or_set("k", Load(), max_value_bytes=300) == "x" * 200


async def test_an_old_value_is_not_forgotten_by_a_set_that_raises(caches: Plain) -> None:
    cache = caches(caches.slow(), max_value_bytes=100)
    await cache.set("k", "old")
    with pytest.raises(TooLargeError):
        await cache.set("k", "x" * 200)
    assert await cache.get("k") == "old"


# -- loading


@each_serializer
@each_step
async def test_what_is_loaded_is_for_all_who_wait(
    caches: Plain, serializer: Serializer, steps: list[Step], caplog: pytest.LogCaptureFixture
) -> None:
    """One load, each has a value of its own, and nothing is stored."""
    cache = caches(caches.slow(), serializer=serializer, steps=steps, max_value_bytes=100)
    load = Load(lambda n: ["x" * 200, n])
    callers = [start(cache.get_or_set("k", load)) for _ in range(5)]
    await load.begun.wait()
    await ticks()
    load.finish()
    with caplog.at_level(logging.WARNING, "cachekit"):
        found = await ends(*callers)
        assert found == [["x" * 200, 1]] * 5
        assert len({id(value) for value in found}) == 5
        assert await cache.get_or_set("k", load) == ["x" * 200, 2]
    assert values(cache) == {}
    stats = cache.stats()
    assert (stats.too_large, stats.loads, stats.shared, stats.fills) == (2, 2, 4, 0)
    assert (stats.not_encoded, stats.unreadable, stats.alone) == (0, 0, 0)
    (record,) = caplog.records
    assert "a value for v:test:k was served but not stored: the " in record.getMessage()
    assert "more than max_value_bytes=100: allow more, or cache" in record.getMessage()


async def test_what_a_typed_function_returns_as_well(caches: Plain) -> None:
    cache = caches(caches.slow(), max_value_bytes=100)
    gate = asyncio.Event()

    @cache.cached(key="k")
    async def function() -> list[Product]:
        await gate.wait()
        return [product(n) for n in range(10)]

    callers = [start(function()) for _ in range(3)]
    await ticks()
    gate.set()
    found = await ends(*callers)
    assert [shape(each) for each in found] == [shape([product(n) for n in range(10)])] * 3
    assert (function.info.loads, cache.stats().too_large, values(cache)) == (1, 1, {})


async def test_of_several_only_the_large_one_is_not_stored(caches: Plain) -> None:
    cache = caches(caches.slow(), max_value_bytes=100)
    load = Loads(lambda key, n: key * 200 if key == "b" else key)
    asked = [start(cache.get_or_set_many(["a", "b", "c"], load)) for _ in range(2)]
    await load.begun.wait()
    await ticks()
    load.finish()
    assert await ends(*asked) == [{"a": "a", "b": "b" * 200, "c": "c"}] * 2
    assert (load.keys, set(values(cache))) == (["a", "b", "c"], {"a", "c"})
    assert cache.stats().too_large == 1


def test_who_blocks_shares_it_too(blocking: Plain) -> None:
    cache = blocking(blocking.slow(), max_value_bytes=100)
    for _ in range(2):
        assert cache.sync.get_or_set("k", lambda: "x" * 200) == "x" * 200
    with pytest.raises(TooLargeError):
        cache.sync.set("k", "x" * 200)
    assert cache.stats().too_large == 2
    assert values(cache) == {}


async def test_other_processes_are_not_kept_waiting(caches: Plain) -> None:
    """They cannot be given the value, so nothing may say that somebody still loads."""
    one, other = (caches(caches.slow(), max_value_bytes=100) for _ in range(2))
    load = Load(lambda n: "x" * 200)
    first = start(one.get_or_set("k", load))
    await load.begun.wait()
    second = start(other.get_or_set("k", load))
    await ticks()
    assert load.calls == 1
    load.finish()
    before = asyncio.get_running_loop().time()
    assert await ends(first, second) == ["x" * 200] * 2
    assert asyncio.get_running_loop().time() - before < 0.5
    assert load.calls == 2


async def test_an_old_value_stays_when_the_new_one_is_too_large(caches: Plain) -> None:
    cache = caches(caches.slow(), max_value_bytes=100, ttl=10, stale_while_revalidate=100)
    await cache.set("k", "old")
    await asyncio.sleep(15)
    load = Load(lambda n: "x" * 200).finish()
    assert await cache.get_or_set("k", load) == "old"
    await ticks()
    assert (load.calls, cache.stats().too_large) == (1, 1)
    assert await cache.get_or_set("k", load) == "old"


async def test_in_memory_no_bytes_are_made_and_none_are_counted(caches: Plain) -> None:
    cache = caches(max_value_bytes=100)
    await cache.set("k", "x" * 200)
    assert await cache.get("k") == "x" * 200


# -- reading


@each_step
async def test_what_another_cache_was_allowed_is_not_read(caches: Plain, steps: list[Step]) -> None:
    options: Any = {"serializer": Raw(), "steps": steps}
    rich = caches(caches.slow(), max_value_bytes=LIMIT + 1, **options)
    poor = caches(caches.slow(), max_value_bytes=LIMIT, **options)
    await rich.set("exact", noise(LIMIT))
    assert await poor.get("exact") == noise(LIMIT)
    for value in (noise(LIMIT + 1), zeros(LIMIT + 1)):
        await rich.set("k", value)
        before = poor.stats()
        assert await poor.get("k", "none") == "none"
        await ticks()
        assert poor.stats().unreadable == before.unreadable + 1
        assert poor.stats().misses == before.misses + 1
        assert "k" not in values(poor)
        assert await poor.get_or_set("k", lambda: b"new") == await rich.get("k") == b"new"


async def test_what_is_too_large_to_read_is_deleted_unless_it_was_replaced(caches: Plain) -> None:
    far = caches.slow()
    rich, poor = caches(caches.slow(), max_value_bytes=1000), caches(far, max_value_bytes=100)
    await rich.set("k", "x" * 200)
    await poor.open()
    far.delay = 0.1
    reading = start(poor.get("k"))
    await asyncio.sleep(0.15)  # it was read, and its end is on the way
    await rich.set("k", "new")
    assert await reading is None
    await asyncio.sleep(0.2)
    assert (len(far.sent(None, REFUSED)), far.sent(None, DONE)) == (1, [])
    assert await poor.get("k") == "new"


async def test_of_many_the_others_are_read(caches: Plain) -> None:
    rich, poor = (caches(caches.slow(), max_value_bytes=limit) for limit in (1000, 100))
    await rich.set_many({"a": "a", "b": "b" * 200, "c": "c"})
    assert await poor.get_many(["a", "b", "c"]) == {"a": "a", "c": "c"}
    assert await poor.entry("b") is None
    load = Loads().finish()
    found = await poor.get_or_set_many(["a", "b", "c"], load)
    assert (found, load.keys) == ({"a": "a", "b": "b 1", "c": "c"}, ["b"])


async def test_what_is_small_until_it_is_expanded(caches: Plain) -> None:
    """It is refused by what it says of its size, before there are so many bytes."""
    steps = [ZstdCompression()]
    rich = caches(caches.slow(), serializer=Raw(), steps=steps, max_value_bytes=2**25)
    poor = caches(caches.slow(), serializer=Raw(), steps=steps, max_value_bytes=LIMIT)
    await rich.set("k", zeros(2**25))
    payload = entry_of(rich).payload
    assert payload is not None
    assert len(payload) < LIMIT
    tracemalloc.start()
    try:
        assert await poor.get("k") is None
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert poor.stats().unreadable == 1


# -- arguments


class Odd:
    """A step of any id."""

    def __init__(self, id: Any) -> None:
        self.id = id

    def encode(self, data: bytes, context: bytes) -> bytes:
        return data

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return data


@pytest.mark.parametrize("id", ["", "a+b", "é", "a\n", "a" * 33, None, 7, b"zstd"])
def test_the_name_of_a_step_must_do(id: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Odd.id must be 1 to 32 printable ASCII chara"):
        Cache(steps=[Odd(id)])


def test_too_many_steps_for_one_name() -> None:
    assert Cache(steps=[Odd("x" * 30)] * 7)
    with pytest.raises(ConfigurationError, match=r"too many steps: msgpack\+x"):
        Cache(steps=[Odd("x" * 32)] * 8)


async def test_steps_are_taken_from_any_iterable_and_run_in_their_order(
    slow: Cache, store: SlowStore
) -> None:
    steps: list[Step] = [ZstdCompression(), AesGcmEncryption([KEY])]
    await slow.set("k", "x" * 2000, steps=iter(steps))
    await slow.set("l", "x" * 2000, steps=(step for step in reversed(steps)))
    sizes = {key: len(entry.payload or b"") for key, entry in values(slow).items()}
    assert {key: entry.codec for key, entry in values(slow).items()} == {
        "k": "msgpack+zstd+aesgcm",
        "l": "msgpack+aesgcm+zstd",
    }
    assert sizes["k"] < 200 < 2000 < sizes["l"]
    assert await slow.get_or_set("k", Load(), steps=steps) == "x" * 2000


async def test_steps_of_the_cache_are_of_its_typed_functions_too(caches: Plain) -> None:
    cache = caches(caches.slow(), steps=[Signing([KEY])])

    @cache.cached(key="k")
    async def function() -> Product:
        return product()

    @cache.cached(key="l", steps=[])
    async def plain() -> Product:
        return product()

    for _ in range(2):
        assert shape(await function()) == shape(await plain()) == shape(product())
    assert (function.info.loads, plain.info.loads) == (1, 1)
    written = {key: entry.codec for key, entry in values(cache).items()}
    assert written == {"k": "pydantic+blake2b", "l": "pydantic"}
    assert shape(await cache.get("k", type=Product)) == shape(product())
    assert await cache.get("l", type=Product) is None
