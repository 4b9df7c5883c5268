"""A response as it lies in the cache, and its bytes."""

from dataclasses import dataclass, fields
from typing import Any, Final, cast

import msgpack  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from cachekit.errors import UnreadableError
from cachekit.http.conditions import Validators
from cachekit.http.fields import first

Lines = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A whole response, and all that decides whether it may be used again.

    `headers` are those that are sent. At `received`, in seconds since the epoch, it was `age`
    seconds old, and is fresh until it is `lifetime` seconds old; `while_revalidate` and `if_error`
    are for how long after that it may still be served (RFC 5861). `strict`: never stale;
    `validate`: not without asking. It is for requests whose fields `vary` say `selected`.
    """

    status: int
    headers: Lines
    body: bytes
    received: float
    age: float = 0.0
    lifetime: float = 0.0
    while_revalidate: float = 0.0
    if_error: float = 0.0
    strict: bool = False
    validate: bool = False
    vary: tuple[bytes, ...] = ()
    selected: tuple[bytes | None, ...] = ()

    def age_at(self, now: float) -> float:
        """How old it is (RFC 9111 4.2.3); a clock that was set back makes nothing younger."""
        resident = now - self.received
        return self.age + resident if resident > 0.0 else self.age

    @property
    def validators(self) -> Validators:
        """What names its state (RFC 9110 8.8)."""
        return Validators.of(self.headers)

    @property
    def can_be_validated(self) -> bool:
        """Whether there is something to ask the application by.

        An ETag that is none, one without quotes, say, is sent back as it came.
        """
        return bool(first(self.headers, b"etag")) or self.validators.last_modified is not None


class StoredSerializer:
    """Stored responses as bytes: their fields, in order, as one msgpack array."""

    id = "http-response"
    fingerprint = b"1"

    def dumps(self, value: Any) -> bytes:
        parts = [getattr(value, name) for name in _FIELDS]
        return cast("bytes", msgpack.packb(parts))  # pyright: ignore

    def loads(self, data: bytes) -> Stored:
        parts = cast("tuple[Any, ...]", msgpack.unpackb(data, use_list=False))  # pyright: ignore
        stored = Stored(*parts)
        if not _is_sound(stored):
            raise UnreadableError("this is no stored response")
        return stored


_FIELDS: Final = tuple(field.name for field in fields(Stored))


def _is_sound(stored: Stored) -> bool:
    """Whether its parts are what they are to be: others may write to the store, too."""
    numbers = (stored.received, stored.age, stored.lifetime)
    windows = (stored.while_revalidate, stored.if_error)
    return (
        type(stored.status) is int
        and type(stored.body) is bytes
        and all(type(number) is float for number in numbers + windows)
        and all(type(name) is bytes and type(line) is bytes for name, line in stored.headers)
        and all(type(name) is bytes for name in stored.vary)
        and len(stored.vary) == len(stored.selected)
    )
