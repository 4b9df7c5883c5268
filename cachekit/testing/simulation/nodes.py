"""The homes of a store, each with weather of its own: down, slow, or started again with nothing."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from cachekit.backend import Homes


@dataclass(eq=False)
class Node:
    """One home. Until `down_until` nothing gets through to it; if it `refuses`, that is told.

    Until `slow_until` its answers may be late.
    """

    name: str
    down_until: float = -inf
    slow_until: float = -inf
    refuses: bool = False

    def heal(self) -> None:
        """It is well."""
        self.down_until = self.slow_until = -inf

    def fault(self, now: float, rng: random.Random) -> str:
        """What becomes of a request to it, `""` if nothing does."""
        if now < self.down_until:
            return "refused" if self.refuses else "lost"
        if now < self.slow_until and rng.random() < 0.6:
            return rng.choice(["slow", "slow", "late"])
        return ""


class Nodes:
    """All homes of a store."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self._by_name = {name: Node(name) for name in homes.homes()}

    def all(self) -> list[Node]:
        return list(self._by_name.values())

    def of(self, key: str) -> Node:
        """The home of a key."""
        return self._by_name[self._homes.home(key)]

    def shares(self, keys: Iterable[str]) -> Mapping[Node, list[int]]:
        """Which of `keys` each of them has, by position."""
        shares: dict[Node, list[int]] = {}
        for index, key in enumerate(keys):
            shares.setdefault(self.of(key), []).append(index)
        return shares

    def are(self, well: Callable[[Node], bool]) -> bool:
        """Whether all are so."""
        return all(map(well, self._by_name.values()))
