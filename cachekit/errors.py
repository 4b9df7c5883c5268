"""Everything cachekit raises on purpose. All of it is a `CacheError`."""

from collections.abc import Sequence
from typing import Any, Final


def shown(value: Any) -> str:
    """`value` in a message; only of what type it is, if there may be a secret key in it."""
    return (
        f"something of type {type(value).__name__}" if isinstance(value, _SECRET) else repr(value)
    )


_SECRET: Final[tuple[type[Any], ...]] = (
    *(bytes, bytearray, memoryview),
    *(list, tuple, set, dict),
)


class CacheError(Exception):
    """The base of all errors of cachekit."""


class ConfigurationError(CacheError, ValueError):
    """An argument cannot be what it is; the message says what is wanted."""


class CacheClosedError(CacheError, RuntimeError):
    """The cache was used after `close()`."""


class EncodeError(CacheError, TypeError):
    """A value cannot be copied or turned into bytes."""


class TooLargeError(EncodeError):
    """A value has more bytes than `max_value_bytes` allows, or than the store takes.

    In the first case `data` is what they are.
    """

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


class UnreadableError(CacheError, ValueError):
    """Bytes from a store are no entry of this key: truncated, corrupt or another key's."""


class ForeignError(UnreadableError):
    """Bytes may be another's, whole, and need not go: of a key, say, that this process lacks."""


class UnsupportedError(CacheError):
    """The backend lacks the capability that was asked for."""


class BackendError(CacheError, ConnectionError):
    """The store did not answer; raised with `on_error="raise"` only. `__cause__` says why."""


_NAMED: Final = 10
"""So many of what was not reached are in the message."""


class InvalidationError(CacheError):
    """Something that forgets or replaces was not acknowledged by the store.

    Catch it after your commit and answer normally; `unreached` names what may still be served
    elsewhere until it expires, `__cause__` is what the store raised, if it did.
    """

    def __init__(
        self, action: str, unreached: Sequence[str], cause: BaseException | None = None
    ) -> None:
        self.unreached = tuple(unreached)
        names = ", ".join(self.unreached[:_NAMED])
        more = len(self.unreached) - _NAMED
        names += f" and {more:,} more" if more > 0 else ""
        super().__init__(f"{action} was not acknowledged for: {names} ({cause or 'no answer'})")
        self.__cause__ = cause

    def __reduce__(self) -> tuple[Any, ...]:  # else no process could send it to another
        return _received, (str(self), self.unreached)


def _received(message: str, unreached: tuple[str, ...]) -> InvalidationError:
    error = InvalidationError.__new__(InvalidationError, message)
    error.unreached = unreached
    return error
