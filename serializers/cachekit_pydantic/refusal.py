"""Saying why a value cannot be carried, and what to do, without showing the value."""

import datetime
import math
from typing import Any, Final, cast

from pydantic import ValidationError

from cachekit.errors import EncodeError
from cachekit_pydantic.branching import TooDeepError
from cachekit_pydantic.others import holds_a_secret, other_serializer
from cachekit_pydantic.places import Place, first_difference, first_part, follow


def refusal(value: Any, annotation: str, place: Place, what: str) -> EncodeError:
    """The error for `value`, for `what` is said of a `place` in it."""
    where = f"{place.path.lstrip('.')}: " if place.path else ""
    return EncodeError(
        f"{_a(value)} cannot be cached as {annotation}: {where}{_a(place.value)} {what}; "
        f"{_advice(place, value)}"
    )


def difference(made: Any, value: Any) -> tuple[Place, str]:
    """Where `made` is another one, and what can be said of that."""
    place = first_difference(made, value)
    if type(place.made) is type(place.value):
        return place, "would come back changed"
    return place, f"would come back as {kind_of(place.made)}"


def failure(error: Exception, value: Any) -> tuple[Place, str]:
    """The same for a value that could not be written, or not be read again."""
    text = str(error)
    if isinstance(error, TooDeepError):
        return Place(value), f"is {text}: tell them apart by a discriminator"
    if isinstance(error, ValidationError) and "recursion limit" not in text:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return follow(value, first["loc"]), f"could not be read again ({first['type']})"
    if isinstance(error, RecursionError) or any(word in text for word in _ENDLESS):
        return Place(value), "is nested deeper than pydantic reads (200 levels), or in a circle"
    place = first_part(value, lambda part: _is_meant(part, text)) or Place(value)
    return place, f"cannot be written as JSON ({type(error).__name__})"


def why(error: Exception) -> str:
    """What may be said of an error in reading."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    count = error.error_count()
    if count > _MANY:  # of a validator that is no part of the schema: listing them takes seconds
        return f"{count} errors"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{first['type']}" if count == 1 else f"{count} errors, the first is {first['type']}"


_MANY: Final = 100


_ENDLESS = ("recursion limit", "Circular reference", "serialization depth")


def _is_meant(part: Any, text: str) -> bool:
    """Whether pydantic's error is about it: of an unknown class, or no UTF-8."""
    if "utf-8" in text:
        return isinstance(part, str | bytes) and not _is_utf8(part)
    return f"{cast('Any', type(part))}" in text


def _is_utf8(value: str | bytes) -> bool:
    try:
        value.encode() if isinstance(value, str) else value.decode()
    except UnicodeError:
        return False
    return True


def _advice(place: Place, whole: Any) -> str:
    value, made, other = place.value, place.made, other_serializer(whole)
    kind = cast("Any", type(value))
    if kind is float and not math.isfinite(value):
        return 'set ser_json_inf_nan="constants" in the config of the class it is in'
    if isinstance(value, bytes):
        return (
            'set ser_json_bytes="base64" and val_json_bytes="base64" in the config of the class '
            "it is in, and annotate bytes"
        )
    if hasattr(value, "__next__"):
        return "cache list(value)"
    if isinstance(value, datetime.datetime | datetime.time) and value.tzinfo:
        return f"take it to UTC or another fixed offset, or {other}, which keeps zones"
    if holds_a_secret(whole):
        return f"annotate what is in the secret, for secrets are not written, or {other}"
    if type(made) in kind.__mro__[1:-1]:
        return f"annotate {kind.__name__}, or {other}"
    if kind in type(made).__mro__[1:-1]:
        return f"tell the classes of the union apart by a discriminator, or {other}"
    return f"annotate exactly what it is and holds, or {other}"


def _a(value: Any) -> str:
    """The name of its class with an article."""
    name = kind_of(value)
    return f"an {name}" if name[0] in "aeio" else f"a {name}"


def kind_of(value: Any) -> str:
    """The name of its class, with the module's if it is no builtin one."""
    kind = cast("Any", type(value))
    if kind.__module__ == "builtins":
        return str(kind.__qualname__)
    return f"{kind.__module__}.{kind.__qualname__}"
