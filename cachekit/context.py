"""What a loader may say about its own load: `current_load()`."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from cachekit.call import Call
from cachekit.flight import Flight
from cachekit.keys import value_head
from cachekit.missing import MISSING, IsMissing
from cachekit.options import Duration, Ttl, span_or_never, window


class Load:
    """The load under way, as its loader sees it. What is said last counts.

    `key` is what is loaded, without the namespace; one that is long, or holds more than letters,
    digits and signs of ASCII, as it is stored. A load of several keys at once has the first of
    them, no `old`, and what it says is said of all.
    """

    lifetime: float | IsMissing | None = MISSING
    windows: tuple[float, float] | None = None
    skipped = private = unmodified = ended = False
    took = 0.0

    def __init__(self, call: Call, old: Callable[[], Any], flights: tuple[Flight, ...]) -> None:
        self._call = call
        self.tags: dict[str, None] = {}
        self.flights = flights
        """Its own, after those whose loads it was begun inside of."""
        self._old = old

    @property
    def key(self) -> str:
        """What is loaded, without the namespace."""
        return self._call.key.removeprefix(value_head(self._call.namespace))

    @property
    def ttl(self) -> float | IsMissing | None:
        """Seconds, or a timedelta, that the value is fresh from the end of its load.

        `None`: for good; 0 or less: it is not stored, unless by `stale` it is still of use then;
        `MISSING`: what `ttl=` says.
        """
        return self.lifetime

    @ttl.setter
    def ttl(self, ttl: Ttl) -> None:
        self.lifetime = span_or_never("current_load().ttl", ttl)

    def stale(self, *, while_revalidate: Duration = 0, if_error: Duration = 0) -> None:
        """How long past its ttl this value is of use, in place of what the cache's options say."""
        self.windows = window("while_revalidate", while_revalidate), window("if_error", if_error)

    def tag(self, *names: str) -> None:
        """Have the value carry these tags too; `invalidate(Tag(name))` forgets it.

        A tag that this process has not met before costs a second load, in the background: the
        first may have begun before an invalidation.
        """
        for name in names:
            if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"a tag is a str that is not empty, not {name!r}")
        self.tags.update(dict.fromkeys(names))

    def skip(self, *, private: bool = False) -> None:
        """Do not store what this load returns; who waits for it gets it all the same.

        `private`: it is for the caller alone who began the load. Who waits loads for itself, and an
        older value that is still there goes.
        """
        self.skipped = True
        self.private = private

    @property
    def old(self) -> Any:
        """The value that is loaded anew, a copy; `MISSING` if there is none that is valid."""
        return self._old()

    def not_modified(self) -> Any:
        """The old value: return it, and it is as fresh as if it had been loaded now.

        It keeps the tags it got from its result. Raises `LookupError` if there is no old value:
        look at `old` first.
        """
        value = self.old
        if value is MISSING:
            raise LookupError(f"there is no old value of {self.key}: look at current_load().old")
        self.unmodified = True
        return value


CURRENT: Final[ContextVar[Load | None]] = ContextVar("cachekit_current_load", default=None)
"""The load that this context runs inside of; a task may outlive it."""


def inside() -> tuple[Flight, ...]:
    """The flights whose loaders this context runs inside of, outermost first.

    Those that are still loading: a task may outlive the loader it began in.
    """
    load = CURRENT.get()
    return () if load is None else tuple(flight for flight in load.flights if not flight.done)


def current_load() -> Load:
    """The load this code runs in, to say more about it; `RuntimeError` outside of a loader."""
    load = CURRENT.get()
    if load is None or load.ended:
        raise RuntimeError(
            "current_load() is for loaders, while they load; other threads need "
            "contextvars.copy_context()"
        )
    return load
