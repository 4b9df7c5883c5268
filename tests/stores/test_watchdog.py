"""The watchdog sees a loop that is held up, before and after its first look."""

import asyncio
import time

from tests.stores.watchdog import TICK, Watchdog


async def test_a_loop_that_goes_round_is_left_alone() -> None:
    async with Watchdog() as watchdog:
        await asyncio.sleep(3 * TICK)
    assert watchdog.longest < 100 * TICK


async def test_one_that_is_held_up_at_once_is_seen() -> None:
    async with Watchdog() as watchdog:
        time.sleep(3 * TICK)  # noqa: ASYNC251  what it is about
    assert watchdog.longest >= 3 * TICK


async def test_one_that_is_held_up_later_is_seen() -> None:
    async with Watchdog() as watchdog:
        await asyncio.sleep(2 * TICK)
        time.sleep(3 * TICK)  # noqa: ASYNC251
        await asyncio.sleep(2 * TICK)
    assert watchdog.longest >= 2 * TICK
