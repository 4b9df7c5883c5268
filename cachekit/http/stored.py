"""A response as it lies in the cache, and its bytes."""

import json
from dataclasses import dataclass
from typing import Any, Final

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
    """Stored responses as bytes: what is known of one as JSON, a line end, then its body."""

    id = "http-response"
    fingerprint = b"1"

    def dumps(self, value: Any) -> bytes:
        head = [
            value.status,
            len(value.body),
            [[name.decode("latin-1"), line.decode("latin-1")] for name, line in value.headers],
            [getattr(value, name) for name in _PLAIN],
            [name.decode("latin-1") for name in value.vary],
            [None if line is None else line.decode("latin-1") for line in value.selected],
        ]
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + bytes(value.body)

    def loads(self, data: bytes) -> Stored:
        head, end, body = data.partition(b"\n")
        status, length, headers, plain, vary, selected = json.loads(head)
        if not end or len(body) != length:
            raise UnreadableError("a stored response without all of its body")
        return Stored(
            status=status,
            headers=tuple((_bytes(name), _bytes(line)) for name, line in headers),
            body=body,
            vary=tuple(map(_bytes, vary)),
            selected=tuple(None if line is None else _bytes(line) for line in selected),
            **dict(zip(_PLAIN, plain, strict=True)),
        )


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


_PLAIN: Final = (
    "received",
    "age",
    "lifetime",
    "while_revalidate",
    "if_error",
    "strict",
    "validate",
)
