"""Entity tags of things that know their version."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeAlias
from uuid import UUID

from cachekit import ConfigurationError
from cachekit.errors import shown
from cachekit.http.etags import ETag

Part: TypeAlias = int | float | str | bytes | datetime | UUID | None
"""What a version may be made of."""

SIZE: Final = 16
"""Bytes of a digest: by chance, no two are the same."""


def etag_of(name: str, *version: Part, weak: bool = False) -> ETag:
    """The entity tag of one state of what is called `name`.

    `version`: everything that another answer would come from. A number that goes up, when it was
    last changed, the bytes themselves; and who asks or in what language, if that makes a
    difference. Two things with the same version have different tags.

    `weak`: it means the same, and may have other bytes (RFC 9110 8.8.1). That is what holds where
    something outside compresses the answer. `If-Match` never holds for a weak one.

    >>> str(etag_of("place:7", 3))
    '"035ea87b17eade91f8a5a012d0dd5ce9"'
    """
    if not version:
        raise ConfigurationError(
            f"etag_of({name!r}) without a version never changes: write etag_of({name!r}, "
            "place.version)"
        )
    digest = blake2b(digest_size=SIZE)
    for text in _framed((name, *version)):
        digest.update(text)
    return ETag(digest.hexdigest().encode(), weak)


def _framed(parts: Iterable[Part]) -> Iterator[bytes]:
    """Each with its type and its length: `"ab", "c"` is not `"a", "bc"`, nor 1 `"1"`."""
    for part in parts:
        kind, text = _as_bytes(part)
        yield b"%b%d:%b" % (kind, len(text), text)


def _as_bytes(part: Part) -> tuple[bytes, bytes]:
    match part:
        case bytes():
            return b"b", part
        case str():
            return b"s", part.encode(errors="surrogatepass")
        case int() | float():
            return b"n", (hex(part) if isinstance(part, int) else part.hex()).encode()
        case datetime():
            return b"t", _moment(part).encode()
        case UUID():
            return b"u", part.bytes
        case None:
            return b"-", b""
    raise ConfigurationError(
        f"an ETag cannot be made of {shown(part)}: give numbers, text, bytes, a datetime or a UUID"
    )


def _moment(moment: datetime) -> str:
    """The same in every zone; one without a zone is taken as it is."""
    aware = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat()
