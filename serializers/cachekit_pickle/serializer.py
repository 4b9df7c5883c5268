"""The serializer: pickle, behind a signature."""

import pickle
from collections.abc import Sequence
from typing import Any, Final, cast

from cachekit.errors import ConfigurationError, EncodeError, UnreadableError
from cachekit.signing import Algorithm, Signing

_PROTOCOL: Final = 5
_PURPOSE: Final = b"cachekit_pickle"


class PickleSerializer:
    """Whatever can be pickled; what is read is unpickled only if one of `keys` signed it.

    **Who holds a key may run code in every process that reads.** Where you can, take
    `serializer="msgpack"` or the serializer of cachekit_pydantic instead: their bytes call nothing.

    `keys` and `algorithm` are those of `cachekit.signing.Signing`: secrets of 32 bytes or more, as
    `secrets.token_bytes(32)` makes them, of which the first signs; to rotate, add before you
    remove. The signature covers the entry's context, so that the bytes of one key are worth
    nothing under another. Raises `ConfigurationError` without keys.

    What is stored names classes by module and name. Where a class was renamed, moved or removed,
    its values are unreadable: a miss, and they are loaded anew. Where its fields were changed they
    do come back, with the attributes that they had: give the function another `version=` then.
    """

    fingerprint: bytes = b""

    def __init__(
        self, keys: Sequence[bytes] | None = None, algorithm: Algorithm = "blake2b"
    ) -> None:
        if keys is None:
            raise ConfigurationError(
                "PickleSerializer needs keys=, else whoever can write to the store runs code in "
                "every reader: serializer=PickleSerializer(keys=[key]), where key is what "
                "secrets.token_bytes(32) made once and all processes have; or take "
                'serializer="msgpack", which needs none'
            )
        self._signing = Signing(keys, algorithm)
        self.id: Final = f"pickle-{self._signing.id}"

    def bind(self, context: bytes) -> "_Bound":
        """The one for the entry of this context: what it writes is worth nothing in another."""
        return _Bound(self.id, self._signing, context)

    def dumps(self, value: Any) -> bytes:
        """Raises `EncodeError` that names the type, if it cannot be pickled."""
        return self.bind(b"").dumps(value)

    def loads(self, data: bytes) -> Any:
        """Raises `UnreadableError` for what none of the keys signed, or what is no more there."""
        return self.bind(b"").loads(data)


class _Bound:
    """Writes and reads the bytes of one entry."""

    __slots__ = ("_context", "_signing", "id")

    fingerprint: bytes = b""

    def __init__(self, id: str, signing: Signing, context: bytes) -> None:
        self.id = id
        self._signing = signing
        # A step may sign with the same keys what anybody chose: not for a context like this one.
        self._context = _PURPOSE + context

    def dumps(self, value: Any) -> bytes:
        try:
            data = pickle.dumps(value, _PROTOCOL)
            pickle.loads(data)  # some exceptions, say, can be pickled and not unpickled
        except Exception as error:
            raise _refusal(value, error) from error
        return self._signing.encode(data, self._context)

    def loads(self, data: bytes) -> Any:
        signed = self._signing.decode(data, self._context, len(data))
        try:
            return pickle.loads(signed)
        except Exception as error:
            raise UnreadableError(f"signed, but cannot be unpickled: {_why(error)}") from error


def _refusal(value: Any, error: Exception) -> EncodeError:
    kind = cast("Any", type(value))
    return EncodeError(
        f"a {kind.__module__}.{kind.__qualname__} cannot be pickled: {_why(error)}; "
        "cache the values that it is made of"
    )


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return f"{type(error).__name__}: {error}"
