"""Entity tags (RFC 9110 8.8.3)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from cachekit.errors import ConfigurationError
from cachekit.http.fields import OWS

_TAG: Final = re.compile(rb'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VALUE: Final = re.compile(rb"[\x21\x23-\x7e\x80-\xff]*")
_MEMBER: Final = re.compile(rb'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|\Z)')

_SHORT: Final = 200
_REMEMBERED: Final = 1024
"""So many fields are known, none of them longer than that: those of one client come again."""


@dataclass(frozen=True, slots=True)
class ETag:
    """The name of one state of a resource; `str()` and `bytes()` are how it is sent.

    `value` is what stands between the quotes: no space, no quote, no control character. A weak one
    says that two states mean the same, not that they have the same bytes. Raises
    `ConfigurationError` for a value that cannot be sent.
    """

    value: bytes
    weak: bool = False

    def __post_init__(self) -> None:
        if not _VALUE.fullmatch(self.value):
            raise ConfigurationError(
                f"ETag(value={self.value!r}) cannot be sent: write visible ASCII without quotes, "
                "a version or a hex digest"
            )

    def __bytes__(self) -> bytes:
        return b'W/"%b"' % self.value if self.weak else b'"%b"' % self.value

    def __str__(self) -> str:
        return bytes(self).decode("latin-1")

    @classmethod
    def parse(cls, raw: bytes) -> "ETag | None":
        """The one that is all of `raw`; `None` if that is none."""
        parse = _parsed if len(raw) <= _SHORT else _parsed.__wrapped__
        return parse(raw)


ETags: TypeAlias = Literal["*"] | tuple[ETag, ...]
"""What If-Match and If-None-Match name: any state at all, or some."""


def etags_of(value: bytes) -> ETags:
    """What an If-Match or If-None-Match field names (RFC 9110 13.1.1, 13.1.2).

    A comma may be part of a tag. What is no tag is skipped, up to the next comma.
    """
    find = _members if len(value) <= _SHORT else _members.__wrapped__
    return "*" if value.strip(OWS) == b"*" else find(value)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(raw: bytes) -> ETag | None:
    found = _TAG.fullmatch(raw.strip(OWS))
    return ETag(found[2], bool(found[1])) if found else None


@lru_cache(maxsize=_REMEMBERED)
def _members(value: bytes) -> tuple[ETag, ...]:
    found: list[ETag] = []
    at = 0
    while at < len(value):
        if member := _MEMBER.match(value, at):
            found.append(ETag(member[2], bool(member[1])))
            at = member.end()
        else:
            comma = value.find(b",", at)
            at = comma + 1 if comma >= 0 else len(value)
    return tuple(found)


def strong(a: ETag, b: ETag) -> bool:
    """Whether both are of the same bytes (RFC 9110 8.8.3.2)."""
    return a == b and not a.weak


def weak(a: ETag, b: ETag) -> bool:
    """Whether one may stand for the other (RFC 9110 8.8.3.2)."""
    return a.value == b.value
