"""A serializer and the steps behind it: a value into the payload of an entry, and back."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from cachekit.entry import Entry
from cachekit.errors import (
    ConfigurationError,
    EncodeError,
    TooLargeError,
    UnreadableError,
    shown,
)
from cachekit.serializer import Serializer
from cachekit.step import Step

_LENGTHS: Final = struct.Struct(">IBBB")
_OVERHEAD: Final = 1024
"""Bytes that all steps together may add."""


class Codec:
    """How values become bytes. Its `id` names the serializer and all steps, as `msgpack+zstd`.

    `limit` is how many bytes a serializer may make of a value, and is ever given.
    """

    __slots__ = ("_bind", "_loads", "fingerprint", "id", "limit", "serializer", "steps")

    def __init__(self, serializer: Serializer, steps: Sequence[Step] = (), limit: int = 2**24):
        self.serializer = serializer
        self.steps = tuple(steps)
        self.limit = limit
        self.id = "+".join([checked_id(serializer), *map(checked_id, self.steps)])
        self.fingerprint = _fingerprint(serializer)
        self._bind: Callable[[bytes], Serializer] | None = _bind_of(serializer)
        self._loads = serializer.loads if self._bind is None and not self.steps else None
        if len(self.id) > 255:
            raise ConfigurationError(f"too many steps: {self.id} has more than 255 characters")

    @property
    def is_plain(self) -> bool:
        """Whether all there is to its bytes is a serializer, to which they are not bound."""
        return self._loads is not None

    def changed(
        self,
        serializer: Serializer | None = None,
        steps: Sequence[Step] | None = None,
        limit: int | None = None,
    ) -> "Codec":
        """With what is given in the stead of what this is."""
        steps = self.steps if steps is None else steps
        return Codec(serializer or self.serializer, steps, limit or self.limit)

    def is_like(self, other: "Codec") -> bool:
        """Whether both read what one of them wrote."""
        return self.id == other.id and self.fingerprint == other.fingerprint

    def encode(self, value: Any, key: str, entry: Entry) -> bytes:
        """The payload of `value`. Raises `EncodeError`, whatever the serializer raises."""
        try:
            return self._encode(value, key, entry)
        except EncodeError:
            raise
        except Exception as error:  # the value itself is fine
            kind = type(value).__qualname__
            raise EncodeError(f"{self.id} cannot carry a {kind}: {error!r}") from error

    def open(self, key: str, entry: Entry) -> Any:
        """The value of `entry`, as the caller's own. Raises what a serializer may raise."""
        data = entry.payload
        if data is None or entry.opener is self:
            thaw = entry.thaw
            return entry.kept if thaw is None else thaw(entry.kept)
        if self._loads is not None and len(data) <= self.limit:
            return self._loads(data)
        return self._decode(data, key, entry)

    def _encode(self, value: Any, key: str, entry: Entry) -> bytes:
        if self._bind is None and not self.steps:
            data = self.serializer.dumps(value)
            fits = type(data) is bytes and len(data) <= self.limit
            return data if fits else self._small(_bytes(self.serializer, data))
        context = context_of(key, entry)
        made = data = self._small(_bytes(self.serializer, self._for(context).dumps(value)))
        for step in self.steps:
            data = self._readable(step, _bytes(step, step.encode(data, context)), made)
        return data

    def _decode(self, data: bytes, key: str, entry: Entry) -> Any:
        context, most = context_of(key, entry), self.limit + _OVERHEAD
        for step in reversed(self.steps):
            data = step.decode(self._allowed(data, most), context, most)
        return self._for(context).loads(self._allowed(data, self.limit))

    def _for(self, context: bytes) -> Serializer:
        return self.serializer if self._bind is None else self._bind(context)

    def _small(self, data: bytes) -> bytes:
        if len(data) > self.limit:
            raise TooLargeError(
                f"the {self.serializer.id} of the value has {len(data):,} bytes, more than "
                f"max_value_bytes={self.limit}: allow more, or cache parts of it",
                data,
            )
        return data

    def _readable(self, step: Step, data: bytes, made: bytes) -> bytes:
        """What a step has made of it: what no reader takes is not to be stored."""
        if len(data) > self.limit + _OVERHEAD:
            raise TooLargeError(
                f"of the {self.serializer.id} of the value {step.id} makes {len(data):,} bytes, "
                f"and {_OVERHEAD} more than max_value_bytes={self.limit} are read: allow more, or "
                "cache parts of it",
                made,
            )
        return data

    def _allowed(self, data: bytes, most: int) -> bytes:
        if len(data) > most:
            raise UnreadableError(f"{len(data):,} bytes, where {self.limit:,} are allowed")
        return data


def context_of(key: str, entry: Entry) -> bytes:
    """What the bytes of a value are bound to, by steps that bind: its key and who wrote it."""
    name = key.encode(errors="surrogatepass")
    codec, revision = entry.codec.encode(), entry.revision.encode()
    head = _LENGTHS.pack(len(name), len(codec), len(entry.schema), len(revision))
    return b"".join((head, name, codec, entry.schema, revision))


def _bind_of(serializer: Serializer) -> Callable[[bytes], Serializer] | None:
    bind: Any = getattr(serializer, "bind", None)
    return cast("Callable[[bytes], Serializer]", bind) if callable(bind) else None


def _bytes(part: Serializer | Step, data: Any) -> bytes:
    """`data`; of another type it would be the store that fails, for all it is to write."""
    if type(data) is bytes:
        return data
    raise EncodeError(f"what {part.id} has made is of type {type(data).__name__}, not bytes")


def checked_id(part: Serializer | Step) -> str:
    """The id of a serializer or a step; a `ConfigurationError` if it cannot be one."""
    name: Any = part.id
    fits = isinstance(name, str) and 1 <= len(name) <= 32 and name.isascii() and name.isprintable()
    if not fits or "+" in name:
        raise ConfigurationError(
            f"{type(part).__qualname__}.id must be 1 to 32 printable ASCII characters without '+', "
            f"not {name!r}"
        )
    return cast("str", name)


def checked_steps(argument: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """`steps`; a `ConfigurationError` if one is none, or if it is but one."""
    if not isinstance(steps, Iterable) or isinstance(steps, (str, bytes)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{argument} must be a list of steps, not {shown(steps)}")
    made = tuple(steps)
    for step in made:
        if isinstance(step, type) or not all(hasattr(step, name) for name in _STEP):
            raise ConfigurationError(
                f"{argument} has {shown(step)}, which is no step: give objects with "
                f"{', '.join(_STEP)}"
            )
    return made


_STEP: Final = ("id", "encode", "decode")


def _fingerprint(serializer: Serializer) -> bytes:
    made: Any = serializer.fingerprint
    if not isinstance(made, bytes) or len(made) > 16:
        raise ConfigurationError(
            f"{type(serializer).__qualname__}.fingerprint must be at most 16 bytes, not {made!r}"
        )
    return made
