"""A store that fails: reads and fills go without it, what forgets says so."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cachekit import MISSING, Cache, InvalidationError, Key, Prefix, Tag
from cachekit.backend import Write
from cachekit.entry import Kind
from cachekit.health import QUIET
from tests.core.conftest import Caches
from tests.core.helpers import Load, ends, start, ticks
from tests.core.slow_store import SlowStore, of_kind

pytestmark = pytest.mark.virtual

DEADLINE = 0.25


def time() -> float:
    return asyncio.get_running_loop().time()


def refuse(store: SlowStore) -> None:
    store.error = ConnectionRefusedError("refused")


def refuse_to_open(store: SlowStore) -> None:
    store.open_error = ConnectionRefusedError("refused")


FAULTS: dict[str, Callable[[SlowStore], None]] = {
    "raises": refuse,
    "hangs": SlowStore.hang,
    "does not open": refuse_to_open,
    "hangs while it opens": SlowStore.hang,
}


@pytest.fixture(params=FAULTS)
async def broken(request: pytest.FixtureRequest, slow: Cache, store: SlowStore) -> Cache:
    """A cache on a store that fails."""
    if "open" not in request.param:
        await slow.open()
    FAULTS[request.param](store)
    return slow


async def test_reads_never_raise(broken: Cache) -> None:
    assert await broken.get("k") is None
    assert await broken.get("k", MISSING) is MISSING
    assert await broken.get_many(["a", "b"]) == {}
    assert not await broken.exists("k")
    assert not await broken.add("k", 1)


async def test_the_caller_gets_the_loaders_value(broken: Cache) -> None:
    load = Load().finish()
    assert await broken.get_or_set("k", load, tags=["t"]) == "value 1"
    assert await broken.get_or_set("k", load, tags=["t"]) == "value 2"
    assert broken.stats().unstored == 2


async def test_the_caller_gets_the_loaders_error(broken: Cache) -> None:
    with pytest.raises(ValueError, match="mine"):
        await broken.get_or_set("k", Load().fail(ValueError("mine")))


FORGETTING: dict[str, tuple[Callable[[Cache], Awaitable[object]], str]] = {
    "delete": (lambda cache: cache.delete("k"), "Key('k')"),
    "key": (lambda cache: cache.invalidate(Key("k")), "Key('k')"),
    "tag": (lambda cache: cache.invalidate(Tag("t")), "Tag('t')"),
    "prefix": (lambda cache: cache.invalidate(Prefix("k")), "Prefix('k')"),
    "clear": (lambda cache: cache.clear(), "everything"),
    "set": (lambda cache: cache.set("k", 1), "Key('k')"),
}


@pytest.mark.parametrize("forget", FORGETTING)
async def test_what_forgets_raises(broken: Cache, forget: str) -> None:
    """Naming what may still be there."""
    work, name = FORGETTING[forget]
    with pytest.raises(InvalidationError, match="not acknowledged") as raised:
        await work(broken)
    assert raised.value.unreached == (name,)
    assert broken.stats().unacknowledged == 1


async def test_several_targets_are_all_named(broken: Cache) -> None:
    with pytest.raises(InvalidationError) as raised:
        await broken.invalidate(Key("a"), Tag("b"), Prefix("c"))
    assert raised.value.unreached == ("Key('a')", "Tag('b')", "Prefix('c')")


async def test_a_function_of_a_broken_store(broken: Cache) -> None:
    @broken.cached(key="of:{n}")
    async def function(n: int) -> int:
        return n

    assert await function(1) == 1
    assert await function.get(1) is MISSING
    for work in (function.invalidate(1), function.refresh(1), function.set(2, 1)):
        with pytest.raises(InvalidationError) as raised:
            await work
        assert raised.value.unreached == ("Key('of:1')",)


ONE_DEADLINE: dict[str, Callable[[Cache], Awaitable[object]]] = {
    "get": lambda cache: cache.get("k"),
    "get many": lambda cache: cache.get_many(["a", "b"]),
    "exists": lambda cache: cache.exists("k"),
    "get or set": lambda cache: cache.get_or_set("k", Load().finish(), tags=["t"]),
    "add": lambda cache: cache.add("k", 1, tags=["t"]),
    "set": lambda cache: cache.set("k", 1, tags=["t"]),
    "set many": lambda cache: cache.set_many({"k": 1, "l": 2}, tags=["t"]),
    "delete": lambda cache: cache.delete("k"),
    "invalidate": lambda cache: cache.invalidate(Tag("t"), Key("k")),
}


@pytest.mark.parametrize("call", ONE_DEADLINE)
@pytest.mark.parametrize("after", range(7))
async def test_a_store_that_hangs_costs_a_call_one_deadline(
    slow: Cache, store: SlowStore, call: str, after: int
) -> None:
    """Whichever of its operations is the one that hangs."""
    await slow.set("tagged", 1, tags=["u"])
    hang_after(store, after)
    begun = time()
    await ends(start(_plain(ONE_DEADLINE[call](slow))))
    assert time() - begun == pytest.approx(0.0) or time() - begun == pytest.approx(DEADLINE)
    assert store.cancelled == 0


async def _plain(work: Awaitable[object]) -> object:
    return await work


def hang_after(store: SlowStore, operations: int) -> None:
    """The store hangs once it has done so many more operations."""
    left = [operations]
    travel = store._travel

    async def counted(error: Exception | None) -> None:
        if left[0] == 0:
            store.hang()
        left[0] -= 1
        await travel(error)

    store._travel = counted  # type: ignore[method-assign]


async def test_the_deadline_is_what_was_asked_for(caches: Caches) -> None:
    store = caches.slow()
    cache = caches(store, deadline=0.05)
    await cache.open()
    store.hang()
    begun = time()
    assert await cache.get_or_set("k", Load().finish()) == "value 1"
    assert time() - begun == pytest.approx(0.05)


async def test_a_late_answer_is_dropped(slow: Cache, store: SlowStore) -> None:
    """It is abandoned, not cancelled: it may be executed, and harms nobody."""
    await slow.set("k", "old")
    store.hang()
    assert await slow.get("k") is None
    with pytest.raises(InvalidationError):
        await slow.delete("k")
    store.resume()
    await ticks()
    assert store.cancelled == 0
    assert await slow.get("k") is None
    assert await slow.get_or_set("k", Load().finish()) == "value 1"


async def test_without_an_answer_one_load_runs_for_each_key(slow: Cache, store: SlowStore) -> None:
    """Who comes meanwhile shares the next one."""
    await slow.open()
    refuse(store)
    load = Load()
    first = [start(slow.get_or_set("k", load)) for _ in range(50)]
    await load.begun.wait()
    await ticks()
    second = [start(slow.get_or_set("k", load)) for _ in range(50)]
    await ticks()
    assert (load.calls, load.running) == (1, 1)
    load.finish()
    assert await ends(*first) == ["value 1"] * 50
    assert await ends(*second) == ["value 2"] * 50
    assert load.calls == 2


async def test_the_next_load_waits_for_one_that_is_given_up(slow: Cache, store: SlowStore) -> None:
    await slow.open()
    refuse(store)
    load = Load()
    first = start(slow.get_or_set("k", load))
    await load.begun.wait()
    second = start(slow.get_or_set("k", load))
    await ticks()
    first.cancel()
    load.finish()
    assert await second == "value 2"


async def test_when_the_store_is_back_all_is_well(broken: Cache, store: SlowStore) -> None:
    await broken.get("k")
    store.heal()
    await ticks()
    load = Load().finish()
    assert await broken.get_or_set("k", load) == "value 1"
    assert await broken.get_or_set("k", load) == "value 1"
    await broken.delete("k")
    assert await broken.get("k") is None


async def test_an_outage_is_logged_once(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """That it begins, that nothing is asked any more, and both ends; and the next one again."""
    await slow.open()
    for _ in range(2):
        refuse(store)
        for _ in range(10):
            await slow.get("k")
        assert len(caplog.records) == 2
        assert caplog.text.count("refused") == 2
        store.heal()
        await asyncio.sleep(1.0)
        for _ in range(10):
            await slow.get("k")
        assert "SlowStore is asked again" in caplog.text
        assert "has its backend back: reads succeed" in caplog.text
        assert len(caplog.records) == 4
        caplog.clear()
        await asyncio.sleep(QUIET)


async def test_what_fails_and_succeeds_in_turns_does_not_fill_the_log(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that is too small for large values, say: once a minute is enough."""
    for _ in range(100):
        await slow.set("k", 1)
        store.loses = lambda write: True
        with pytest.raises(InvalidationError):
            await slow.set("k", 2)
        store.loses = lambda write: False
        await asyncio.sleep(1)
    begun = [record for record in caplog.records if "writes fail" in record.getMessage()]
    ended = [record for record in caplog.records if "writes succeed" in record.getMessage()]
    assert len(begun) == 2
    assert len(ended) == 2


