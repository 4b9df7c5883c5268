"""How long a response is fresh, and how old it is when it comes (RFC 9111 4.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cachekit.http.cache_control import LONGEST, Directives
from cachekit.http.dates import parse_date
from cachekit.http.fields import Headers, first, members
from cachekit.http.structured import dictionary

DAY: Final = 86400.0
"""What was last changed in 1970 has no date."""

HEURISTIC: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that may be kept without being told for how long (RFC 9110 15.1)."""


@dataclass(frozen=True, slots=True)
class Governing:
    """What a response says to this cache: its directives, and whether Expires counts."""

    directives: Directives
    expires: bool = True

    def explicit(self, headers: Headers, received: float) -> float | None:
        """Seconds that it says it is fresh; `None` if it does not say so (RFC 9111 4.2.1)."""
        for name in ("s-maxage", "max-age"):
            seconds = self.directives.seconds(name)
            if seconds is not None:
                return float(seconds)
        expires = first(headers, b"expires") if self.expires else None
        if expires is None:
            return None
        until, since = parse_date(expires), date_of(headers, received)
        return 0.0 if until is None else max(0.0, min(float(LONGEST), until - since))


def governing(headers: Headers, targets: Sequence[bytes]) -> Governing:
    """By the first of `targets` that says something, else by Cache-Control (RFC 9213)."""
    for target in targets:
        said = dictionary(headers, target)
        if said:
            return Governing(_directives(said), expires=False)
    return Governing(Directives.of(headers))


def _directives(said: Mapping[str, object]) -> Directives:
    """Of a structured field, in which nothing is taken for what it is not."""
    found: dict[str, list[bytes | None]] = {}
    for name, value in said.items():
        if value is True:
            found[name] = [None]
        elif type(value) is int:
            found[name] = [b"%d" % value]
        elif name in _FLAGS and value is not False:
            found[name] = [None]  # with an argument that means nothing to us: the strict reading
    return Directives(found)


_FLAGS: Final = frozenset({"no-store", "no-cache", "private", "must-revalidate"})


def heuristic(status: int, said: Governing, headers: Headers, received: float) -> float | None:
    """A tenth of how long it had not been changed, at most a day; `None` where none may be guessed
    (RFC 9111 4.2.2)."""
    modified = first(headers, b"last-modified")
    since = None if modified is None else parse_date(modified)
    if since is None or (status not in HEURISTIC and "public" not in said.directives):
        return None
    return max(0.0, min(DAY, (date_of(headers, received) - since) / 10))


def date_of(headers: Headers, received: float) -> float:
    """When it was made: as it says, or when it came (RFC 9110 6.6.1)."""
    date = first(headers, b"date")
    made = None if date is None else parse_date(date)
    return received if made is None else made


def initial_age(headers: Headers, requested: float, received: float) -> float:
    """How old it is when it comes (RFC 9111 4.2.3).

    One with neither Age nor Date has just been made by the application behind us.
    """
    age, date = _age(headers), first(headers, b"date")
    if age is None and date is None:
        return 0.0
    apparent = max(0.0, received - date_of(headers, received))
    return max(apparent, (age or 0.0) + max(0.0, received - requested))


def _age(headers: Headers) -> float | None:
    """Its Age field; one that is no number of seconds does not count (RFC 9111 5.1)."""
    line = first(headers, b"age")
    digits = next(iter(members(line)), b"") if line is not None else b""
    if not digits.isdigit():
        return None
    return min(float(digits[:20]), float(LONGEST)) if len(digits) <= 20 else float(LONGEST)
