"""Structured fields: dictionaries and lists of strings (RFC 9651).

Read strictly: what is malformed anywhere is not there at all, and no type is taken for another.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar, cast
from urllib.parse import unquote

from cachekit.errors import ConfigurationError
from cachekit.http.fields import Headers, combined


@dataclass(frozen=True, slots=True)
class Token:
    """A word without quotes: another thing than a string of the same characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A date: seconds since the epoch, and no number."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Display:
    """A string for people, in Unicode, and no `str`."""

    text: str


T = TypeVar("T")

Bare: TypeAlias = int | float | bool | str | bytes | Token | Moment | Display
Item: TypeAlias = Bare | tuple[Bare, ...]
"""One value, or an inner list of them. Their parameters are checked and left out."""


def dictionary(headers: Headers, name: bytes) -> dict[str, Item] | None:
    """What the field has under each of its keys, the last of equal ones; `None` if it is no
    dictionary, or not there."""
    return _read(headers, name, _Reader.dictionary)


def items(headers: Headers, name: bytes) -> list[Item] | None:
    """The members of a list; `None` if it is no list, or not there."""
    return _read(headers, name, _Reader.items)


def strings(headers: Headers, name: bytes) -> tuple[str, ...] | None:
    """The members of a list that has strings only, as RFC 9875 has; `None` if it is none."""
    found = items(headers, name)
    if found is None or not all(isinstance(item, str) for item in found):
        return None
    return tuple(cast("list[str]", found))


def quoted(text: str) -> str:
    """`text` as a string; `ConfigurationError` if it cannot be one."""
    if not _PRINTABLE.fullmatch(text):
        raise ConfigurationError(f"{text!r} cannot be sent in a field: write printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def token_or_string(text: str) -> str:
    """`text` as a token if it can be one, else as a string."""
    return text if _TOKEN.fullmatch(text) else quoted(text)


_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~:/0-9A-Za-z]*")
_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_SPACES: Final = re.compile(" *")
_OWS: Final = re.compile("[ \t]*")


class _Malformed(ValueError):
    """Not what RFC 9651 says."""


def _string(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _bytes(text: str) -> bytes:
    """Base64, of which the padding may be missing (RFC 9651 4.2.7)."""
    return b64decode(text if "=" in text else text + "=" * (-len(text) % 4), validate=True)


def _flag(text: str) -> bool:
    return text == "1"


def _moment(text: str) -> Moment:
    return Moment(int(text))


def _display(text: str) -> Display:
    return Display(unquote(text, errors="strict"))


# How values of each type look, and what is made of what the group holds.
_KINDS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Bare]], ...]] = (
    (re.compile(r"(-?[0-9]{1,15})(?![0-9.])"), int),
    (re.compile(r"(-?[0-9]{1,12}\.[0-9]{1,3})(?![0-9])"), float),
    (re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*+)"'), _string),
    (re.compile(f"({_TOKEN.pattern})"), Token),
    (re.compile(r":([A-Za-z0-9+/=]*):"), _bytes),
    (re.compile(r"\?([01])"), _flag),
    (re.compile(r"@(-?[0-9]{1,15})(?![0-9.])"), _moment),
    (re.compile(r'%"((?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*+)"'), _display),
)


class _Reader:
    """Walks over the text of one field, from its start to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def dictionary(self) -> dict[str, Item]:
        found: dict[str, Item] = {}
        while self.more(found):
            key = self.take(_KEY)
            found[key] = self.item() if self.skip("=") else True
            self.parameters()
        return found

    def items(self) -> list[Item]:
        found: list[Item] = []
        while self.more(found):
            found.append(self.item())
            self.parameters()
        return found

    def more(self, found: dict[str, Item] | list[Item]) -> bool:
        """Whether a member follows: the first one, or one behind a comma."""
        if not found:
            self.take(_SPACES)
            return self.at < len(self.text)
        self.take(_OWS)
        if self.at == len(self.text):
            return False
        self.need(",")
        self.take(_OWS)
        return True

    def item(self) -> Item:
        return self.inner() if self.skip("(") else self.bare()

    def inner(self) -> tuple[Bare, ...]:
        found: list[Bare] = []
        self.take(_SPACES)
        while not self.skip(")"):
            found.append(self.bare())
            self.parameters()
            if not self.take(_SPACES) and self.text[self.at : self.at + 1] != ")":
                raise _Malformed
        return tuple(found)

    def parameters(self) -> None:
        while self.skip(";"):
            self.take(_SPACES)
            self.take(_KEY)
            if self.skip("="):
                self.bare()

    def bare(self) -> Bare:
        for form, make in _KINDS:
            if found := form.match(self.text, self.at):
                self.at = found.end()
                return make(found[1])
        raise _Malformed

    def take(self, form: re.Pattern[str]) -> str:
        found = form.match(self.text, self.at)
        if not found:
            raise _Malformed
        self.at = found.end()
        return found[0]

    def skip(self, character: str) -> bool:
        there = self.text.startswith(character, self.at)
        self.at += len(character) if there else 0
        return there

    def need(self, character: str) -> None:
        if not self.skip(character):
            raise _Malformed


def _read(headers: Headers, name: bytes, walk: Callable[[_Reader], T]) -> T | None:
    value = combined(headers, name)
    if value is None:
        return None
    try:
        return walk(_Reader(value.decode("ascii")))
    except ValueError:  # ours, or of a character that is none, of base64 or of UTF-8
        return None
