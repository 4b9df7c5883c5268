"""What a guard does for copies: what was not acknowledged is in none, and cut off is cut off."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

import pytest

from cachekit.backend import DONE, UNREACHED, Outcome, Unreached, Write
from cachekit.carrier import Carrier, Deaf
from cachekit.entry import Entry
from cachekit.guard import Guard
from tests.tiered.stores import Pair, record

FORGET: Final = Write("v:k", None, announce=True)


class Guarded(NamedTuple):
    """Copies that a guard holds, and a cache's way to them."""

    pair: Pair
    guard: Guard
    carrier: Carrier


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    pair = Pair(outage_staleness=100.0)
    guard = Guard(pair.tiers, probe_interval=60.0)
    await guard.open()
    await pair.feed.begin()
    loop = asyncio.get_running_loop()
    yield Guarded(pair, guard, Carrier(pair.tiers, loop, 5.0, guard.gates, Deaf()))
    pair.far.error = None
    pair.far.release()
    await guard.close()


async def test_what_was_not_acknowledged_is_dropped_at_once(guarded: Guarded) -> None:
    pair, guard, _ = guarded
    await pair.keep(v_k=pair.value(1), v_other=pair.value(1))
    pair.far.error = ConnectionError("cut")
    assert await guard.write([FORGET]) == [UNREACHED]
    assert pair.held("v:k") is None
    assert pair.served("v:other") == 1
    found = await guard.read(["v:k"])
    assert isinstance(found["v:k"], Unreached)


async def about_to_fail(guarded: Guarded) -> "asyncio.Future[Sequence[Outcome]]":
    """An invalidation of `v:k` that fails once `far` is released."""
    pair, _, carrier = guarded
    await pair.keep(v_k=pair.value(1))
    pair.far.error = ConnectionError("cut")
    pair.far.hold()
    writing = carrier.begin([FORGET])
    while pair.far.writes == 0:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0)
    pair.far.error = None
    return writing


async def test_what_was_asked_for_in_the_same_tick_is_not_kept(guarded: Guarded) -> None:
    """R17: it is sent when the gate is shut, and finds what was to be forgotten."""
    pair, guard, carrier = guarded
    writing = await about_to_fail(guarded)
    pair.far.release()
    reading = carrier.read(["v:k"])
    assert isinstance((await reading)["v:k"], Entry)
    assert await writing == [UNREACHED]
    assert guard.gates.are_shut
    assert pair.served("v:k") is None


async def test_nor_is_what_was_to_be_written_in_it(guarded: Guarded) -> None:
    """It may have been loaded before."""
    pair, guard, carrier = guarded
    writing = await about_to_fail(guarded)
    pair.far.release()
    filling = carrier.begin([Write("v:k", pair.value(2))])
    assert [await writing, await filling] == [[UNREACHED], [DONE]]
    assert guard.gates.are_shut
    assert pair.served("v:k") is None


@pytest.mark.parametrize("fence", [(["v:k"], []), ([], ["v:"]), (["t:a"], [])], ids=str)
async def test_copies_are_kept_again_once_it_is_forgotten(
    guarded: Guarded, fence: tuple[list[str], list[str]]
) -> None:
    pair, guard, _ = guarded
    guard.gates.remember(*fence)
    await pair.keep(v_k=pair.value(1, of=1), t_a=record(1))  # past the guard
    assert pair.served("v:k") is None
    pair.tiers.cut_off(False)
    await pair.tiers.read(["v:k", "t:a"])
    assert pair.served("v:k") == 1


async def test_what_is_fenced_is_that_no_more_when_it_is_opened_again(guarded: Guarded) -> None:
    pair, _, _ = guarded
    pair.tiers.fence([], ["v:"])
    await pair.tiers.close()
    await pair.tiers.open()
    await pair.feed.begin()
    await pair.keep(v_k=pair.value(1))
    assert pair.served("v:k") == 1
