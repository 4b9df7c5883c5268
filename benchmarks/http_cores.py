"""Which core does what, where processes can be pinned; how busy they are; and their event loop."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cores:
    """Whose core is which; `None`: the system decides."""

    server: int | None = None
    load: int | None = None
    redis: int | None = None

    def __str__(self) -> str:
        if self.server is None:
            return "nothing is pinned: numbers of two rows may differ by chance"
        places = {"servers": self.server, "load generator": self.load, "Redis": self.redis}
        return "cores: " + ", ".join(f"{what} {core}" for what, core in places.items())


def cores() -> Cores:
    """One for the server that is measured; Redis is with the load generator if there are two."""
    if sys.platform != "linux":
        return Cores()
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        return Cores()
    return Cores(free[0], free[1], free[2] if len(free) > 2 else free[1])


def pin(core: int | None, process: int = 0) -> None:
    """Let `process`, or this one, run on this core alone."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(process, {core})


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """This process, and what it starts, inside the block."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    pin(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(process: int) -> float:
    """CPU time that another process has used, in steps of 10 ms; 0 where that is not told."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def runner() -> Iterator[asyncio.Runner]:
    """On uvloop, where there is one: it takes half the time."""
    try:
        import uvloop
    except ImportError:
        loops = asyncio.new_event_loop
    else:
        loops = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loops) as made:
        yield made
