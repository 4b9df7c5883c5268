"""Waiting for another process, which tells nobody when it is ready."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

PAUSE: Final = 0.004
"""Seconds between two looks."""


def until(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return as soon as `condition()` holds.

    Raises:
        TimeoutError: it does not within so many `seconds`; `what` says what was waited for.
    """
    for _ in _looks(condition, what, seconds):
        time.sleep(PAUSE)


async def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """The same, while the event loop goes on."""
    for _ in _looks(condition, what, seconds):
        await asyncio.sleep(0)


def _looks(condition: Callable[[], bool], what: str, seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} seconds")
        yield
