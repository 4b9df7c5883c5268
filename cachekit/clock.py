"""Where the time comes from, so that tests may bring their own."""

import time
from typing import Final, Protocol


class Clock(Protocol):
    """Two clocks in seconds: one for durations in this process, one shared between hosts."""

    def monotonic(self) -> float: ...

    def time(self) -> float: ...


class SystemClock:
    """The clocks of the operating system."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


SYSTEM: Final[Clock] = SystemClock()
