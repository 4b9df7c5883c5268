"""What a backend that is wrong in one way is otherwise."""

from typing import Any

from cachekit.backend import FORGET_PREFIX, Capability
from cachekit.testing.reference import ReferenceBackend

FORGETS = frozenset[Capability[Any]]({FORGET_PREFIX})


class Liar(ReferenceBackend):
    """It claims what it should have."""

    claims = FORGETS
