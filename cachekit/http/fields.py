"""Header fields as ASGI has them: pairs of bytes, one for each line that was sent (RFC 9110 5).

Nothing here raises, whatever the bytes are, and nothing takes more time than their number asks for.
"""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Final, TypeAlias

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""The raw headers of a request or of an answer, in their order."""

OWS: Final = b" \t"
"""What may stand around a value and the members of a list."""

TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110 5.6.2: what names of fields, methods and directives are made of."""

_QUOTED_OR_COMMA: Final = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|,', re.DOTALL)


def lines(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all lines of the field `name`, which is given in lower case."""
    size = len(name)
    return [
        value for key, value in headers if key == name or (len(key) == size and key.lower() == name)
    ]


def first(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first line of the field; `None` if there is none."""
    found = lines(headers, name)
    return found[0] if found else None


def combined(headers: Headers, name: bytes) -> bytes | None:
    """All lines of the field as one, joined by commas; `None` if there is none (RFC 9110 5.3)."""
    found = lines(headers, name)
    return b", ".join(found) if found else None


def members(value: bytes) -> list[bytes]:
    """The members of a comma list, trimmed, without empty ones (RFC 9110 5.6.1).

    A comma in a quoted string does not part. A quote that is never closed is no quote: it hides
    nothing of what follows it.
    """
    parts = _parts(value) if b'"' in value else value.split(b",")
    return [member for part in parts if (member := part.strip(OWS))]


def without(headers: Headers, names: Container[bytes]) -> list[tuple[bytes, bytes]]:
    """All lines but those of fields in `names`, which are in lower case."""
    return [line for line in headers if line[0].lower() not in names]


def replaced(headers: Headers, name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    """With `value` as the only line of the field: where its first one was, or at the end."""
    kept: list[tuple[bytes, bytes]] = []
    place: int | None = None
    for line in headers:
        if line[0].lower() != name:
            kept.append(line)
        elif place is None:
            place = len(kept)
    kept.insert(len(kept) if place is None else place, (name, value))
    return kept


def unquoted(value: bytes) -> bytes:
    """What a quoted string says; anything else as it is (RFC 9110 5.6.4)."""
    if len(value) < 2 or value[:1] != b'"' or value[-1:] != b'"':
        return value
    return re.sub(rb"\\(.)", rb"\1", value[1:-1], flags=re.DOTALL)


def is_token(value: bytes) -> bool:
    """Whether `value` is what a field or a directive can be called."""
    return TOKEN.fullmatch(value) is not None


def _parts(value: bytes) -> Iterator[bytes]:
    """What stands between commas outside of quoted strings."""
    start = 0
    for found in _QUOTED_OR_COMMA.finditer(value):
        if found[0] == b",":
            yield value[start : found.start()]
            start = found.end()
        elif not found[1]:  # never closed, and so is each quote after it
            break
    else:
        yield value[start:]
        return
    yield from value[start:].split(b",")
