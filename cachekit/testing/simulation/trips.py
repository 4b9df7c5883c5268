"""What becomes of what is sent: when it arrives, when its answer does, and what may go wrong."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

TRAVEL: Final = 0.0008
"""Mean seconds of one way."""

LINGERS: Final = 12.0
"""Seconds after which a connection that never answered is known to be broken."""


@dataclass
class Trip:
    """What becomes of one request: when each item of its batch is executed, and its answer.

    An item without a moment is never executed; one in `missing` has no answer of its own. What is
    executed at one moment goes to the backend as one batch. `error` is what that raised.
    """

    size: int
    moments: list[float | None]
    answers: float
    fault: str = ""
    missing: frozenset[int] = frozenset()
    error: Exception | None = None

    def batches(self) -> dict[float, list[int]]:
        """The items that are executed, by their moment."""
        batches: dict[float, list[int]] = {}
        for index, moment in enumerate(self.moments):
            if moment is not None:
                batches.setdefault(moment, []).append(index)
        return batches


def _refuse(trip: Trip, rng: random.Random) -> None:
    trip.moments = []


def _lose(trip: Trip, rng: random.Random) -> None:
    trip.moments = []
    trip.answers += LINGERS


def _leave_unanswered(trip: Trip, rng: random.Random) -> None:
    trip.answers += LINGERS


def _delay(trip: Trip, rng: random.Random) -> None:
    by = rng.choice([0.25, 0.3, 1.0]) + rng.expovariate(1 / 1.0)
    trip.moments = [moment and moment + by for moment in trip.moments]
    trip.answers += by


def _tear(trip: Trip, rng: random.Random) -> None:
    del trip.moments[rng.randint(0, len(trip.moments)) :]


def _miss(trip: Trip, rng: random.Random) -> None:
    # One of two nodes gives no answer in time; what it was sent may be done never, or late.
    trip.missing = frozenset(i for i in range(len(trip.moments)) if rng.random() < 0.5)
    for index in trip.missing:
        late = (trip.moments[index] or 0.0) + rng.expovariate(1 / 0.5)
        trip.moments[index] = rng.choice([None, late])


def _slow_down(trip: Trip, rng: random.Random) -> None:
    by = rng.uniform(0.0, 0.15)
    trip.moments = [moment and moment + by for moment in trip.moments]
    trip.answers += by + rng.uniform(0.0, 0.15)


FAULTS: Final[Mapping[str, Callable[[Trip, random.Random], None]]] = {
    "refused": _refuse,
    "lost": _lose,
    "unanswered": _leave_unanswered,
    "late": _delay,
    "lurks": _lose,
    "torn": _tear,
    "partial": _miss,
    "slow": _slow_down,
}
RAISES: Final = frozenset({"refused", "lost", "unanswered", "lurks", "torn"})