async def test_an_outage_that_follows_on_another_is_logged_if_it_lasts(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    await slow.open()
    refuse(store)
    await slow.get("k")
    store.heal()
    await slow.get("k")
    refuse(store)
    await slow.get("k")
    assert len(caplog.records) == 2
    await asyncio.sleep(QUIET)
    await slow.get("k")
    assert len(caplog.records) == 3


async def test_what_was_not_acknowledged_says_why(slow: Cache, store: SlowStore) -> None:
    """With the error of the store as its cause, and so with where that was raised."""
    await slow.open()
    refuse(store)
    with pytest.raises(InvalidationError, match="refused") as caught:
        await slow.delete("k")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    sent = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(sent, InvalidationError)
    assert sent.unreached == ("Key('k')",)
    assert str(sent) == str(caught.value)


async def test_a_store_that_only_reads(
    slow: Cache, store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Logged once as well. What it cannot forget is not served, nor is anything else it has."""
    await slow.set("k", 1)
    store.loses = lambda write: True
    assert await slow.get("k") == 1
    for _ in range(5):
        with pytest.raises(InvalidationError, match="no answer"):
            await slow.delete("k")
        assert await slow.get("k") is None
    assert len(caplog.records) == 2


async def test_some_keys_without_an_answer(slow: Cache, store: SlowStore) -> None:
    """A backend of several nodes says so key by key."""
    await slow.set_many({"a": 1, "b": 2})
    store.silent = lambda key: key == "v:test:a"
    assert await slow.get_many(["a", "b"]) == {"b": 2}
    assert await slow.get_or_set("a", Load().finish()) == "value 1"
    assert await slow.get_or_set("b", Load()) == 2
    store.heal()
    assert await slow.get_many(["a", "b"]) == {"a": 1, "b": 2}


async def test_some_writes_without_an_answer(slow: Cache, store: SlowStore) -> None:
    await slow.set_many({"a": 1, "b": 2})
    store.loses = lambda write: write.key == "v:test:a"
    with pytest.raises(InvalidationError) as raised:
        await slow.delete_many(["a", "b"])
    assert raised.value.unreached == ("Key('a')",)
    assert await slow.get_many(["a", "b"]) == {}
    store.heal()
    await asyncio.sleep(1.0)
    assert store.shelf.keys(Kind.VALUE) == []


async def test_a_fill_that_is_not_acknowledged_is_undone(slow: Cache, store: SlowStore) -> None:
    """R2: its stub is removed, so that nobody waits for it."""
    store.loses = of_kind(Kind.VALUE)
    assert await slow.get_or_set("k", Load().finish()) == "value 1"
    await ticks()
    assert store.shelf.keys(Kind.STUB) == []


async def test_bytes_that_cannot_be_read_are_a_miss(slow: Cache, store: SlowStore) -> None:
    """Counted, deleted on the condition that it is still that, and loaded anew."""
    await slow.set("k", "v")
    entry = store.shelf.entry("v:test:k")
    assert entry is not None
    entry.payload, entry.keep = b"garbage", None
    await store.write([Write("v:test:k", entry)])
    assert await slow.get("k") is None
    await ticks()
    assert slow.stats().unreadable == 1
    assert store.sent(None)[-1].expected == entry.version
    assert await slow.get_or_set("k", Load().finish()) == "value 1"


async def test_bytes_that_cannot_be_read_are_loaded_anew(slow: Cache, store: SlowStore) -> None:
    await slow.set("k", "v")
    entry = store.shelf.entry("v:test:k")
    assert entry is not None
    entry.payload, entry.keep = b"garbage", None
    await store.write([Write("v:test:k", entry)])
    load = Load().finish()
    assert await slow.get_or_set("k", load) == "value 1"
    await ticks()
    assert await slow.get_or_set("k", load) == "value 1"


async def test_a_backend_that_does_not_open_raises_where_it_is_opened(
    slow: Cache, store: SlowStore
) -> None:
    refuse_to_open(store)
    with pytest.raises(ConnectionRefusedError):
        await slow.open()
    with pytest.raises(ConnectionRefusedError):
        async with slow:
            raise AssertionError
    store.heal()
    async with slow:
        await slow.set("k", 1)


async def test_a_backend_that_hangs_while_it_opens_is_not_waited_for_twice(
    slow: Cache, store: SlowStore
) -> None:
    """Every call costs one deadline at most."""
    store.hang()
    begun = time()
    load = Load().finish()
    for _ in range(4):
        await slow.get_or_set("k", load)
    assert time() - begun <= 4 * DEADLINE + 0.01
    store.resume()
    await ticks()
    assert await slow.get_or_set("k", load) == "value 5"
    assert await slow.get_or_set("k", load) == "value 5"
    assert store.opened == 1


async def test_who_opens_may_be_cancelled(slow: Cache, store: SlowStore) -> None:
    """The others go on as if nothing had been."""
    store.delay = 0.1
    load = Load().finish()
    first = start(slow.get_or_set("k", load))
    await ticks()
    others = [start(slow.get_or_set("k", load)) for _ in range(3)]
    setting = start(slow.set("other", 1))
    await ticks()
    first.cancel()
    assert await ends(*others) == ["value 1"] * 3
    await setting
    store.delay = 0.0
    assert await slow.get_many(["k", "other"]) == {"k": "value 1", "other": 1}
    assert store.opened == 1


async def test_a_backend_that_raises_what_it_may_not(slow: Cache, store: SlowStore) -> None:
    """A cancellation of its own making is not its caller's."""
    await slow.open()

    async def read(keys: Any) -> Any:
        raise asyncio.CancelledError

    store.read = read  # type: ignore[method-assign]
    assert await slow.get_or_set("k", Load().finish()) == "value 1"
    assert await slow.get("k") is None
