"""What a loader may do with the old value: compare, or say that it is not modified."""

import asyncio
from typing import Any

import pytest

from cachekit import MISSING, Cache, Tag, current_load
from tests.core.helpers import TTL, Load, aged, ticks

pytestmark = pytest.mark.virtual

WINDOWS: dict[str, Any] = {"ttl": TTL, "stale_while_revalidate": 60.0}


async def test_without_one_there_is_nothing_old(either: Cache) -> None:
    assert await either.get_or_set("k", lambda: current_load().old) is MISSING
    await either.set("other", "old", tags=["t"])
    await either.invalidate(Tag("t"))
    olds: list[Any] = []

    async def load() -> str:
        olds.append(current_load().old)
        return "new"

    await either.get_or_set("other", load, tags=["t"])
    assert olds == [MISSING]


@pytest.mark.parametrize("past", [0.0, 1.0])
async def test_the_old_value_is_there_while_it_is_valid(either: Cache, past: float) -> None:
    """Stale, or past all use: it is for comparing."""
    await aged(either, by=TTL + past, stale_while_revalidate=0.5)
    seen: list[Any] = []

    async def load() -> str:
        seen.append(current_load().old)
        return "new"

    await either.get_or_set("k", load, stale_while_revalidate=0.5)
    await ticks()
    assert seen == ["old"]


async def test_the_old_value_is_a_copy(either: Cache) -> None:
    await either.set("k", [1], **WINDOWS)
    await asyncio.sleep(TTL)

    async def load() -> list[int]:
        old: list[int] = current_load().old
        old.append(2)
        raise ConnectionError("down")

    assert await either.get_or_set("k", load, **WINDOWS) == [1]
    await ticks()
    assert await either.get_or_set("k", load, **WINDOWS) == [1]


# -- not modified


async def not_modified() -> Any:
    return current_load().not_modified()


async def test_what_is_not_modified_is_fresh_again(either: Cache) -> None:
    await aged(either, tags=["t"], **WINDOWS)
    before = await either.entry("k")
    assert await either.get_or_set("k", not_modified, tags=["t"], **WINDOWS) == "old"
    await ticks()
    after = await either.entry("k")
    assert before is not None
    assert after is not None
    assert (before.fresh, after.fresh, after.value, after.age) == (False, True, "old", 0.0)
    assert after.version != before.version
    await either.invalidate(Tag("t"))
    assert not await either.exists("k")


async def test_it_keeps_the_tags_of_its_result(either: Cache) -> None:
    """In one load: they were seen when it was read."""
    loads = 0

    async def load() -> Any:
        nonlocal loads
        loads += 1
        current_load().tag(*(["p:1"] if loads < 3 else ["p:2"]))
        return "value" if loads < 3 else current_load().not_modified()

    await either.set("other", 1, tags=["p:1", "p:2"])
    await either.get_or_set("k", load, **WINDOWS)
    loads = 2
    await asyncio.sleep(TTL)
    await either.get_or_set("k", load, **WINDOWS)
    await ticks(40)
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.fresh, set(entry.tags), loads) == (True, {"p:1", "p:2"}, 3)
    await either.invalidate(Tag("p:1"))
    assert not await either.exists("k")


async def test_it_may_have_another_ttl(either: Cache) -> None:
    async def load() -> Any:
        current_load().ttl = 3
        return current_load().not_modified()

    await aged(either, **WINDOWS)
    await either.get_or_set("k", load, **WINDOWS)
    await ticks()
    entry = await either.entry("k")
    assert entry is not None
    assert (entry.value, entry.ttl) == ("old", 3.0)


async def test_what_was_invalidated_meanwhile_does_not_come_back(either: Cache) -> None:
    """R1: it is as old as the value it stands for."""
    gate = Load()

    async def load() -> Any:
        await gate()
        return current_load().not_modified()

    await aged(either, tags=["t"], **WINDOWS)
    await either.get_or_set("k", load, tags=["t"], **WINDOWS)
    await gate.begun.wait()
    await either.invalidate(Tag("t"))
    gate.finish()
    await ticks()
    assert not await either.exists("k")


async def test_nothing_is_not_modified(either: Cache) -> None:
    with pytest.raises(LookupError, match=r"no old value of k: look at current_load\(\)\.old"):
        await either.get_or_set("k", not_modified)
