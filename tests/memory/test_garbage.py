"""The garbage collector: what it need not look at, and what it still frees."""

import asyncio
import ctypes
import gc
import sys
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from cachekit import Cache
from cachekit.backend import Write, drive
from cachekit.copies import containers_of
from cachekit.entry import Entry, Kind
from cachekit.testing.shapes import shape
from cachekit_memory import S3FIFO, MemoryBackend, TinyLFU
from cachekit_memory.garbage import leads_on, let_go
from tests.entry.strategies import VALUES

MANY = 1000
PLAIN = [
    "a text",
    b"bytes",
    7,
    None,
    datetime(2026, 11, 30, tzinfo=UTC),
    (1, ("two", 3.0)),
    frozenset({1, 2}),
    {"name": "a flat dict", "id": 7},
    [1, 2, 3],
    {"id": 7, "parts": [{"of": ("two", ["kinds"])}, {1, 2}], "sub": {}, "of": UUID(int=7)},
]


def _looked_at() -> int:
    gc.collect()
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.parametrize("value", PLAIN, ids=repr)
@pytest.mark.parametrize("policy", ["tinylfu", "s3fifo", "lru"])
async def test_plain_values_are_nothing_to_look_at(policy: Any, value: Any) -> None:
    cache = Cache(MemoryBackend(policy=policy), ttl=60)
    await cache.set("first", value, tags=["tag"])
    before = _looked_at()
    for number in range(MANY):
        await cache.set(f"key:{number}", value, tags=["tag"])
        assert await cache.get(f"key:{number}") == value
    assert _looked_at() - before < MANY / 5


@given(VALUES)
def test_what_was_let_go_is_what_it_was(value: Any) -> None:
    cache = Cache(ttl=60)
    cache.sync.set("key", value)
    gc.collect(0)
    assert shape(cache.sync.get("key")) == shape(cache.sync.get("key")) == shape(value)


async def test_neither_is_what_a_function_returned() -> None:
    cache = Cache(ttl=60)

    @cache.cached(key="item:{number}", tags=["tag"])
    async def item(number: int) -> str:
        return f"value {number}"

    await item(0)
    before = _looked_at()
    for number in range(MANY):
        assert await item(number) == await item(number)
    assert _looked_at() - before < MANY / 5


async def test_of_a_tag_of_its_own_there_is_one_reference_to_look_at() -> None:
    cache = Cache(ttl=60)
    await cache.set("first", "text", tags=["first"])
    before = _looked_at()
    for number in range(MANY):
        await cache.set(f"key:{number}", "text", tags=[f"tag:{number}"])
    assert _looked_at() - before < MANY * 1.2


class _Owner:
    """Has a cache, functions and values that all lead back to it."""

    def __init__(self, value: Callable[["_Owner"], Any], *, share: bool = True) -> None:
        self.cache = Cache(MemoryBackend(), ttl=60)
        self.share = share
        self.value = value(self)
        self.item = self.cache.cached(key="item:{number}", share=share)(self._load)

    async def _load(self, number: int) -> Any:
        return self.value

    async def use(self) -> None:
        for _ in range(3):
            await self.item(1)
            await self.item(2)
            await self.cache.get_or_set("other", lambda: self.value, share=self.share)
            await self.cache.set("direct", self.value, share=self.share)
            await self.cache.get("direct")
            await self.cache.get("item:1")


def _is_freed(owner: _Owner) -> Callable[[], bool]:
    gone = weakref.ref(owner)

    def is_freed() -> bool:
        gc.collect()
        return gone() is None

    return is_freed


class _Leading:
    """Its copies lead where it does."""

    def __init__(self, owner: _Owner) -> None:
        self.load = lambda: owner  # which is not copied

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Leading)

    __hash__ = None  # type: ignore[assignment]


SHARED: list[Callable[[_Owner], Any]] = [
    lambda _: "text",
    lambda owner: [owner],
    lambda owner: (1, (owner,)),
    lambda owner: {"owner": owner},
    lambda owner: frozenset({owner}),
]


@pytest.mark.parametrize("value", SHARED)
def test_a_cache_that_nobody_has_any_more_is_freed(value: Callable[[_Owner], Any]) -> None:
    owner = _Owner(value)
    asyncio.run(owner.use())
    is_freed = _is_freed(owner)
    del owner
    assert is_freed()


@pytest.mark.parametrize("copied", [_Leading, lambda owner: [[1], _Leading(owner)]])
def test_so_is_one_whose_values_are_copies_that_lead_back(copied: Callable[[_Owner], Any]) -> None:
    owner = _Owner(copied, share=False)
    asyncio.run(owner.use())
    is_freed = _is_freed(owner)
    del owner
    assert is_freed()


