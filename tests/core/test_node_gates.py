"""Of a store of several nodes each has a breaker of its own."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest

from cachekit.backend import DONE, FENCE, UNREACHED, C, Capability, Write
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.guard import Guard
from tests.core.nodes import Nodes

pytestmark = pytest.mark.virtual


async def test_each_node_has_a_breaker_of_its_own(clock: Clock) -> None:
    """And takes its own keys only, in one batch with those of others."""
    store = Nodes(clock)
    guard = Guard(store)
    await guard.open()
    store.down = {"a"}
    for number in range(5):
        found = await guard.read([f"v:test:a{number}", "v:test:b"])
        assert list(found) == [f"v:test:a{number}"]
    state = {node.name: node.is_open for node in guard.nodes()}
    assert state == {"Nodes": False, "a": True, "b": False}
    await asyncio.sleep(0.01)  # it is tried once at once
    store.asked.clear()
    entry = Entry(Kind.TAG)
    writes = [Write("v:test:a9", entry), Write("v:test:b", entry)]
    assert await guard.write(writes) == [UNREACHED, DONE]
    assert await guard.write(writes[::-1]) == [DONE, UNREACHED]
    assert sorted(await guard.read(["v:test:a1", "v:test:b"])) == ["v:test:a1", "v:test:b"]
    assert store.sent_to("a") == []
    await asyncio.sleep(3)
    assert set(store.sent_to("a")) == {"v:test:a4"}
    assert {node.name for node in guard.nodes() if node.is_open} == {"a"}
    store.down.clear()
    await asyncio.sleep(1.01)
    assert list(await guard.read(["v:test:a1", "v:test:b"])) == ["v:test:b"]
    await guard.close()


async def test_failures_of_one_node_are_in_a_row_whatever_others_do(clock: Clock) -> None:
    store = Nodes(clock)
    guard = Guard(store)
    await guard.open()
    store.down = {"a"}
    for number in range(5):
        assert not guard.gates.are_shut, number
        await guard.read(["v:test:b", "v:test:c"])
        await guard.read(["v:test:a"])
        await guard.write([Write("v:test:b", None)])
    assert guard.gates.are_shut
    await guard.close()


class Fencing(Nodes):
    """`told` is when a node is not asked, and when all are."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.told: list[bool] = []

    def capability(self, wanted: Capability[C]) -> C | None:
        mine = cast("Any", wanted) is FENCE
        return cast("C", self) if mine else super().capability(wanted)

    def fence(self, keys: Iterable[str], prefixes: Iterable[str]) -> None: ...

    def cut_off(self, off: bool) -> None:
        self.told.append(off)


async def test_copies_are_told_when_the_first_node_is_not_asked_and_when_all_are_again(
    clock: Clock,
) -> None:
    """Of one that fails, and of one that has something in its journal."""
    store = Fencing(clock)
    guard = Guard(store)
    await guard.open()
    store.down = {"a", "b"}
    for _ in range(5):
        assert store.told == []
        await guard.read(["a"])
    assert store.told == [True]
    await guard.write([Write("b", None, announce=True)])
    store.down = {"b"}
    await asyncio.sleep(1.01)
    assert store.told == [True]
    store.down = set()
    await asyncio.sleep(1.01)
    assert store.told == [True, False]
    await guard.close()
