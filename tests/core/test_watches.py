"""Polls of what other processes load."""

import asyncio

from cachekit.shared import Watches


def test_one_whose_loop_was_closed_is_begun_anew() -> None:
    watches, loop = Watches(), asyncio.new_event_loop()
    old, mine = watches.join("k", 10.0)
    assert mine
    assert watches.join("k", 10.0) == (old, False)
    old.task = loop.create_task(asyncio.sleep(0))
    loop.run_until_complete(old.task)
    loop.close()
    new, mine = watches.join("k", 10.0)
    assert mine
    assert new is not old
    assert old.done
