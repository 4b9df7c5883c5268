"""How a load may end, for those who wait for it."""

from enum import IntEnum
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeAlias

from cachekit.codec import Codec
from cachekit.entry import Entry


class Stage(IntEnum):
    """How far a flight is; who shares it has come at one of these."""

    BOARDING = 0
    LOADING = 1
    LANDING = 2  # nothing that happens from here on is known to the load


LOADING: Final = Stage.LOADING
"""The same: to look a member up in its class takes long."""


class Loaded(NamedTuple):
    """A load's value; each caller opens the entry for a copy of its own.

    `value` is for the leader alone, should the bytes of the entry not be readable. It is for those
    who came before or at the stage `until`.
    """

    entry: Entry
    codec: Codec
    value: Any
    until: Stage = Stage.LANDING


class Failed(NamedTuple):
    """A load's error, for all who shared it, and how far it had come when the load ended."""

    error: BaseException
    traceback: TracebackType | None = None

    def again(self) -> BaseException:
        """To be raised by each: without what raising it elsewhere added to its traceback."""
        return self.error.with_traceback(self.traceback)


class Private(NamedTuple):
    """What only the leader may have: an error of its own, or a value that cannot be copied.

    The others look again, or, if the value is the kind that is never stored, load for themselves.
    `old_goes`: then nobody falls back on an older value.
    """

    value: Any = None
    error: BaseException | None = None
    old_goes: bool = False


class Absent(NamedTuple):
    """A load of several keys had nothing for this one."""


class Taken(NamedTuple):
    """A claim of another process on the same refresh, or the pass that its failure left."""

    claim: Entry


class Again(NamedTuple):
    """Nothing came of it: look again."""


AGAIN: Final = Again()

Outcome: TypeAlias = Loaded | Failed | Private | Absent | Taken | Again
