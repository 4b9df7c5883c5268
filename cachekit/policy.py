"""How one value is cached: durations and what makes its bytes."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

from cachekit.errors import ConfigurationError
from cachekit.missing import IsMissing
from cachekit.serializer import Serializer

Duration: TypeAlias = float | timedelta
Ttl: TypeAlias = Duration | IsMissing | None
"""Seconds or a timedelta, `None`: for good, `MISSING`: what the cache says."""

LEASE: Final = 2.0
"""Seconds a stub lives unless renewed, and the longest a load waits for another's load."""

PASS: Final = 1.0
"""Seconds during which nobody queues behind a key whose load failed."""

LONGEST: Final = 10 * 365 * 86400.0


def seconds(name: str, value: Any) -> float:
    """A duration as seconds: finite, above zero, ten years at most."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{name} must be seconds or a timedelta, not {value!r}")
    if not 0 < value <= LONGEST:
        raise ConfigurationError(f"{name} must be above 0 and at most ten years, not {value!r} s")
    return float(value)


def seconds_or_never(name: str, value: Any) -> float | None:
    """Like `seconds`, but `None` stays `None`: for good."""
    try:
        return None if value is None else seconds(name, value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; None never expires") from None


def fraction(name: str, value: Any) -> float:
    """A part of something: 0 or more, below 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ConfigurationError(f"{name} must be at least 0 and below 1, not {value!r}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that shapes how one value is cached. Durations are seconds.

    `jitter` is the part of `ttl` that may be taken off at random, so that what was filled
    together does not expire together.
    """

    ttl: float | None
    serializer: Serializer
    jitter: float = 0.0
    load_timeout: float = 30.0
    share: bool = False

    def lifetime(self) -> float | None:
        """The ttl of one entry: jitter only shortens."""
        if self.ttl is None or not self.jitter:
            return self.ttl
        return self.ttl * (1 - self.jitter * random.random())
