"""The time limit of a load, which is to be that of `asyncio.timeout`."""

import asyncio

import pytest

from cachekit.runtime import Limit

pytestmark = pytest.mark.virtual


def asked_to_stop() -> int:
    """How often this task was cancelled, and not by what it meant."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def late(seconds: float) -> None:
    with Limit(seconds):
        await asyncio.sleep(60)


async def test_who_was_stopped_in_time_may_go_on() -> None:
    with pytest.raises(TimeoutError):
        await late(1)
    assert asked_to_stop() == 0
    await asyncio.sleep(1)


async def test_an_end_in_time_stops_nothing_later() -> None:
    with Limit(1):
        await asyncio.sleep(0.5)
    await asyncio.sleep(60)


async def test_who_is_cancelled_at_that_moment_is_cancelled() -> None:
    """From outside, which is what its caller has to know."""
    task = asyncio.create_task(late(1))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(asyncio.get_running_loop().time() + 1, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_the_inner_of_two_stops_only_what_it_holds() -> None:
    with Limit(5):
        with pytest.raises(TimeoutError):
            await late(1)
        await asyncio.sleep(3)
    assert asked_to_stop() == 0


async def test_what_it_raises_itself_comes_through() -> None:
    with pytest.raises(KeyError), Limit(1):
        raise KeyError("k")
