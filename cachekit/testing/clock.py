"""A clock that moves only when told to."""


class FakeClock:
    """Both clocks of `cachekit.clock.Clock`, moved by hand.

    >>> clock = FakeClock()
    >>> clock.advance(2.5)
    >>> clock.monotonic()
    2.5
    """

    def __init__(self, monotonic: float = 0.0, time: float = 1_700_000_000.0) -> None:
        self._monotonic = monotonic
        self._time = time

    def monotonic(self) -> float:
        return self._monotonic

    def time(self) -> float:
        return self._time

    def advance(self, seconds: float) -> None:
        """Move both clocks on by `seconds`."""
        self._monotonic += seconds
        self._time += seconds
