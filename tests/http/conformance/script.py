"""What an exchange between a client, a cache and an origin is made of, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from time import gmtime, strftime
from typing import TypeAlias

from cachekit.http.dates import format_date


@dataclass(frozen=True, slots=True)
class At:
    """A date so many seconds from now, in the usual form, or as a pattern of `strftime` says."""

    seconds: float
    form: str = ""

    def text(self, now: float) -> str:
        if self.form:
            return strftime(self.form, gmtime(now + self.seconds))
        return format_date(now + self.seconds).decode()


Value: TypeAlias = str | At
Fields: TypeAlias = Mapping[str, Value | Sequence[Value]]
"""Fields by name; several values are several lines."""


class Seen(Enum):
    """Where an answer comes from."""

    ANYWHERE = "anywhere"
    CACHE = "cache"
    ORIGIN = "origin"
    BY_ETAG = "by etag"
    """The origin was asked by the ETag it had sent, and says 304."""
    BY_DATE = "by date"
    """The same, by Last-Modified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, what the origin says if it is asked, and what is expected.

    `path` is put behind the script's own. `again`: what the origin says when it is asked a second
    time for the same request. `slow`: seconds until the origin answers; `fails`: it
    does not. `wait`: seconds until the next step, in which all that goes on behind ends. `gets`,
    `has`, `lacks`, `body`: of the answer to the client; `saw`, `saw_not`: of the origin.
    """

    method: str = "GET"
    path: str = ""
    host: str = "origin.test"
    sends: Fields = field(default_factory=dict[str, Value])
    status: int = 200
    answers: Fields = field(default_factory=dict[str, Value])
    says: str | None = None
    again: int = 0
    slow: float = 0.0
    fails: bool = False
    wait: float = 0.0
    seen: Seen = Seen.ANYWHERE
    gets: int | None = None
    has: Fields = field(default_factory=dict[str, Value])
    lacks: Sequence[str] = ()
    body: str | None = None
    older: float | None = None
    saw: Fields = field(default_factory=dict[str, Value])
    saw_not: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Steps that show one thing.

    `needs`: with which options only: "heuristics", "targets". `bare`: if a request has no fields
    but those that are named. `stricter`: why what is expected is
    not what others might ask for.
    """

    name: str
    steps: Sequence[Step]
    needs: str = ""
    stricter: str = ""
    bare: bool = False


def script(
    name: str, *steps: Step, needs: str = "", stricter: str = "", bare: bool = False
) -> Script:
    return Script(name=name, steps=steps, needs=needs, stricter=stricter, bare=bare)


HOUR: Fields = {"cache-control": "max-age=3600"}


def reused(
    name: str, answers: Fields, *, wait: float = 0, needs: str = "", status: int = 200
) -> Script:
    """An answer with such fields is used again."""
    steps = Step(status=status, answers=answers, wait=wait), Step(seen=Seen.CACHE, gets=status)
    return script(name, *steps, needs=needs)


def not_reused(
    name: str,
    answers: Fields,
    *,
    wait: float = 0,
    needs: str = "",
    status: int = 200,
    stricter: str = "",
) -> Script:
    """An answer with such fields is not used again."""
    steps = Step(status=status, answers=answers, wait=wait), Step(seen=Seen.ORIGIN)
    return script(name, *steps, needs=needs, stricter=stricter)
