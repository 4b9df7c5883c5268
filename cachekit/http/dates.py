"""Dates in fields (RFC 9110 5.6.7): the one form that is sent, and the three that are read."""

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cachekit.http.fields import OWS

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_NUMBER: Final = {name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)}

_DAY: Final = f"(?:{'|'.join(_DAYS)})"
_LONG_DAY: Final = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH: Final = f"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"

_FORMS: Final = tuple(
    re.compile(form.encode(), re.IGNORECASE)
    for form in (
        f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT",
        f"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT",
        f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_CLOCK} (?P<year>[0-9]{{4}})",
    )
)

_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def parse_date(value: bytes, now: float | None = None) -> float | None:
    """Seconds since the epoch; `None` for what is no date.

    Read are the preferred form, that of RFC 850 and that of asctime, in any case, and nothing that
    only looks like them: for a field like Expires, no date is one in the past. The weekday is not
    compared with the date. `now` is what two digits of a year are seen from, in seconds since the
    epoch; the present, if it is not given.
    """
    value = value.strip(OWS)
    for form in _FORMS:
        if found := form.fullmatch(value):
            return _seconds(found, now)
    return None


def format_date(seconds: float) -> bytes:
    """The date as it is sent, rounded down to whole seconds: `Sun, 06 Nov 1994 08:49:37 GMT`.

    Years are from 1 to 9999, what lies outside is the nearest of them.
    """
    return _formatted(max(_EARLIEST, min(_LATEST, seconds)) // 1)


@lru_cache(maxsize=16)
def _formatted(seconds: float) -> bytes:
    t = time.gmtime(seconds)
    day, month = _DAYS[t.tm_wday], _MONTHS[t.tm_mon - 1]
    clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    return f"{day}, {t.tm_mday:02} {month} {t.tm_year:04} {clock} GMT".encode()


def _seconds(found: re.Match[bytes], now: float | None) -> float | None:
    names = ("day", "hour", "minute", "second")
    day, hour, minute, second = (int(found[name]) for name in names)
    if second > 60:
        return None
    rest = (_NUMBER[found["month"].lower()], day, hour, minute, min(second, 59))
    year = int(found["year"])
    if len(found["year"]) == 2:
        year = _full_year(year, rest, now)
    return _timestamp(year, rest, second == 60)


def _timestamp(year: int, rest: tuple[int, int, int, int, int], leap: bool) -> float | None:
    try:
        return datetime(year, *rest, tzinfo=UTC).timestamp() + leap
    except ValueError:
        return None


def _full_year(short: int, rest: tuple[int, int, int, int, int], now: float | None) -> int:
    """In this century, unless that is more than 50 years ahead (RFC 9110 5.6.7)."""
    present = time.gmtime(now)[:6]
    year = present[0] - present[0] % 100 + short
    return year - 100 if (year - 50, *rest) > present else year
