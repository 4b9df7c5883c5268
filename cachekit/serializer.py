"""What turns values into bytes and back."""

from typing import Any, Protocol, runtime_checkable


class Serializer(Protocol):
    """A value into bytes, and back with the same type.

    One that has a method `bind` is a `BoundSerializer`.
    """

    @property
    def id(self) -> str:
        """Names the format in every stored entry, 1 to 32 ASCII characters: `"msgpack"`."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Changes when stored values of an older schema must not be read; at most 16 bytes.

        `b""` if the format needs no schema.
        """
        ...

    def dumps(self, value: Any) -> bytes:
        """Raises `EncodeError` naming the type it cannot carry and what can."""
        ...

    def loads(self, data: bytes) -> Any:
        """Raises any exception for bytes it cannot read; it never imports what they name."""
        ...


@runtime_checkable
class BoundSerializer(Serializer, Protocol):
    """A serializer whose bytes are worth nothing out of their place: it signs them itself."""

    def bind(self, context: bytes) -> Serializer:
        """The one for the entry of this context; see `Step`. Made for each `dumps` and `loads`."""
        ...
