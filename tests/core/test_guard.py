"""A guard is a backend; it asks a store for nothing that is not open, and gives none up."""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest

from cachekit import Cache, InvalidationError, Prefix
from cachekit.backend import (
    DONE,
    FENCE,
    LOCAL,
    PEEK,
    UNREACHED,
    C,
    Capability,
    Write,
)
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.guard import Guard
from cachekit.testing import FakeClock, Fault, FaultyBackend, ReferenceBackend
from cachekit_memory import MemoryBackend
from tests.core.conftest import Caches
from tests.core.helpers import ticks
from tests.core.nodes import entries
from tests.core.slow_store import SlowStore


@pytest.mark.virtual
async def test_what_fails_is_an_answer(clock: Clock) -> None:
    """By prefix, too."""
    guard = Guard(FaultyBackend(ReferenceBackend(clock), {Fault.LOST: 1.0}))
    await guard.open()
    assert await guard.write([Write("k", None)]) == [UNREACHED]
    assert await guard.forget_prefix(["k"]) is UNREACHED
    assert await guard.forget_prefix(["l"]) is UNREACHED
    assert guard.nodes()[0].journaled == 2
    cast("FaultyBackend", guard.backend).heal()
    await asyncio.sleep(1.01)
    assert await guard.forget_prefix(["k"]) is DONE
    assert guard.nodes()[0].journaled == 0
    await guard.close()


def test_what_it_guards_may_be_lost_where_no_loop_runs(fake_clock: FakeClock) -> None:
    """It is forgotten where the guard opens the next time."""
    store = ReferenceBackend(fake_clock)
    guard = Guard(store)
    asyncio.run(guard.open())
    asyncio.run(store.write([Write("k", Entry(Kind.TAG))]))
    guard.gates.remember(["k"], ())

    async def again() -> None:
        guard.gates.remember(["l"], ())
        await guard.open()
        await ticks()
        assert await guard.read(["k"]) == {}
        await guard.close()

    asyncio.run(again())
    assert guard.nodes()[0].replayed == 2


def test_it_is_never_local() -> None:
    """Whoever asks it has to wait, whatever it guards."""
    assert Guard(MemoryBackend()).capability(LOCAL) is None
    assert Guard(MemoryBackend()).capability(PEEK) is not None


@pytest.mark.virtual
async def test_it_is_no_use_before_it_is_open() -> None:
    with pytest.raises(ConnectionError, match="not open"):
        await Guard(ReferenceBackend()).read(["k"])


@pytest.mark.virtual
@pytest.mark.parametrize("how", ["refuses", "hangs"])
async def test_a_store_that_does_not_open_is_asked_nothing_until_it_does(
    slow: Cache, store: SlowStore, how: str
) -> None:
    """And then for what was to be forgotten before it is asked for anything else."""
    other = Cache(store, namespace="test")
    await slow.set("k", "old")
    await slow.close()
    store.reads.clear()
    store.writes.clear()
    store.open_error = ConnectionRefusedError("refused") if how == "refuses" else None
    if how == "hangs":
        store.hang()
    slow._engine.store.closed = False
    for change in (slow.delete("k"), slow.invalidate(Prefix("p")), slow.set("s", 1)):
        with pytest.raises(InvalidationError):
            await change
    await asyncio.sleep(5)
    assert store.operations == 0
    assert sorted(entries(slow)) == ["v:test:k", "v:test:p", "v:test:s"]
    store.heal()
    await ticks()
    assert await slow.get("k") is None
    assert [write.key for write in store.writes[0]] == ["v:test:k", "v:test:s"]
    await other.close()


@pytest.mark.virtual
async def test_a_gate_that_is_shut_as_soon_as_it_is_open_is_tried_again(
    clock: Clock, caches: Caches
) -> None:
    """Something else may be lost in the very tick in which the probe ends."""

    class Fencing(SlowStore):
        def capability(self, wanted: Capability[C]) -> C | None:
            return cast("C", self) if cast("Any", wanted) is FENCE else None

        def fence(self, keys: Iterable[str], prefixes: Iterable[str]) -> None: ...

        def cut_off(self, off: bool) -> None:
            gates = guard.gates
            if not off and gates.whole.replayed < 2:
                asyncio.get_running_loop().call_soon(gates.remember, ["l"], ())

    guard = Guard(Fencing(caches.shelf))
    await guard.open()
    guard.gates.remember(["k"], ())
    await asyncio.sleep(3)
    assert guard.nodes()[0].replayed == 2
    assert not guard.gates.are_shut
    await guard.close()