@pytest.mark.parametrize("value", [lambda _: ({},), lambda _: (1, {}), lambda _: ([],)])
def test_what_is_shared_may_lead_back_to_its_cache_later(value: Callable[[_Owner], Any]) -> None:
    owner = _Owner(value)
    asyncio.run(owner.use())
    _lead_back(owner)
    is_freed = _is_freed(owner)
    del owner
    assert is_freed()


def test_so_may_a_shared_dict() -> None:
    owner = _Owner(lambda _: {})
    asyncio.run(owner.use())
    owner.value["owner"] = owner
    is_freed = _is_freed(owner)
    del owner
    assert is_freed()


def _lead_back(owner: _Owner) -> None:
    part = owner.value[-1]
    part.update(owner=owner) if isinstance(part, dict) else part.append(owner)


@pytest.mark.parametrize("value", [{"id": 7}, [7], {"in": {"id": 7}}, [[7]]])
def test_a_copy_that_its_caller_made_lead_back_is_freed(value: Any) -> None:
    """What is copied of something that was let go is looked at like anything else."""
    owner = _Owner(lambda _: value, share=False)
    asyncio.run(owner.use())
    for copy in (owner.cache.sync.get("direct"), owner.cache.sync.get("item:1")):
        for part in (copy, *gc.get_referents(copy)):
            if isinstance(part, dict):
                part["owner"] = owner
            elif isinstance(part, list):
                part.append(owner)
    is_freed = _is_freed(owner)
    del owner, copy, part
    assert is_freed()


@pytest.mark.parametrize("kind", [TinyLFU, S3FIFO])
def test_a_slot_that_was_let_go_takes_nothing_that_leads_on(kind: Any) -> None:
    cache = kind(2)
    cache["key"] = "text"
    cache["key"] = [cache]
    assert cache["key"][0] is cache
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None


def test_what_is_let_go_is_freed_like_anything_else() -> None:
    held = _Weak()
    let_go(held)
    let_go(held)  # once more is nothing new
    assert not gc.is_tracked(held)
    gone = weakref.ref(held)
    del held
    assert gone() is None


class _Weak:
    pass


def test_what_is_not_looked_at_may_yet_lead_on() -> None:
    frame = sys._getframe()
    assert not gc.is_tracked(frame)
    assert all(map(leads_on, [{}, [], frame, _Weak(), _Weak]))
    assert not any(map(leads_on, ["text", None, 7, (), list]))
    assert containers_of(frame, None) is None
    assert containers_of((1, frame), list.copy) is None


class _Odd(type):
    """Its classes cannot be hashed."""

    def __eq__(cls, other: object) -> bool:
        return cls is other

    __hash__ = None  # type: ignore[assignment]


async def test_a_value_of_a_class_that_cannot_be_hashed_is_kept() -> None:
    cache, value = Cache(ttl=60), _Odd("Odd", (), {})()
    await cache.set("key", value, share=True)
    await cache.set("other", (1, value), share=True)
    assert [await cache.get("key"), await cache.get("other")] == [value, (1, value)]


class _Returning(Entry):
    """It would come back while it is freed, and go again: only plain entries are let go."""

    __slots__ = ()

    def __del__(self) -> None:
        if self.again:
            return
        self.again = 1
        drive(_BACKEND.write([Write("gone", self)]))
        drive(_BACKEND.write([Write("gone", None)]))


_BACKEND = MemoryBackend()


@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.TAG])
def test_an_entry_may_come_back_while_it_is_freed(kind: Kind) -> None:
    entry = _Returning(kind, keep=60.0)
    drive(_BACKEND.write([Write("gone", entry)]))
    assert gc.is_tracked(entry)
    drive(_BACKEND.write([Write("gone", None)]))
    del entry
    drive(_BACKEND.close())
    assert drive(_BACKEND.read(["gone"])) == {}


@pytest.mark.parametrize("moment", range(100))
def test_a_tag_may_be_looked_at_in_any_moment_of_its_write(moment: int) -> None:
    """By a signal handler, say."""
    backend, moments = MemoryBackend(), iter(range(moment))

    def look(*_: object) -> None:
        if next(moments, None) is None:
            sys.setprofile(None)
            drive(backend.read(["tag"]))

    sys.setprofile(look)
    drive(backend.write([Write("tag", Entry(Kind.TAG, 7, keep=60.0))]))
    sys.setprofile(None)
    (found,) = drive(backend.read(["tag"])).values()
    assert isinstance(found, Entry)
    assert found.version == 7


def test_nobody_else_says_what_our_function_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.pythonapi.PyObject_GC_UnTrack, "argtypes", [ctypes.c_void_p])
    cache = Cache(ttl=60)
    cache.sync.set("key", "value")
    assert cache.sync.get("key") == "value"
