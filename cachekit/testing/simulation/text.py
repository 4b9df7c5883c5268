"""A serializer for values that are text, so that histories can show what a store holds."""

from typing import Any


class TextSerializer:
    """UTF-8."""

    id = "text"
    fingerprint = b""

    def dumps(self, value: Any) -> bytes:
        return str(value).encode()

    def loads(self, data: bytes) -> str:
        return data.decode()
