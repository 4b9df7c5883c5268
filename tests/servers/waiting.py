"""Waiting for another process, which tells nobody when it is ready."""

import time
from collections.abc import Callable
from typing import Final

PAUSE: Final = 0.004
"""Seconds between two looks."""


def until(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return as soon as `condition()` holds.

    Raises:
        TimeoutError: it does not within so many `seconds`; `what` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} seconds")
        time.sleep(PAUSE)
