"""Key and tag templates: `"product:{product_id}"`, `"{tenant}:{user.id}"`."""

import datetime
import decimal
import ipaddress
import pathlib
import uuid
from collections.abc import Iterable
from enum import Enum
from itertools import repeat
from string import Formatter
from types import NoneType
from typing import Any, Final

from cachekit.errors import ConfigurationError
from cachekit.identity import identify

PLAIN: Final = frozenset({str, int, bool, float, NoneType})
"""Types whose text in a template is their `str()`."""


class Template:
    """A template, parsed once.

    `fields` are the names in its braces, `""` for each bare `{}`; `{{` and `}}` are braces. Where
    a key has several fields, `%` and all that separates them are percent-escaped in what is filled
    in (`escapes` is the table, else `None`), so that two different fillings never make one key.
    Tags are not escaped: a collision there only forgets more.
    """

    __slots__ = ("escapes", "fields", "pattern", "text")

    def __init__(self, text: str, *, escape: bool) -> None:
        self.text = text
        literals, self.fields = _parse(text)
        self.pattern = "%s".join(literal.replace("%", "%%") for literal in literals)
        between = literals[1:-1]
        self.escapes = _escapes(text, self.fields, between) if escape and between else None

    def fill(self, texts: Iterable[str]) -> str:
        """The key or tag with `texts` in the place of the fields, in their order."""
        if self.escapes is not None:
            texts = map(str.translate, texts, repeat(self.escapes))
        return self.pattern % tuple(texts)


def text_of(value: Any) -> str:
    """What stands for `value` in a key template: what people would write by hand.

    Text, numbers, `None`, UUIDs, paths and IP addresses by `str()`; an enum as its value; dates
    and times in ISO format; bytes in hex; anything else as `identify()` has it.
    """
    if isinstance(value, Enum):
        return text_of(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, _BY_STR):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return _number(value) if isinstance(value, (int, float)) else identify(value)


_BY_STR: Final = (
    bool,
    decimal.Decimal,
    uuid.UUID,
    pathlib.PurePath,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


def _number(value: float) -> str:
    return identify(int.__index__(value) if isinstance(value, int) else float.__pos__(value))


def _parse(text: str) -> tuple[list[str], tuple[str, ...]]:
    literals, fields = [""], list[str]()
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ConfigurationError(
            f"template {text!r}: {error}; write '{{{{' or '}}}}' for a brace itself"
        ) from None
    for literal, field, spec, conversion in parts:
        literals[-1] += literal
        if field is not None:
            fields.append(_checked(text, field, spec, conversion))
            literals.append("")
    return literals, tuple(fields)


def _checked(text: str, field: str, spec: str | None, conversion: str | None) -> str:
    if spec or conversion:
        raise ConfigurationError(
            f"template {text!r}: the field {field!r} has a conversion or a format; write "
            f"'{{{field}}}', and pass key= a function where more is wanted"
        )
    if field and not all(part.isidentifier() for part in field.split(".")):
        raise ConfigurationError(
            f"template {text!r}: {field!r} is no parameter or attribute of one; write "
            "'{name}' or '{name.attribute}', and pass key= a function where more is wanted"
        )
    return field


def _escapes(text: str, fields: tuple[str, ...], between: list[str]) -> dict[int, str]:
    """What to write for `%` and each character that separates two fields."""
    for left, right, literal in zip(fields, fields[1:], between, strict=False):
        if all(char.isalnum() or char == "%" for char in literal):
            raise ConfigurationError(
                f"template {text!r}: nothing tells '{{{left}}}' from '{{{right}}}'; put a "
                "separator such as ':' between them"
            )
    separators = {char for char in "".join(between) if not char.isalnum()} | {"%"}
    return {ord(char): _percent(char) for char in separators}


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
