"""What may stand between a serializer and the store: bytes into bytes."""

from typing import Protocol


class Step(Protocol):
    """Compresses, signs or encrypts what a serializer made, and undoes that.

    `context` is the same for the bytes of one entry whenever they are written or read: its key,
    its codec, its schema and its revision, each with its length. A step that guards bytes binds
    them to it, so that they are worth nothing under another key or another format's name.
    """

    @property
    def id(self) -> str:
        """Names the format in every stored entry, 1 to 32 printable ASCII characters, no `+`."""
        ...

    def encode(self, data: bytes, context: bytes) -> bytes:
        """The bytes to store: at most 1,024 more than it was given."""
        ...

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        """What `encode` was given, `limit` bytes of it at most.

        Raises any exception for bytes that it did not make, or that are more than `limit`.
        """
        ...
