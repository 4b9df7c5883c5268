"""What users may say of how values are cached, and whether it can be."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypedDict, cast

from cachekit.codec import checked_steps
from cachekit.errors import ConfigurationError
from cachekit.registry import serializer_of
from cachekit.serializer import Serializer
from cachekit.step import Step
from cachekit.typed import typed_by

Duration: TypeAlias = float | timedelta
Ttl: TypeAlias = Duration | None
TtlOf: TypeAlias = Callable[[Any], Ttl]

LONGEST: Final = 10 * 365 * 86400.0

_SHORT: Final = 64


class Format(TypedDict, total=False):
    """What makes a value's bytes; what is not given the cache says."""

    serializer: Serializer | str
    """A `Serializer`, or the name of an installed one."""
    steps: Iterable[Step]
    """What the serializer's bytes pass through: compression, signing, encryption, in this order."""
    max_value_bytes: int
    """The most bytes that a serializer makes of a value, and that are read; what has more is served
    and not stored."""


class Lifetime(Format, total=False):
    """How long a value is kept and what makes its bytes; what is not given the cache says."""

    ttl: Ttl | TtlOf
    """Seconds or a timedelta from the end of its load; `None`: for good. Or a function of the
    value that says so; 0 or less: it is not stored."""
    none_ttl: Ttl
    """The ttl of a `None`."""
    jitter: float
    """The part of `ttl`, from 0 to 1, that may be taken off at random."""
    stale_while_revalidate: Duration
    """How long after its ttl a value is still served at once, while it is loaded anew."""
    stale_if_error: Duration
    """How long after its ttl a value is still served if loading it anew fails."""
    type: Any
    """What the values are: a model, a dataclass, `list[Model]`. A class that is no builtin gets a
    serializer by pydantic, where that is installed. Instead of `serializer`."""
    share: bool
    """Hand out the very object that is cached, not a copy for each caller."""
    version: int | str
    """What another version has stored under the key is not served."""
    skip_l1: bool
    """In a chain of stores, no process keeps a copy of the value."""


class Options(Lifetime, total=False):
    """How a value is loaded and kept; what is not given the cache says."""

    load_timeout: Duration
    """How long a load may take before all who wait for it get a `TimeoutError`."""
    soft_timeout: Duration | None
    """How long a caller waits for a load if there is a value that `stale_if_error` allows."""
    early_refresh: float
    """How many load times before its end a value is loaded anew, on average; 0: it is not."""
    when: Callable[[Any], bool]
    """What a loaded value must fulfil to be stored."""


OF_LOADS: Final = frozenset(Options.__annotations__.keys() - Lifetime.__annotations__.keys())
"""What says nothing of a value that is set."""


def seconds(name: str, value: Any) -> float:
    """A duration as seconds: finite, above zero, ten years at most."""
    span = _seconds(name, value)
    if not 0 < span <= LONGEST:
        raise ConfigurationError(f"{name} must be above 0 and at most ten years, not {span!r} s")
    return float(span)


def seconds_or_never(name: str, value: Any) -> float | None:
    """Like `seconds`, but `None` stays `None`: for good."""
    try:
        return None if value is None else seconds(name, value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; None never expires") from None


def span_or_never(name: str, value: Any) -> float | None:
    """What a function or a loader says is a ttl: it may be over."""
    if value is None:
        return None
    span = _seconds(name, value)
    if span != span:
        raise ConfigurationError(f"{name} must be a number of seconds, not {span!r}")
    return float(max(-1.0, min(LONGEST, span)))


def fraction(name: str, value: Any) -> float:
    """A part of something: 0 or more, below 1."""
    if not _is_number(value) or not 0 <= value < 1:
        raise ConfigurationError(f"{name} must be at least 0 and below 1, not {value!r}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _seconds(name: str, value: Any) -> int | float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not _is_number(value):
        raise ConfigurationError(f"{name} must be seconds or a timedelta, not {value!r}")
    return cast("int | float", value)


def window(name: str, value: Any) -> float:
    """A duration as seconds that may be 0: there is none."""
    return 0.0 if value == 0 and _is_number(value) else seconds(name, value)


def _ttl(name: str, value: Any) -> Any:
    return value if callable(value) else seconds_or_never(name, value)


def _soft(name: str, value: Any) -> float | None:
    return None if value is None else seconds(name, value)


def _factor(name: str, value: Any) -> float:
    if not _is_number(value) or not 0 <= value <= 1000:
        raise ConfigurationError(f"{name} must be load times, from 0 to 1000, not {value!r}")
    return float(value)


def _predicate(name: str, value: Any) -> Callable[[Any], bool]:
    if not callable(value):
        raise ConfigurationError(f"{name} must be a function of the value, not {value!r}")
    return cast("Callable[[Any], bool]", value)


def _version(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not _is_short(str(value)):
        raise ConfigurationError(
            f"{name} must be a number or a str of at most {_SHORT} bytes of UTF-8, not {value!r}"
        )
    return str(value)


def _is_short(text: str) -> bool:
    try:
        return len(text.encode()) <= _SHORT
    except UnicodeEncodeError:
        return False


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {value!r}")
    return value


def _size(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**32:
        raise ConfigurationError(
            f"{name} must be a number of bytes, from 1 to {2**32 - 1}, not {value!r}"
        )
    return value


def count(name: str, value: Any) -> int:
    """How many of something: 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number above 0, not {value!r}")
    return value


CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "ttl": _ttl,
    "none_ttl": seconds_or_never,
    "jitter": fraction,
    "stale_while_revalidate": window,
    "stale_if_error": window,
    "serializer": lambda _, value: serializer_of(value),
    "type": typed_by,
    "steps": checked_steps,
    "max_value_bytes": _size,
    "share": _flag,
    "version": _version,
    "skip_l1": _flag,
    "load_timeout": seconds,
    "soft_timeout": _soft,
    "early_refresh": _factor,
    "when": _predicate,
}
