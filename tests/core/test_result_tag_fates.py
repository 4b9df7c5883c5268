"""R7: what may happen between a look at the tags of a result and its fill, and to a second load."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cachekit import Cache, Tag, current_load
from cachekit.backend import Outcome, Write
from cachekit.entry import Kind
from tests.core.conftest import Caches
from tests.core.helpers import TTL, Load, leftovers, start, ticks
from tests.core.threads import PATIENCE, Gate, Threads, until

pytestmark = pytest.mark.virtual

both_kinds = pytest.mark.parametrize("kind", ["memory", "slow"])


def of_kind(kind: str, caches: Caches) -> Cache:
    return caches(caches.slow() if kind == "slow" else None)


class Tagging(Gate):
    """A blocking loader whose result carries the tag `t`; the first `free` calls do not wait."""

    def __init__(self, free: int = 0) -> None:
        super().__init__()
        self.free = free

    def __call__(self) -> str:
        current_load().tag("t")
        if self.calls >= self.free:
            return super().__call__()
        self.threads.append(threading.current_thread())
        return f"value {self.calls}"


def at_once(work: Callable[[], Any]) -> Callable[[object], Any]:
    """A `when=` during which another thread does `work`."""

    def when(value: object) -> bool:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(PATIENCE)
        return True

    return when


# -- between the look and the fill


@both_kinds
def test_what_is_invalidated_after_the_look_at_its_tags_is_never_served(
    kind: str, frozen: Caches
) -> None:
    """R6: in memory records change in place; what was looked at is what the entry carries."""
    cache, rows = of_kind(kind, frozen), ["old"]
    cache.sync.set("other", 1, tags=["t"])

    def load() -> str:
        current_load().tag("t")
        return rows[-1]

    def change() -> None:
        rows.append("new")
        cache.sync.invalidate(Tag("t"))

    assert cache.sync.get_or_set("k", load, when=at_once(change)) == "old"
    assert cache.sync.get("k") is None
    assert cache.sync.get_or_set("k", load) == "new"


async def test_in_a_busy_memory_a_tags_record_lives_until_the_fill(cache: Cache) -> None:
    """However often others are read meanwhile: else each call would load twice, for ever."""
    load = Load()

    async def tagging() -> Any:
        current_load().tag("t")
        return await load()

    caller = start(cache.get_or_set("k", tagging))
    await load.begun.wait()
    load.finish()
    await caller
    for number in range(11_000):  # more than the memory holds of what nothing names
        await cache.get(f"other {number}")
    await ticks()
    assert (load.calls, await cache.get("k")) == (2, "value 2")


async def test_in_a_busy_memory_also_while_the_second_load_runs(cache: Cache) -> None:
    load = Load()

    async def tagging() -> Any:
        current_load().tag("t")
        return await load() if load.calls else await first()

    async def first() -> str:
        load.calls = 1
        return "value 1"

    assert await cache.get_or_set("k", tagging) == "value 1"
    await load.begun.wait()
    for number in range(11_000):
        await cache.get(f"other {number}")
    load.finish()
    await ticks()
    assert (load.calls, await cache.get("k")) == (2, "value 2")


# -- the second load


async def test_arguments_changed_before_the_second_load_store_nothing(either: Cache) -> None:
    @either.cached(ttl=TTL)
    async def search(terms: list[str]) -> str:
        current_load().tag("t")
        await asyncio.sleep(1)
        return "+".join(terms)

    terms = ["a"]
    assert await search(terms) == "a"
    terms.append("b")
    await asyncio.sleep(1)
    assert await search(["a"]) == "a"


@both_kinds
def test_closing_before_the_second_load_begins_means_that_it_does_not(
    kind: str, frozen: Caches
) -> None:
    cache, load = of_kind(kind, frozen), Tagging(free=2)
    assert cache.sync.get_or_set("k", load, when=at_once(cache.sync.close)) == "value 1"
    until(lambda: not leftovers([cache], []))
    assert load.calls == 1


@both_kinds
def test_closing_during_the_second_load_is_an_error_of_nobodys(
    kind: str, frozen: Caches, threads: Threads
) -> None:
    """One that its thread raised would be on stderr, and is an error of this test."""
    cache, load = of_kind(kind, frozen), Tagging(free=1)
    assert cache.sync.get_or_set("k", load) == "value 1"
    assert load.begun.wait(PATIENCE)
    cache.sync.close()
    load.finish()
    for thread in load.threads[1:]:
        thread.join(PATIENCE)
    cache.sync.open()
    assert cache.sync.get_or_set("k", lambda: "own") == "own"


def test_closing_while_the_second_load_fills_is_one_neither(frozen: Caches) -> None:
    store, filling = frozen.slow(), threading.Event()
    cache, load = frozen(store), Tagging(free=2)
    write = store.write

    async def hanging(writes: Sequence[Write]) -> Sequence[Outcome]:
        if any(w.entry is not None and w.entry.kind is Kind.VALUE for w in writes):
            filling.set()
            await asyncio.Event().wait()
        return await write(writes)

    store.write = hanging  # type: ignore[method-assign]
    assert cache.sync.get_or_set("k", load) == "value 1"
    assert filling.wait(PATIENCE)
    cache.sync.close()
    until(lambda: not leftovers([cache], []))
    for thread in load.threads[1:]:
        thread.join(PATIENCE)


async def test_one_that_follows_a_load_of_a_closed_cache_does_not_begin(cache: Cache) -> None:
    """As close() may find all flights but the one that is just being made."""
    calls = 0

    async def load() -> int:
        nonlocal calls
        calls += 1
        current_load().tag("t")
        return calls

    def when(value: object) -> bool:
        asyncio.get_running_loop().call_soon(setattr, cache._engine.store, "closed", True)
        return True

    assert await cache.get_or_set("k", load, when=when) == 1
    await ticks()
    assert calls == 1
    cache._engine.store.closed = False
    await cache.delete("k")  # the stub, which close() would have removed
