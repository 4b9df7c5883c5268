"""Invalidations that wait for the end of a block (R11)."""

import threading
from contextvars import ContextVar
from typing import Final

from cachekit.entry import Entry
from cachekit.targets import Doomed


class Scope:
    """What a `deferred()` block is to forget when it ends; `outer`: the block around it."""

    def __init__(self, owner: "Scopes", outer: "Scope | None") -> None:
        self.owner = owner
        self.outer = outer
        self.doomed = Doomed()
        self.closed = False
        self._lock = threading.RLock()

    def gather(self, doomed: Doomed) -> bool:
        """Keep what is to be forgotten for the end; False if that has come, perhaps just now."""
        with self._lock:
            if not self.closed:
                self.doomed.update(doomed)
            return not self.closed

    def close(self) -> None:
        with self._lock:
            self.closed = True

    def hides(self, key: str, entry: Entry | None) -> bool:
        """Whether what is under `key` is to be forgotten, so that it must not be read."""
        if self.outer is not None and self.outer.hides(key, entry):
            return True
        with self._lock:
            return self.doomed.covers(key, entry.tags if entry is not None else ())


SCOPES: Final[ContextVar[tuple[Scope, ...]]] = ContextVar("cachekit_scopes", default=())
"""The blocks this context is in, of all caches. A task that outlives one sees it closed."""


class Scopes:
    """The blocks of one cache."""

    def open(self) -> Scope | None:
        """The innermost block this context is in."""
        for scope in reversed(SCOPES.get()):
            if scope.owner is self and not scope.closed:
                return scope
        return None

    def enter(self) -> Scope:
        scope = Scope(self, self.open())
        SCOPES.set((*SCOPES.get(), scope))
        return scope

    def leave(self, scope: Scope) -> None:
        scope.close()
        SCOPES.set(tuple(other for other in SCOPES.get() if other is not scope))
