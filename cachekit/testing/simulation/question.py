"""A question under way, and what is known when it is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from cachekit.testing.simulation.choices import Choice
from cachekit.testing.simulation.origin import Load


@dataclass(frozen=True, eq=False)
class Read:
    """One caller's question for one key, with the floors from when it was asked.

    `floor` is the lowest version that will do, `named` the same by tag, for values that name that
    tag themselves. `loads`: the caller brings a loader; `at_once`: what is stale is refreshed
    behind its back; `several`: it is one of several questions; `soft`: its soft timeout.
    `calm_since` says whether the link of its process has had no faults since then. `ours` are the
    loads that its own loader makes, `choice` is what it takes of what is there. `taken` is the
    moment before which no load may have ended, since a private one has taken its value away.
    """

    who: str
    key: str
    tags: tuple[str, ...]
    asked: float
    floor: int
    named: Mapping[str, int] = field(default_factory=dict[str, int])
    loads: bool = False
    at_once: bool = False
    several: bool = False
    soft: float | None = None
    calm_since: Callable[[float], bool] = lambda moment: True
    ours: Sequence[Load] = ()
    choice: Choice | None = None
    taken: float = -inf

    @property
    def calm(self) -> bool:
        """Whether nothing has gone wrong on the link of its process since."""
        return self.calm_since(self.asked)

    @property
    def refused(self) -> bool:
        """Whether it did not take what was there."""
        return self.choice is not None and self.choice.refused
