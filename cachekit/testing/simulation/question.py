"""A question under way, and what is known when it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Read:
    """One caller's question for one key, with the floors from when it was asked.

    `floor` is the lowest version that will do, `named` the same by tag, for values that name that
    tag themselves. `loads`: the caller brings a loader; `at_once`: what is stale is refreshed
    behind its back; `several`: it is one of several questions; `soft`: its soft timeout.
    `calm_since` says whether the link of its process has had no faults since then.
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

    @property
    def calm(self) -> bool:
        """Whether nothing has gone wrong on the link of its process since."""
        return self.calm_since(self.asked)
