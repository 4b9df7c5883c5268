"""Single ranges of bytes (RFC 9110 14)."""

import re
from enum import Enum
from typing import Final, Literal, TypeAlias

from cachekit.http.fields import OWS

_SINGLE: Final = re.compile(rb"bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.IGNORECASE)
_DIGITS: Final = 18


class _Unsatisfiable(Enum):
    UNSATISFIABLE = "unsatisfiable"


Unsatisfiable: TypeAlias = Literal[_Unsatisfiable.UNSATISFIABLE]
UNSATISFIABLE: Final = _Unsatisfiable.UNSATISFIABLE
"""The range that was asked for has no byte of what is there: answer 416."""


def single_range(value: bytes, length: int) -> tuple[int, int] | Unsatisfiable | None:
    """The first and the last byte that a Range field asks for of `length` bytes, both included.

    `None`: the field is to be ignored, because it has another unit, several ranges or no sense
    (RFC 9110 14.2).
    """
    found = _SINGLE.fullmatch(value.strip(OWS))
    if not found:
        return None
    if found[3] is not None:
        return _suffix(_number(found[3]), length)
    first = _number(found[1])
    last = _number(found[2]) if found[2] else None
    return _from(first, last, length)


def content_range(first: int, last: int, length: int) -> bytes:
    """The Content-Range field of a part (RFC 9110 14.4)."""
    return b"bytes %d-%d/%d" % (first, last, length)


def unsatisfied_range(length: int) -> bytes:
    """The Content-Range field of a 416 (RFC 9110 14.4)."""
    return b"bytes */%d" % length


def _suffix(count: int, length: int) -> tuple[int, int] | Unsatisfiable | None:
    """The last `count` bytes, or all if there are fewer; of none at all there is no part."""
    if not count:
        return UNSATISFIABLE
    return (max(0, length - count), length - 1) if length else None


def _from(first: int, last: int | None, length: int) -> tuple[int, int] | Unsatisfiable | None:
    if last is not None and last < first:
        return None
    if first >= length:
        return UNSATISFIABLE
    return first, length - 1 if last is None else min(last, length - 1)


def _number(digits: bytes) -> int:
    """Numbers beyond any length are all the same one."""
    digits = digits.lstrip(b"0")
    return int(digits or b"0") if len(digits) <= _DIGITS else 10**_DIGITS
