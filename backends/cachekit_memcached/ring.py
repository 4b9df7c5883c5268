"""Which node has which key."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from cachekit.keys import home_in

_REMEMBERED: Final = 8192
_PLAIN: Final = re.compile(r"[!-}]{1,64}")
"""No longer, and without `~`, which ends the name of a home in a key."""


class Ring:
    """Rendezvous hashing: a key is on the node that draws the highest number for it.

    A node more takes its share from all others, and no key moves between those. Where a node is
    dead its keys stay its own. (Thaler and Ravishankar, "Using name-based mappings to increase
    hit rates", 1998.)
    """

    def __init__(self, nodes: Sequence[str]) -> None:
        self.homes = [_home(node) for node in nodes]
        self._seeds = [blake2b(node.encode(), digest_size=16).digest() for node in nodes]
        self.place = lru_cache(_REMEMBERED)(self._place)
        """The place of a store key's node among the nodes."""

    def _place(self, key: str) -> int:
        home = home_in(key)
        if home in self.homes:
            return self.homes.index(home)
        return self._drawn(key[1:])  # a claim is on the node of its value

    def _drawn(self, name: str) -> int:
        data = name.encode("utf-8", "surrogatepass")
        draws = [blake2b(data, digest_size=8, key=seed).digest() for seed in self._seeds]
        return draws.index(max(draws))


def _home(node: str) -> str:
    """The name of a node as a home: short, so that it has room in keys."""
    return node if _PLAIN.fullmatch(node) else blake2b(node.encode(), digest_size=16).hexdigest()
