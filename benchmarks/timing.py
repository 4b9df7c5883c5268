"""How hits are timed and counted, with nothing but the standard library: a process that has other
libraries times them in the same way."""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


async def time_hits(call: Callable[[Any], Any], argument: Any, hits: int, awaited: bool) -> float:
    """Microseconds of CPU time of one of `hits` calls in a row."""
    started = time.thread_time()
    if awaited:
        for _ in range(hits):
            await call(argument)
    else:
        for _ in range(hits):
            call(argument)
    return (time.thread_time() - started) / hits * 1e6


async def calls_of(call: Callable[[Any], Any], argument: Any, awaited: bool) -> int:
    """How many Python functions one call goes through, itself included."""
    codes: list[str] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            codes.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        if awaited:
            await call(argument)
        else:
            call(argument)
    finally:
        sys.setprofile(None)
    return len(codes)


async def warm(call: Callable[[Any], Any], argument: Any, awaited: bool) -> Any:
    """What some calls give in the end, after which it is a hit and all is known."""
    value: Any = None
    for _ in range(20):
        value = call(argument)
        if awaited:
            value = await value
    return value
