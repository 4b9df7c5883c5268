"""Waiting for as long as servers may take, which is not as long as the loop may be held up."""

import asyncio
from collections.abc import Collection
from typing import Any, Final

LATE: Final = 0.01
"""Seconds that a timer comes too late by only if the loop was held up, which no server is to blame
for: what it has answered may still lie in the socket."""

GRACE: Final = 0.02
"""Seconds from a timer that came too late to the last look: by then the sockets were read."""


async def in_time(tasks: Collection[asyncio.Task[Any]], seconds: float) -> bool:
    """Whether all `tasks` end within `seconds`. They go on, whether or not."""
    loop = asyncio.get_running_loop()
    late = loop.time() + seconds + LATE
    _, left = await asyncio.wait(tasks, timeout=seconds)
    if left and loop.time() > late:
        _, left = await asyncio.wait(left, timeout=GRACE)
    return not left
